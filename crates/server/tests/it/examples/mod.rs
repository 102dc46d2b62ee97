//! The programs of `examples/`, run as a merchant's developer runs them: against the server, and through nginx with TLS in
//! front of it.

mod forwarded;
pub mod nginx;
mod programs;
mod run;
mod shipped;
