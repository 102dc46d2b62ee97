//! Whether an endpoint is well: when it is called failing, disabled and recovered. Pure.

use store::control::{Endpoint, EndpointStatus};

const MINUTE_US: i64 = 60 * 1_000_000;
const DAY_US: i64 = 24 * 60 * MINUTE_US;

/// So many failures in a row make an endpoint failing.
pub const FAILING_AFTER: i64 = 4;
/// Nothing but failures for so long, and one more after that, disable it.
pub const DISABLED_AFTER_US: i64 = 5 * DAY_US;
/// A first failure older than this counts no more: had there been any between, it would have disabled the endpoint.
pub const FORGIVEN_AFTER_US: i64 = 10 * DAY_US;

/// What is known of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Where it stands.
    pub status: EndpointStatus,
    /// Since when every try failed, real time; `None` after a success.
    pub failing_since_us: Option<i64>,
    /// Failures in a row.
    pub failures: i64,
}

/// What a merchant is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// `webhook_endpoint.failing`
    Failing,
    /// `webhook_endpoint.disabled`
    Disabled,
    /// `webhook_endpoint.recovered`
    Recovered,
}

impl Health {
    /// As an endpoint's row holds it.
    pub fn of(endpoint: &Endpoint) -> Health {
        Health {
            status: endpoint.status,
            failing_since_us: endpoint.failing_since_us,
            failures: endpoint.failures,
        }
    }

    /// A try succeeded. A disabled endpoint stays so: only its owner enables it.
    pub fn succeeded(self) -> (Health, Option<Change>) {
        let well = Health { status: EndpointStatus::Enabled, failing_since_us: None, failures: 0 };
        match self.status {
            EndpointStatus::Enabled => (well, None),
            EndpointStatus::Failing => (well, Some(Change::Recovered)),
            EndpointStatus::Disabled => (self, None),
        }
    }

    /// A try failed at a real time. One failure and then silence disables nothing (R54): it takes another failure after the
    /// five days.
    pub fn failed(self, at_us: i64) -> (Health, Option<Change>) {
        let before = match self.failing_since_us {
            Some(since_us) if at_us.saturating_sub(since_us) < FORGIVEN_AFTER_US => Some(since_us),
            Some(_) | None => None,
        };
        let failures = if before.is_some() { self.failures.saturating_add(1) } else { 1 };
        let since_us = before.unwrap_or(at_us);
        let ill = Health { status: self.status, failing_since_us: Some(since_us), failures };
        match self.status {
            EndpointStatus::Disabled => (self, None),
            EndpointStatus::Enabled | EndpointStatus::Failing
                if at_us.saturating_sub(since_us) >= DISABLED_AFTER_US =>
            {
                (Health { status: EndpointStatus::Disabled, ..ill }, Some(Change::Disabled))
            }
            EndpointStatus::Enabled if failures >= FAILING_AFTER => {
                (Health { status: EndpointStatus::Failing, ..ill }, Some(Change::Failing))
            }
            EndpointStatus::Enabled | EndpointStatus::Failing => (ill, None),
        }
    }

    /// The receiver answered 410.
    pub fn gone(self, at_us: i64) -> (Health, Option<Change>) {
        let (ill, _) = self.failed(at_us);
        match self.status {
            EndpointStatus::Disabled => (self, None),
            EndpointStatus::Enabled | EndpointStatus::Failing => {
                (Health { status: EndpointStatus::Disabled, ..ill }, Some(Change::Disabled))
            }
        }
    }

    /// Whether the row `stored` must be written again. A bad second is not worth a write, which makes every node read its
    /// configuration anew; a new status is, and so is the start of a streak that lasts.
    pub fn differs_enough(self, stored: Health, at_us: i64) -> bool {
        let lasts = self.failing_since_us.is_some_and(|since_us| at_us.saturating_sub(since_us) >= MINUTE_US);
        self.status != stored.status
            || (stored.failing_since_us.is_some() && self.failing_since_us != stored.failing_since_us)
            || (stored.failing_since_us.is_none() && lasts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use EndpointStatus::{Disabled, Enabled, Failing};

    const WELL: Health = Health { status: Enabled, failing_since_us: None, failures: 0 };

    fn ill(status: EndpointStatus, since_us: i64, failures: i64) -> Health {
        Health { status, failing_since_us: Some(since_us), failures }
    }

    #[test]
    fn failures_in_a_row() {
        let mut health = WELL;
        for n in 1..=6 {
            let (next, change) = health.failed(n * 1_000);
            let status = if n >= FAILING_AFTER { Failing } else { Enabled };
            assert_eq!(next, ill(status, 1_000, n));
            assert_eq!(change, (n == FAILING_AFTER).then_some(Change::Failing), "told once");
            health = next;
        }
        assert_eq!(health.succeeded(), (WELL, Some(Change::Recovered)));
        assert_eq!(ill(Enabled, 1, 3).succeeded(), (WELL, None), "nobody was told of it");
    }

    #[test]
    fn five_days_of_nothing_but_failures_disable() {
        let five = DISABLED_AFTER_US;
        let cases = [
            // One failure, then silence: the row alone changes nothing; a failure after it does.
            (ill(Enabled, 0, 1), five - 1, ill(Enabled, 0, 2), None),
            (ill(Enabled, 0, 1), five, ill(Disabled, 0, 2), Some(Change::Disabled)),
            (ill(Failing, 0, 40), five - 1, ill(Failing, 0, 41), None),
            (ill(Failing, 0, 40), five, ill(Disabled, 0, 41), Some(Change::Disabled)),
            // A streak that old had a long silence in it.
            (ill(Enabled, 0, 1), FORGIVEN_AFTER_US, ill(Enabled, FORGIVEN_AFTER_US, 1), None),
            (WELL, five, ill(Enabled, five, 1), None),
            (ill(Disabled, 0, 41), five + 1, ill(Disabled, 0, 41), None),
        ];
        for (before, at_us, after, change) in cases {
            assert_eq!(before.failed(at_us), (after, change), "{before:?} at {at_us}");
        }
    }

    #[test]
    fn gone_disables_at_once() {
        assert_eq!(WELL.gone(5), (ill(Disabled, 5, 1), Some(Change::Disabled)));
        assert_eq!(ill(Failing, 1, 9).gone(5), (ill(Disabled, 1, 10), Some(Change::Disabled)));
        assert_eq!(ill(Disabled, 1, 9).gone(5), (ill(Disabled, 1, 9), None));
        assert_eq!(ill(Disabled, 1, 9).succeeded(), (ill(Disabled, 1, 9), None));
    }

    #[test]
    fn rows_are_written_when_it_matters() {
        let cases = [
            (ill(Enabled, 0, 1), WELL, 0, false),
            (ill(Enabled, 0, 2), WELL, MINUTE_US, true),
            (ill(Failing, 0, 4), WELL, 1, true),
            (ill(Failing, 0, 5), ill(Failing, 0, 4), DAY_US, false),
            (WELL, ill(Enabled, 0, 2), 1, true),
            (WELL, WELL, 1, false),
            (ill(Disabled, 0, 9), ill(Failing, 0, 4), 1, true),
            (ill(Enabled, 9, 1), ill(Enabled, 0, 1), 9, true),
        ];
        for (now, stored, at_us, expected) in cases {
            assert_eq!(now.differs_enough(stored, at_us), expected, "{now:?} {stored:?}");
        }
    }
}
