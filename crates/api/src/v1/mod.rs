//! Handlers by noun: parse, call `app`, render.

mod api_key;
mod balance;
mod delivery;
mod endpoint;
mod event;
pub mod event_feed;
mod explain;
mod ledger;
mod payment;
mod payment_input;
mod payment_steps;
mod refund;
mod sandbox;
mod statement;
mod whoami;

use crate::routes::Routes;

pub use api_key::{KeyIn, RotationIn};
pub use balance::CATEGORIES;
pub use endpoint::{EndpointIn, EndpointPatchIn, event_types};
pub use payment_input::PaymentIn;
pub use payment_steps::{AttemptIn, CaptureIn};
pub use refund::RefundIn;
pub use sandbox::{ADVANCE_MAX_S, ClockIn, PayIn};

/// Registers every route.
pub fn routes(routes: &mut Routes) {
    whoami::routes(routes);
    payment::routes(routes);
    payment_steps::routes(routes);
    refund::routes(routes);
    balance::routes(routes);
    statement::routes(routes);
    event::routes(routes);
    endpoint::routes(routes);
    delivery::routes(routes);
    api_key::routes(routes);
    sandbox::routes(routes);
}
