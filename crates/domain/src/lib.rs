//! The nouns of the platform and every decision about them. Pure: a decision sees rows, a command and facts (time, ids,
//! prices, channel answers) handed in. There is no clock, randomness, SQL, HTTP or runtime here.

pub mod adjustment;
pub mod api_key;
pub mod attempt;
pub mod capture;
pub mod channel;
pub mod clock;
pub mod decide;
pub mod event;
pub mod funds;
pub mod id;
pub mod job;
pub mod maturity;
pub mod merchant;
pub mod partner;
pub mod payment;
pub mod price;
pub mod refund;
pub mod rejection;
pub mod rows;
pub mod statement;

pub use id::{Id, Shard, Uid, World};
