//! What an operator sets up: listeners, own TLS, secrets, the refusal to serve live where nobody reaches it.

pub mod certificates;
mod internal_tls;
mod listeners;
mod live_url;
mod secrets;
mod supervisor;
mod tls;
mod tls_reload;
mod watching;
