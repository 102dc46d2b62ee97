//! HTTP: the faces that merchants' programs, channels, payers and operators see (WIRE).
//!
//! Every `/v1` route goes through one pipeline: route, body, credentials, permission, then a handler that gets the proof
//! [`pipeline::Allowed`] and can't be reached without it. Router, OpenAPI document and list of permissions come from one
//! registration ([`routes`]). Every refusal is one row of one table ([`problem::Code`]). What a command means is not
//! decided here: handlers parse, call `app`, and render.

mod access;
mod callback;
mod config;
mod cursor;
mod docs;
mod html;
mod inputs;
mod internal;
mod json;
mod listing;
mod openapi;
pub mod outside;
mod payer;
mod pipeline;
mod problem;
mod query;
mod routes;
mod schema;
mod server;
mod state;
mod text;
mod tls;
mod v1;

pub use access::permissions;
pub use config::{ApiConfig, Rate, RateLimits, ServeLimits};
pub use internal::internal_router;
pub use openapi::document_json;
pub use problem::Code;
pub use routes::public_router;
pub use server::serve;
pub use text::Lang;
pub use tls::ListenerTls;
pub use v1::event_types;
