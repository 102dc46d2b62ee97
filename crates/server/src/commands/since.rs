//! Points in a merchant's time, as the command line takes them.

use crate::client::Client;
use crate::client::events::Place;
use crate::client::fields::text;
use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};

/// The longest duration taken: ten years, as the sandbox's clock.
const SECONDS_MAX: i64 = 10 * 366 * 86_400;

/// A point in a merchant's business time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// What comes.
    Now,
    /// Everything.
    Beginning,
    /// Seconds ago.
    Ago(i64),
    /// A time.
    At(Timestamp),
}

/// Reads a point: `now`, `beginning`, a duration, or a time.
pub(crate) fn point(text: &str) -> Result<Point, String> {
    match text {
        "now" => Ok(Point::Now),
        "beginning" => Ok(Point::Beginning),
        _ => match (text.parse(), seconds(text)) {
            (Ok(at), _) => Ok(Point::At(at)),
            (Err(_), Some(seconds)) => Ok(Point::Ago(seconds)),
            (Err(_), None) => Err(
                "expected now, beginning, a duration such as 30m, 2h or 1d, or a time such as 2026-01-31T09:00:00+08:00".to_owned()
            ),
        },
    }
}

/// Reads a duration.
pub(crate) fn duration_s(text: &str) -> Result<i64, String> {
    seconds(text)
        .ok_or_else(|| "expected a duration such as 30m, 2h, 1d or 1d12h, at most ten years".to_owned())
}

/// The place behind the last event before a point.
pub(crate) async fn place(client: &Client, point: Point) -> Result<Option<Place>> {
    match time(client, point).await? {
        None if point == Point::Beginning => Ok(None),
        None => Ok(client.place_now(None).await?),
        Some(at) => Ok(client.place_now(Some(&format!("{at:.3}"))).await?),
    }
}

/// A point as a time of the merchant's business clock; `None` for its two ends.
pub(crate) async fn time(client: &Client, point: Point) -> Result<Option<Timestamp>> {
    match point {
        Point::Now | Point::Beginning => Ok(None),
        Point::At(at) => Ok(Some(at)),
        Point::Ago(seconds) => {
            let clock = client.get("/v1/sandbox/clock").await?.body;
            let now: Timestamp = text(&clock, "/now").parse().context("the server's clock can't be read")?;
            Ok(Some(now.checked_sub(SignedDuration::from_secs(seconds))?))
        }
    }
}

/// Seconds of a duration: numbers with s, m, h, d or w, the larger units first, such as `1d12h`.
fn seconds(text: &str) -> Option<i64> {
    const UNITS: [(char, i64); 5] = [('w', 7 * 86_400), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];
    let (mut rest, mut units, mut sum) = (text, &UNITS[..], 0_i64);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at(digits);
        let unit = tail.chars().next()?;
        let at = units.iter().position(|(name, _)| *name == unit)?;
        let (_, size) = units.get(at)?;
        sum = sum.checked_add(number.parse::<i64>().ok()?.checked_mul(*size)?)?;
        units = units.get(at + 1..)?;
        rest = tail.get(1..)?;
    }
    (1..=SECONDS_MAX).contains(&sum).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points() {
        assert_eq!(point("now"), Ok(Point::Now));
        assert_eq!(point("beginning"), Ok(Point::Beginning));
        assert_eq!(point("90s"), Ok(Point::Ago(90)));
        assert_eq!(point("1970-01-01T08:00:01+08:00"), Ok(Point::At(Timestamp::from_second(1).unwrap())));
        assert!(["", "yesterday", "2026-01-31", "-1d"].iter().all(|text| point(text).is_err()));
    }

    #[test]
    fn durations() {
        for (text, wanted) in
            [("1s", 1), ("30m", 1_800), ("2h", 7_200), ("1d", 86_400), ("1w", 604_800), ("1d12h5m", 129_900)]
        {
            assert_eq!(seconds(text), Some(wanted), "{text}");
        }
        let bad = [
            "",
            "1",
            "d",
            "1x",
            "-1d",
            "1h1d",
            "1d1d",
            "0s",
            "1.5h",
            "1 d",
            "99999999999999999999s",
            "4000d",
            "1д",
        ];
        for text in bad {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
