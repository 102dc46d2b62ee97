//! Active ISO 4217 currencies.
//!
//! The table is the `iso_currency` crate's; the rules over it are ours:
//! * funds and units of account (CLF, UYI, UYW, CHE, CHW, COU, MXV, USN, BOV), metals, the test code XTS and "no
//!   currency" XXX are refused: nobody pays with them;
//! * currencies that another one has replaced are refused for new money, but stay readable in the books;
//! * VES stays active: the maintenance agency lists it beside VED, the crate calls it superseded.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use iso_currency::Currency as Iso;

use crate::MoneyError;

/// An active national currency of ISO 4217, ordered by its alphabetic code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Currency(Iso);

/// Listed as superseded by the table although the maintenance agency still lists it as active.
const STILL_ACTIVE: &[Iso] = &[Iso::VES];

impl Currency {
    /// Renminbi yuan, 2 decimals.
    pub const CNY: Currency = Currency(Iso::CNY);
    /// US dollar, 2 decimals.
    pub const USD: Currency = Currency(Iso::USD);
    /// Yen, no decimals.
    pub const JPY: Currency = Currency(Iso::JPY);

    /// Reads an alphabetic code, exactly three upper-case letters.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyUnknown`] for lower case, unknown, withdrawn, fund, special and test codes.
    pub fn parse(code: &str) -> Result<Currency, MoneyError> {
        Iso::from_code(code)
            .filter(|iso| iso.code() == code && is_active(*iso))
            .map(Currency)
            .ok_or(MoneyError::CurrencyUnknown)
    }

    /// Finds an active currency by its ISO 4217 number (156 = CNY).
    ///
    /// # Errors
    /// [`MoneyError::CurrencyUnknown`] as for [`Currency::parse`].
    pub fn from_numeric(numeric: u16) -> Result<Currency, MoneyError> {
        Iso::from_numeric(numeric)
            .filter(|iso| is_active(*iso))
            .map(Currency)
            .ok_or(MoneyError::CurrencyUnknown)
    }

    /// Finds a currency of a stored row. A currency that has been withdrawn since keeps its books, so it is
    /// still readable here while [`Currency::from_numeric`] refuses it for new money.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyUnknown`] if it never was a national currency.
    pub fn from_stored_numeric(numeric: u16) -> Result<Currency, MoneyError> {
        Iso::from_numeric(numeric)
            .filter(|iso| is_national(*iso))
            .map(Currency)
            .ok_or(MoneyError::CurrencyUnknown)
    }

    /// The alphabetic code, such as `CNY`.
    pub fn code(&self) -> &'static str {
        self.0.code()
    }

    /// The ISO 4217 number, 1 to 999.
    pub fn numeric(&self) -> u16 {
        self.0.numeric()
    }

    /// Decimals between the minor and the major unit: 2 for CNY, 0 for JPY, 3 for KWD.
    pub fn exponent(&self) -> u8 {
        // `is_national` admits only entries with an exponent below 10, so neither fallback is ever taken.
        self.0.exponent().and_then(|exponent| u8::try_from(exponent).ok()).unwrap_or(0)
    }

    /// Every active currency, by rising number.
    pub fn all() -> impl Iterator<Item = Currency> {
        (1..=999u16).filter_map(|numeric| Currency::from_numeric(numeric).ok())
    }
}

/// A unit that people pay with, today or in the past.
fn is_national(iso: Iso) -> bool {
    !iso.is_fund() && !iso.is_special() && iso.exponent().is_some_and(|exponent| exponent < 10)
}

fn is_active(iso: Iso) -> bool {
    is_national(iso) && (iso.is_superseded().is_none() || STILL_ACTIVE.contains(&iso))
}

impl Ord for Currency {
    fn cmp(&self, other: &Self) -> Ordering {
        // By code, not by the table's order, which an upgrade of the table may change.
        self.code().cmp(other.code())
    }
}

impl PartialOrd for Currency {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Currency {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.numeric().hash(state);
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The active set with its exponents. An upgrade of the table that moves it must be read by a person:
    /// an exponent may never change under booked money.
    const ACTIVE: &str = include_str!("../tests/active_currencies.txt");

    #[test]
    fn active_set_is_the_committed_one() {
        let mut active: Vec<Currency> = Currency::all().collect();
        active.sort();
        let rendered: String =
            active.iter().map(|c| format!("{} {:03} {}\n", c.code(), c.numeric(), c.exponent())).collect();
        assert_eq!(rendered, ACTIVE, "the active set changed; rendered:\n{rendered}");
    }

    #[test]
    fn codes_numbers_and_exponents() {
        for (code, numeric, exponent) in [
            ("CNY", 156, 2),
            ("USD", 840, 2),
            ("JPY", 392, 0),
            ("KWD", 414, 3),
            ("ALL", 8, 2),
            ("VES", 928, 2),
        ] {
            let currency = Currency::parse(code).unwrap();
            assert_eq!((currency.code(), currency.numeric(), currency.exponent()), (code, numeric, exponent));
            assert_eq!(Currency::from_numeric(numeric), Ok(currency));
        }
        assert_eq!(Currency::parse("CNY"), Ok(Currency::CNY));
    }

    #[test]
    fn refuses_what_nobody_pays_with() {
        for code in [
            "cny",
            "Cny",
            "CNY ",
            "",
            "C",
            "CN",
            "CNYY",
            "人民币",
            "AAA",
            "XAU",
            "XAG",
            "XPT",
            "XPD",
            "XXX",
            "XTS",
            "XDR",
            "XSU",
            "XUA",
            "XAD",
            "XBA",
            "CHE",
            "CHW",
            "CLF",
            "UYI",
            "UYW",
            "COU",
            "MXV",
            "USN",
            "BOV",
            "HRK",
            "SLL",
            "ZWL",
            "CUC",
            "BGN",
        ] {
            assert_eq!(Currency::parse(code), Err(MoneyError::CurrencyUnknown), "{code}");
        }
        for numeric in [0, 1, 959, 963, 990, 999, 1000, u16::MAX] {
            assert_eq!(Currency::from_numeric(numeric), Err(MoneyError::CurrencyUnknown), "{numeric}");
        }
    }

    #[test]
    fn a_withdrawn_currency_stays_readable_in_the_books() {
        assert_eq!(Currency::from_numeric(191), Err(MoneyError::CurrencyUnknown));
        assert_eq!(Currency::from_stored_numeric(191).map(|c| c.code()), Ok("HRK"));
        assert_eq!(Currency::from_stored_numeric(999), Err(MoneyError::CurrencyUnknown));
    }

    #[test]
    fn ordered_by_code() {
        assert!(Currency::parse("XCG").unwrap() > Currency::USD);
        assert!(Currency::CNY < Currency::JPY && Currency::JPY < Currency::USD);
    }
}
