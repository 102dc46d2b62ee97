//! A deterministic simulator: the real platform, from its HTTP face to its database, in one thread whose time, randomness, channel,
//! receivers and faults all come from a seed. One seed is one history. An auditor that shares no code with the platform judges
//! it. For development only.

pub mod channel;
pub mod client;
pub mod clock;
mod evidence;
pub mod faults;
pub mod history;
pub mod house;
pub mod random;
pub mod receiver;
pub mod run;
mod store;
mod workload;

pub use run::{Options, Outcome, run};
