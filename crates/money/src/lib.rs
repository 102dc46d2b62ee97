//! Amounts, currencies, rounding, allocation and fee arithmetic.
//!
//! Everything here is exact integer arithmetic on minor units: no binary fraction, no I/O, no clock.
//! Intermediate products are `i128`; a result that does not fit its `i64` is an error, never a wrap.

mod allocation;
mod amount;
mod currency;
mod error;
pub mod fee;
mod rate;
pub mod rounding;

pub use allocation::allocate;
pub use amount::{Amount, MAX_WIRE};
pub use currency::Currency;
pub use error::MoneyError;
pub use fee::{FeeComputation, FeeRule, fee_given_back};
pub use rate::Rate;
