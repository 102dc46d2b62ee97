//! Keys of the API: whose they are, how long they live, and what their owner is told about their end.

use crate::id::{KeyId, MerchantId, PartnerId, World};

/// Whose a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner {
    /// A merchant: the key acts for it alone.
    Merchant(MerchantId),
    /// A partner: the key acts for the merchant that each request names.
    Partner(PartnerId),
}

impl Owner {
    /// The merchant, if it is one.
    pub fn merchant(self) -> Option<MerchantId> {
        match self {
            Owner::Merchant(merchant) => Some(merchant),
            Owner::Partner(_) => None,
        }
    }

    /// The partner, if it is one.
    pub fn partner(self) -> Option<PartnerId> {
        match self {
            Owner::Merchant(_) => None,
            Owner::Partner(partner) => Some(partner),
        }
    }
}

/// A key of the API, its secret part not included. Its times are real time: they belong to signatures, not to business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id, the `keyid` of signatures. The id names its world.
    pub id: KeyId,
    /// Whose it is.
    pub owner: Owner,
    /// A name for people.
    pub name: String,
    /// SHA-256 of a bearer token, sandbox only.
    pub bearer_hash: Option<[u8; 32]>,
    /// A public key in PEM.
    pub public_key_pem: Option<String>,
    /// The certificate that the public key came in, if it came in one.
    pub certificate: Option<Certificate>,
    /// What it may do; empty means all.
    pub permissions: Vec<String>,
    /// Addresses or networks it may come from; empty means any.
    pub ip_allow: Vec<String>,
    /// When it shall end, as whoever made or rotated it wished, microseconds. See [`ApiKey::ends_at_us`].
    pub expires_at_us: Option<i64>,
    /// When it was revoked, microseconds.
    pub revoked_at_us: Option<i64>,
    /// The newest notice about its end that its owner was given, or that needs no giving any more.
    pub noticed: Option<Notice>,
    /// The key whose request made it; `None` for one that the operator made.
    pub created_by: Option<KeyId>,
    /// The key whose request changed it last, if a request did.
    pub changed_by: Option<KeyId>,
    /// When it was made, microseconds.
    pub created_at_us: i64,
    /// Rises with every change.
    pub sequence: i64,
}

/// What is kept of an X.509 certificate. The public key itself stands in the key's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Its serial number, hexadecimal.
    pub serial: String,
    /// SHA-256 of its DER bytes, hexadecimal.
    pub fingerprint: String,
    /// notBefore, microseconds.
    pub begins_at_us: i64,
    /// notAfter, microseconds.
    pub ends_at_us: i64,
}

/// Whether a key may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// Its certificate is not valid yet.
    NotYet,
    /// It may.
    Alive,
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
}

/// What a key's owner is told about its end, each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Notice {
    /// It ends within 30 days.
    Days30,
    /// It ends within 7 days.
    Days7,
    /// It ends within a day.
    Day1,
    /// It was revoked.
    Revoked,
}

const DAY_US: i64 = 86_400_000_000;

impl Notice {
    /// In the order in which they come.
    pub const ALL: [Notice; 4] = [Notice::Days30, Notice::Days7, Notice::Day1, Notice::Revoked];

    /// Days before the end; none for a revocation.
    pub fn days(self) -> i64 {
        match self {
            Notice::Days30 => 30,
            Notice::Days7 => 7,
            Notice::Day1 => 1,
            Notice::Revoked => 0,
        }
    }
}

impl ApiKey {
    /// The world it belongs to.
    pub fn world(&self) -> World {
        self.id.0.shard().world()
    }

    /// When it ends, microseconds: as wished, and no later than its certificate.
    pub fn ends_at_us(&self) -> Option<i64> {
        let certificate = self.certificate.as_ref().map(|certificate| certificate.ends_at_us);
        match (self.expires_at_us, certificate) {
            (Some(wished), Some(certificate)) => Some(wished.min(certificate)),
            (wished, certificate) => wished.or(certificate),
        }
    }

    /// Whether it may be used at a real time.
    pub fn life(&self, real_now_us: i64) -> Life {
        // Whatever the clock says now: it may have been set back, or be another node's.
        if self.revoked_at_us.is_some() {
            Life::Revoked
        } else if self.ends_at_us().is_some_and(|at_us| at_us <= real_now_us) {
            Life::Expired
        } else if self.certificate.as_ref().is_some_and(|it| it.begins_at_us > real_now_us) {
            Life::NotYet
        } else {
            Life::Alive
        }
    }

    /// The newest notice whose time has come; earlier ones need no giving any more. An end that is over is not announced.
    pub fn notice_reached(&self, real_now_us: i64) -> Option<Notice> {
        if self.revoked_at_us.is_some() {
            return Some(Notice::Revoked);
        }
        let left_us = self.ends_at_us()?.saturating_sub(real_now_us);
        let within = |notice: &&Notice| **notice != Notice::Revoked && left_us <= notice.days() * DAY_US;
        Notice::ALL.iter().rev().find(within).copied()
    }

    /// The notice to be given now, if one is.
    pub fn notice_due(&self, real_now_us: i64) -> Option<Notice> {
        let reached = self.notice_reached(real_now_us)?;
        let is_over = reached != Notice::Revoked && self.life(real_now_us) == Life::Expired;
        (!is_over && self.noticed < Some(reached)).then_some(reached)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{IdMaker, Shard};

    const NOW_US: i64 = 1_764_000_000_000_000;

    fn key(expires_at_us: Option<i64>) -> ApiKey {
        let mut maker = IdMaker::new(NOW_US, Shard(1), 5);
        ApiKey {
            id: maker.next(),
            owner: Owner::Merchant(maker.next()),
            name: "till".to_owned(),
            bearer_hash: None,
            public_key_pem: None,
            certificate: None,
            permissions: Vec::new(),
            ip_allow: Vec::new(),
            expires_at_us,
            revoked_at_us: None,
            noticed: None,
            created_by: None,
            changed_by: None,
            created_at_us: NOW_US,
            sequence: 1,
        }
    }

    fn certificate(begins_at_us: i64, ends_at_us: i64) -> Option<Certificate> {
        Some(Certificate { serial: "01".to_owned(), fingerprint: String::new(), begins_at_us, ends_at_us })
    }

    #[test]
    fn a_key_lives_as_long_as_its_certificate_at_most() {
        let mut it = key(None);
        assert_eq!((it.ends_at_us(), it.life(NOW_US)), (None, Life::Alive));
        it.certificate = certificate(NOW_US, NOW_US + 100);
        for (at_us, life) in [(-1, Life::NotYet), (0, Life::Alive), (99, Life::Alive), (100, Life::Expired)] {
            assert_eq!(it.life(NOW_US + at_us), life, "{at_us}");
        }
        it.expires_at_us = Some(NOW_US + 50);
        assert_eq!((it.ends_at_us(), it.life(NOW_US + 50)), (Some(NOW_US + 50), Life::Expired));
        it.expires_at_us = Some(NOW_US + 500);
        assert_eq!(it.ends_at_us(), Some(NOW_US + 100), "a wish does not outlive the certificate");
        it.revoked_at_us = Some(NOW_US + 10);
        assert_eq!(it.life(NOW_US + 200), Life::Revoked, "what was done on purpose is said first");
        assert_eq!(
            it.life(NOW_US),
            Life::Revoked,
            "a clock that was set back, or a slower node's, revives no key"
        );
    }

    #[test]
    fn each_notice_is_due_once_and_missed_ones_are_not_made_up() {
        let mut it = key(Some(NOW_US));
        let mut given = Vec::new();
        // Looked at every hour, from 40 days before the end to 2 days after it.
        for hour in -40 * 24..2 * 24 {
            if let Some(notice) = it.notice_due(NOW_US + hour * DAY_US / 24) {
                given.push((notice, hour));
                it.noticed = Some(notice);
            }
        }
        assert_eq!(given, [(Notice::Days30, -30 * 24), (Notice::Days7, -7 * 24), (Notice::Day1, -24)]);
        it.noticed = None;
        assert_eq!(it.notice_due(NOW_US - 5 * DAY_US), Some(Notice::Days7), "not the one of 30 days too");
        assert_eq!(it.notice_due(NOW_US), None, "an end that is over is not announced");
        it.revoked_at_us = Some(NOW_US);
        assert_eq!(it.notice_due(NOW_US + DAY_US), Some(Notice::Revoked));
        it.noticed = Some(Notice::Revoked);
        assert_eq!(it.notice_due(NOW_US + DAY_US), None);
        assert_eq!(key(None).notice_due(NOW_US), None);
    }
}
