//! Partners, keys and certificates: everything that a partner may and may not do, on every route of the served document.

mod acting;
mod cast;
mod header;
mod keys;
mod matrix;
mod revoke;
mod routes;
