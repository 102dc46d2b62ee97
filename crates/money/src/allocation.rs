//! Dividing a whole into parts without losing a unit.

use crate::MoneyError;

/// Divides `total_minor` by `weights` with the largest remainder: every part is first rounded towards zero, then the
/// units left over go, one each, to the largest remainders; a tie goes to the lower index. The parts always sum to
/// the whole, each is less than one unit from its exact share, a zero weight gets nothing, and a negative total is
/// divided as the mirror of the positive one.
///
/// 2.50 as 50 %, 45 % and the rest is 1.25 + 1.13 + 0.12: both last remainders are a half, the earlier one wins.
///
/// # Errors
/// [`MoneyError::WeightsZero`] if no weight is positive.
pub fn allocate(total_minor: i64, weights: &[u64]) -> Result<Vec<i64>, MoneyError> {
    let whole: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    if whole == 0 {
        return Err(MoneyError::WeightsZero);
    }
    let total = u128::from(total_minor.unsigned_abs());
    let mut shares: Vec<Share> = weights
        .iter()
        .enumerate()
        // 2^63 × 2^64 fits 128 bits.
        .map(|(index, weight)| (index, total * u128::from(*weight)))
        .map(|(index, product)| Share { index, units: product / whole, remainder: product % whole })
        .collect();
    let given: u128 = shares.iter().map(|share| share.units).sum();
    shares.sort_by(|a, b| b.remainder.cmp(&a.remainder).then(a.index.cmp(&b.index)));
    let mut left = total - given;
    for share in shares.iter_mut().take_while(|share| share.remainder > 0) {
        let unit = left.min(1);
        share.units += unit;
        left -= unit;
    }
    shares.sort_by_key(|share| share.index);
    let sign = i128::from(total_minor.signum());
    shares
        .iter()
        .map(|share| i128::try_from(share.units).map(|units| units * sign).map_err(|_| MoneyError::Overflow))
        .map(|units| i64::try_from(units?).map_err(|_| MoneyError::Overflow))
        .collect()
}

/// One party's part while it is being computed.
struct Share {
    index: usize,
    units: u128,
    remainder: u128,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn r30_the_parts_sum_to_the_whole() {
        let mut one_of_twenty = vec![0; 20];
        one_of_twenty[0] = 1;
        for (total, weights, parts) in [
            (250, vec![50, 45, 5], vec![125, 113, 12]),
            (-250, vec![50, 45, 5], vec![-125, -113, -12]),
            (1, vec![1; 20], one_of_twenty),
            (0, vec![1, 2], vec![0, 0]),
            (100, vec![1, 1, 1], vec![34, 33, 33]),
            (10, vec![0, 3, 0], vec![0, 10, 0]),
            (5, vec![7], vec![5]),
            (i64::MAX, vec![u64::MAX], vec![i64::MAX]),
            (i64::MIN, vec![u64::MAX, 0], vec![i64::MIN, 0]),
        ] {
            assert_eq!(allocate(total, &weights), Ok(parts), "{total} by {weights:?}");
        }
    }

    #[test]
    fn refuses_when_nobody_is_there() {
        assert_eq!(allocate(1, &[]), Err(MoneyError::WeightsZero));
        assert_eq!(allocate(1, &[0, 0]), Err(MoneyError::WeightsZero));
    }

    proptest! {
        #[test]
        fn sums_to_the_whole_and_stays_within_a_unit(total in any::<i64>(), weights in prop::collection::vec(any::<u32>(), 1..30)) {
            prop_assume!(weights.iter().any(|weight| *weight > 0));
            let weights: Vec<u64> = weights.into_iter().map(u64::from).collect();
            let parts = allocate(total, &weights).unwrap();
            prop_assert_eq!(parts.iter().map(|part| i128::from(*part)).sum::<i128>(), i128::from(total));
            let whole: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
            for (part, weight) in parts.iter().zip(&weights) {
                let off = i128::from(*part) * whole - i128::from(total) * i128::from(*weight);
                prop_assert!(off.abs() < whole);
                prop_assert!(*weight > 0 || *part == 0);
            }
            if total != i64::MIN {
                let mirrored: Vec<i64> = parts.iter().map(|part| -part).collect();
                prop_assert_eq!(allocate(-total, &weights).unwrap(), mirrored);
            }
        }
    }
}
