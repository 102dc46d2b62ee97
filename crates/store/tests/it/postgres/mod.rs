//! What only PostgreSQL has: other writers, a way to the server that may be cut, settings, partitions.

mod cuts;
mod limits;
mod opening;
mod partitions;
mod proxy;
mod races;
mod rotation;
mod schema;
mod tls;
