//! Every statement of the store by file and name. A session that may not wait in between prepares them ahead; the tests of each
//! engine prepare and explain them.

use crate::db::{Keyed, RowWrite, Sql};

/// Where a statement stands: file, name.
pub(crate) type Name = (&'static str, &'static str);

macro_rules! registry {
    (statements { $($with:ident),* $(,)? } keyed { $($keys:ident),* $(,)? } writes { $($rows:ident),* $(,)? }) => {
        /// Statements as they stand.
        #[cfg_attr(not(test), allow(dead_code))] // a list for tests
        pub(crate) fn statements() -> impl Iterator<Item = (Name, Sql)> {
            let files: &[(&'static str, &'static [(&'static str, Sql)])] =
                &[$((stringify!($with), crate::$with::STATEMENTS),)*];
            let of = |(file, list): &(&'static str, &'static [(&'static str, Sql)])| {
                let file = *file;
                list.iter().map(move |(name, sql)| ((file, *name), *sql))
            };
            files.iter().flat_map(of)
        }

        /// Statements for many keys.
        pub(crate) fn keyed() -> impl Iterator<Item = (Name, &'static Keyed)> {
            let files: [(&'static str, &'static [(&'static str, &'static Keyed)]); _] =
                [$((stringify!($keys), crate::$keys::KEYED),)*];
            files.into_iter().flat_map(|(file, list)| list.iter().map(move |(name, keyed)| ((file, *name), *keyed)))
        }

        /// Writes of rows.
        pub(crate) fn writes() -> impl Iterator<Item = (Name, &'static RowWrite)> {
            let files: [(&'static str, &'static [(&'static str, &'static RowWrite)]); _] =
                [$((stringify!($rows), crate::$rows::WRITES),)*];
            files.into_iter().flat_map(|(file, list)| list.iter().map(move |(name, write)| ((file, *name), *write)))
        }
    };
}

registry! {
    statements {
        adjustment, api_key, archived, asked, attempt, balance, block, capture, delivery, endpoint, event, forget, head, installation, journal,
        lost, merchant, node, notice, partner, payment, pricing, refund, reseal, statement, waiting,
    }
    keyed { adjustment, attempt, balance, capture, delivery, forget, head, idempotency, journal, payment, refund, statement }
    writes {
        adjustment, archived, attempt, balance, block, capture, delivery, event, head, idempotency, journal, natural_key, payment,
        refund, statement,
    }
}
