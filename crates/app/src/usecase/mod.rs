//! What the faces can ask for, one file per noun.

mod adjustment;
mod balance;
mod capture;
pub(crate) mod endpoint;
mod event;
mod explain;
mod key;
mod key_end;
mod merchant;
mod notice;
mod partner;
mod payment;
mod proof;
mod refund;
mod sandbox;
mod statement;

pub use adjustment::NewAdjustment;
pub use balance::BalanceView;
pub use capture::NewCapture;
pub use endpoint::{EndpointPatch, NewEndpoint};
pub use explain::{Acting, Explanation, HistoryItem, PriceExplained};
pub use key::{KeyRotation, NewKey, ShownKey, create_key, rotate_key};
pub use merchant::{NewMerchant, NewPrice, create_merchant, set_price};
pub use partner::{NewPartner, create_partner};
pub use payment::{NewAttempt, NewPayment, PaymentView};
pub use refund::{NewRefund, RefundTarget};
pub use sandbox::{ClockAnswer, PayerPage};
