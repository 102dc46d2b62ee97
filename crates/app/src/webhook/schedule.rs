//! When a delivery is tried again, and what an answer means. Pure: randomness and times are handed in.

use jiff::fmt::rfc2822;

/// The pauses before the 2nd, 3rd, … try, in seconds: ten tries in about 75 hours, so a little over three days (the example
/// schedule of Standard Webhooks).
pub const PAUSES_S: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// A pause is up to this much longer or shorter, so that what failed together does not come back together.
pub(super) const JITTER_PERCENT: i64 = 20;

/// The end of one try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A 2xx answer.
    Succeeded,
    /// Anything else; `retry_after_s` is what the receiver asked for.
    Failed {
        /// Seconds from now.
        retry_after_s: Option<i64>,
    },
    /// 410: the receiver wants no more, ever.
    Gone,
}

/// What an HTTP status means. Redirects are failures: the address that was checked is the one that counts.
pub fn verdict(status: u16, retry_after_s: Option<i64>) -> Verdict {
    match status {
        200..=299 => Verdict::Succeeded,
        410 => Verdict::Gone,
        _ => Verdict::Failed { retry_after_s },
    }
}

/// When to try again after `tries` tries that failed, real time in microseconds; `None` when it is given up. `random` spreads
/// the pause over ±20 %. A receiver's Retry-After is honoured between the pause and its double.
pub fn next_try_us(tries: i64, now_us: i64, retry_after_s: Option<i64>, random: u32) -> Option<i64> {
    let index = usize::try_from(tries).ok()?.checked_sub(1)?;
    let base_us = PAUSES_S.get(index)?.saturating_mul(1_000_000);
    let spread_us = base_us / 100 * JITTER_PERCENT;
    // Between -spread and +spread, by a share of 2^32.
    let offset_us =
        i64::try_from((i128::from(spread_us) * 2 * i128::from(random)) >> 32).unwrap_or(0) - spread_us;
    let asked_us = retry_after_s.map(|seconds| seconds.saturating_mul(1_000_000));
    let pause_us = match asked_us {
        Some(asked_us) => asked_us.clamp(base_us, base_us * 2).max(base_us + offset_us),
        None => base_us + offset_us,
    };
    Some(now_us.saturating_add(pause_us))
}

/// Reads `Retry-After`, seconds or an HTTP date, as seconds from now.
pub fn retry_after_s(text: &str, now_us: i64) -> Option<i64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(i64::from(seconds));
    }
    let at = rfc2822::parse(text).ok()?.timestamp();
    Some(at.as_second().saturating_sub(now_us / 1_000_000).max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDDLE: u32 = 1 << 31;

    #[test]
    fn ten_tries_within_a_little_over_three_days() {
        let mut at_us = 0;
        let mut tries = 1;
        while let Some(next_us) = next_try_us(tries, at_us, None, MIDDLE) {
            assert_eq!(next_us - at_us, PAUSES_S[usize::try_from(tries).unwrap() - 1] * 1_000_000);
            at_us = next_us;
            tries += 1;
        }
        assert_eq!(tries, 10);
        assert_eq!(at_us / 3_600_000_000, 75);
    }

    #[test]
    fn jitter_stays_within_a_fifth() {
        for tries in 1..10 {
            let base_us = PAUSES_S[usize::try_from(tries).unwrap() - 1] * 1_000_000;
            assert_eq!(next_try_us(tries, 0, None, 0), Some(base_us * 8 / 10));
            let longest_us = next_try_us(tries, 0, None, u32::MAX).unwrap();
            assert!(longest_us <= base_us * 12 / 10 && longest_us > base_us * 119 / 100);
        }
        for outside in [-1, 0, 10, 11, i64::MAX] {
            assert_eq!(next_try_us(outside, 0, None, MIDDLE), None);
        }
    }

    #[test]
    fn retry_after_is_honoured_between_the_pause_and_its_double() {
        let cases = [(0, 300), (10, 300), (400, 400), (600, 600), (86_400, 600), (i64::MAX, 600)];
        for (asked_s, pause_s) in cases {
            assert_eq!(next_try_us(2, 7, Some(asked_s), MIDDLE), Some(7 + pause_s * 1_000_000), "{asked_s}");
        }
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now_us = 784_111_777_000_000; // Sun, 06 Nov 1994 08:49:37 GMT
        assert_eq!(retry_after_s(" 120 ", now_us), Some(120));
        assert_eq!(retry_after_s("Sun, 06 Nov 1994 08:50:37 GMT", now_us), Some(60));
        assert_eq!(retry_after_s("Sun, 06 Nov 1994 08:00:00 GMT", now_us), Some(0));
        for bad in ["", "-1", "soon", "99999999999999999999"] {
            assert_eq!(retry_after_s(bad, now_us), None, "{bad}");
        }
    }

    #[test]
    fn only_2xx_succeeds() {
        for status in [200, 201, 204, 299] {
            assert_eq!(verdict(status, None), Verdict::Succeeded);
        }
        for status in [100, 199, 301, 302, 307, 308, 400, 404, 409, 429, 500, 502, 504] {
            assert_eq!(verdict(status, Some(3)), Verdict::Failed { retry_after_s: Some(3) });
        }
        assert_eq!(verdict(410, None), Verdict::Gone);
    }
}
