//! What the faces can ask for, one file per noun.

mod balance;
mod capture;
pub(crate) mod endpoint;
mod event;
mod explain;
mod key;
mod merchant;
mod notice;
mod payment;
mod refund;
mod sandbox;

pub use balance::BalanceView;
pub use capture::NewCapture;
pub use endpoint::{EndpointPatch, NewEndpoint};
pub use explain::{Explanation, HistoryItem, PriceExplained};
pub use key::NewKey;
pub use merchant::{NewMerchant, NewPrice, create_merchant, set_price};
pub use payment::{NewAttempt, NewPayment, PaymentView};
pub use refund::{NewRefund, RefundTarget};
pub use sandbox::{ClockAnswer, PayerPage};
