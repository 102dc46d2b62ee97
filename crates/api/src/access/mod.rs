//! Who is calling, from where, how often, and what they may do.

mod address;
mod authenticate;
mod permission;
pub mod rate;

pub use address::{PeerAddr, client_address, covers_addresses};
pub use authenticate::{Access, authenticate, still_alive};
pub use permission::{Operation, Permission, covers, may, permissions};
