//! Latencies in logarithmic buckets: a quantile is right within 1/64 of its value, whatever its size.

/// Each power of two is cut into this many buckets.
const PARTS: u64 = 64;
const PARTS_LOG2: u32 = 6;

/// Counts of microseconds.
#[derive(Debug, Clone, Default)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

/// The bucket of a value: values below `PARTS` have one each, above that the leading bits decide.
fn bucket(value_us: u64) -> usize {
    let magnitude = value_us.max(1).ilog2().saturating_sub(PARTS_LOG2);
    let leading = value_us >> magnitude;
    usize::try_from(u64::from(magnitude) * PARTS + leading).unwrap_or(usize::MAX)
}

/// The middle of a bucket's values.
fn middle_us(bucket: usize) -> f64 {
    let bucket = u64::try_from(bucket).unwrap_or(u64::MAX);
    let magnitude = (bucket / PARTS).saturating_sub(1);
    let leading = bucket - magnitude * PARTS;
    let width = as_f64(1 << magnitude);
    (as_f64(leading) + 0.5) * width
}

/// Counts stay far below 2^53, where every integer has its own `f64`.
#[allow(clippy::cast_precision_loss)]
pub fn as_f64(count: u64) -> f64 {
    count as f64
}

impl Histogram {
    /// Counts one latency.
    pub fn record(&mut self, value_us: u64) {
        let at = bucket(value_us);
        if self.counts.len() <= at {
            self.counts.resize(at + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(at) {
            *count += 1;
            self.total += 1;
        }
    }

    /// Adds another one's counts.
    pub fn add(&mut self, other: &Histogram) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.total += other.total;
    }

    /// How many were counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The value, in milliseconds, that a share of all stays at or below; 0 when nothing was counted.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        let wanted = (share * as_f64(self.total)).ceil().max(1.0);
        let mut seen = 0;
        for (at, count) in self.counts.iter().enumerate() {
            seen += count;
            if *count > 0 && as_f64(seen) >= wanted {
                return middle_us(at) / 1_000.0;
            }
        }
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_within_a_sixty_fourth_of_its_buckets_middle() {
        let mut value = 1u64;
        while value < 100_000_000 {
            let off = (middle_us(bucket(value)) - as_f64(value)).abs();
            assert!(off <= as_f64(value) / 64.0 + 0.5, "{value} is off by {off}");
            value += value / 100 + 1;
        }
    }

    #[test]
    fn quantiles_of_a_ramp() {
        let mut low = Histogram::default();
        let mut high = Histogram::default();
        (1..=500u64).for_each(|ms| low.record(ms * 1_000));
        (501..=1_000u64).for_each(|ms| high.record(ms * 1_000));
        low.add(&high);
        assert_eq!(low.total(), 1_000);
        for (share, expected_ms) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1_000.0), (0.0, 1.0)] {
            let found = low.quantile_ms(share);
            assert!((found - expected_ms).abs() <= expected_ms / 50.0, "{share}: {found}");
        }
        assert!(Histogram::default().quantile_ms(0.5).abs() < f64::EPSILON);
    }
}
