//! Partners, keys and certificates: everything that a partner may and may not do, on every route of the served document.

mod acting;
pub mod cast;
mod header;
pub mod keys;
pub mod matrix;
mod revoke;
pub mod routes;
