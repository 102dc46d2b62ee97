//! A calendar date as a number, for bill dates and dates of availability.

use std::fmt;
use std::str::FromStr;

use crate::LedgerError;

/// Days since 1970-01-01 in the proleptic Gregorian calendar. It has no zone: which day it is, is a fact of the caller.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

/// Days from 0000-03-01 to 1970-01-01.
const EPOCH_FROM_MARCH_0: i64 = 719_468;
/// Days in 400 years.
const DAYS_PER_ERA: i64 = 146_097;

impl Day {
    /// The day of a civil date.
    ///
    /// # Errors
    /// [`LedgerError::DayInvalid`] if there is no such date, or its year is not 1 to 9999.
    pub fn from_ymd(year: i32, month: u32, day: u32) -> Result<Day, LedgerError> {
        if !(1..=9999).contains(&year) || day == 0 || day > days_in_month(year, month) {
            return Err(LedgerError::DayInvalid);
        }
        // Years are counted from March, so that the leap day is the last of its year.
        let (year, month, day) = (i64::from(year), i64::from(month), i64::from(day));
        let year = if month <= 2 { year - 1 } else { year };
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let month_from_march = (month + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * DAYS_PER_ERA + day_of_era - EPOCH_FROM_MARCH_0;
        i32::try_from(days).map(Day).map_err(|_| LedgerError::DayInvalid)
    }

    /// Year, month and day of the month.
    pub fn to_ymd(self) -> (i64, i64, i64) {
        let days = i64::from(self.0) + EPOCH_FROM_MARCH_0;
        let (era, day_of_era) = (days.div_euclid(DAYS_PER_ERA), days.rem_euclid(DAYS_PER_ERA));
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / (DAYS_PER_ERA - 1)) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (year, month, day)
    }

    /// The day `days` later, or earlier if negative; stops at the ends of the range.
    #[must_use]
    pub fn plus(self, days: i32) -> Day {
        Day(self.0.saturating_add(days))
    }

    /// Reads `YYYY-MM-DD`.
    ///
    /// # Errors
    /// [`LedgerError::DayInvalid`].
    pub fn parse(text: &str) -> Result<Day, LedgerError> {
        let digits = |part: &str, length: usize| -> Result<u32, LedgerError> {
            if part.len() != length || !part.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(LedgerError::DayInvalid);
            }
            part.parse().map_err(|_| LedgerError::DayInvalid)
        };
        let mut parts = text.split('-');
        let (Some(year), Some(month), Some(day), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(LedgerError::DayInvalid);
        };
        let year = i32::try_from(digits(year, 4)?).map_err(|_| LedgerError::DayInvalid)?;
        Day::from_ymd(year, digits(month, 2)?, digits(day, 2)?)
    }
}

/// Zero for a month that does not exist.
fn days_in_month(year: i32, month: u32) -> u32 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.to_ymd();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Day {
    type Err = LedgerError;

    fn from_str(text: &str) -> Result<Day, LedgerError> {
        Day::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_dates() {
        for (text, days) in [
            ("1970-01-01", 0),
            ("1969-12-31", -1),
            ("1970-03-01", 59),
            ("2000-02-29", 11_016),
            ("2000-03-01", 11_017),
            ("2024-02-29", 19_782),
            ("2026-11-25", 20_782),
            ("0001-01-01", -719_162),
            ("9999-12-31", 2_932_896),
        ] {
            assert_eq!(Day::parse(text), Ok(Day(days)), "{text}");
            assert_eq!(Day(days).to_string(), text);
        }
        assert_eq!(Day::parse("2024-02-28").unwrap().plus(2).to_string(), "2024-03-01");
    }

    #[test]
    fn refuses() {
        for text in [
            "",
            "2026",
            "2026-1-01",
            "2026-01-1",
            "2026-13-01",
            "2026-00-10",
            "2026-02-29",
            "2100-02-29",
            "2026-04-31",
            "2026-01-00",
            "0000-01-01",
            "+026-01-01",
            "2026-01-01-",
            "2026-01-01T",
            "２０２６-01-01",
        ] {
            assert_eq!(Day::parse(text), Err(LedgerError::DayInvalid), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn there_and_back(days in -719_162i32..=2_932_896) {
            prop_assert_eq!(Day::parse(&Day(days).to_string()), Ok(Day(days)));
        }

        #[test]
        fn any_number_shows_itself(days in any::<i32>()) {
            prop_assert!(!Day(days).to_string().is_empty());
        }
    }
}
