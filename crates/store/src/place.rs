//! Every column that rests sealed, in one list. A value can be sealed for a place of this list only, and whoever seals all of
//! them again after a rotation of the master key walks it: a new sealed column can't be forgotten.

macro_rules! places {
    ($($(#[$doc:meta])* $name:ident $table:literal . $column:literal;)*) => {
        /// A sealed column.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Place {
            $($(#[$doc])* $name,)*
        }

        impl Place {
            /// All of them.
            pub(crate) const ALL: &[Place] = &[$(Place::$name,)*];

            pub(crate) fn table(self) -> &'static str {
                match self { $(Place::$name => $table,)* }
            }

            pub(crate) fn column(self) -> &'static str {
                match self { $(Place::$name => $column,)* }
            }
        }
    };
}

places! {
    /// Payer, client address and device of a payment.
    PaymentPersonal "payment"."personal";
    /// Bodies that show what a merchant told of its payer. The others of the column are plain.
    EventBody "event"."body";
    /// Signs deliveries to a payment's own `notify_url`.
    DefaultSecret "merchant"."default_secret";
    /// Signs or checks a channel's callbacks.
    CallbackSecret "channel_account"."callback_secret";
    /// Signs deliveries.
    EndpointSecret "endpoint"."secret";
    /// The one before it, for the overlap.
    EndpointOldSecret "endpoint"."old_secret";
    /// Callbacks that no row knows.
    NoticeHeaders "channel_notice"."headers";
    /// The same.
    NoticeBody "channel_notice"."body";
    /// The installation's own secrets.
    InstallationSecret "installation_secret"."value";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations::{MIGRATIONS, Migration};
    use std::collections::BTreeSet;

    /// Columns that the schema's comments call sealed: the comment stands above the column.
    fn called_sealed(sql: &str) -> BTreeSet<String> {
        let (mut found, mut table, mut sealed) = (BTreeSet::new(), String::new(), false);
        for line in sql.lines().map(str::trim) {
            let mut words = line.split_whitespace();
            if let Some(name) = line.strip_prefix("CREATE TABLE ").or(line.strip_prefix("ALTER TABLE ")) {
                table = name.split_whitespace().next().unwrap_or_default().to_owned();
            }
            if let Some(comment) = line.strip_prefix("--") {
                sealed =
                    comment.to_lowercase().split(|c: char| !c.is_alphabetic()).any(|word| word == "sealed");
            } else if std::mem::take(&mut sealed) {
                let column = match line.split_once("ADD COLUMN ") {
                    Some((_, rest)) => rest.split_whitespace().next(),
                    None => words.next(),
                };
                found.insert(format!("{table}.{}", column.unwrap_or_default()));
            }
        }
        found
    }

    #[test]
    fn the_list_is_what_the_schema_calls_sealed() {
        let called = |of: fn(&Migration) -> &'static str| -> BTreeSet<String> {
            MIGRATIONS.iter().map(of).flat_map(called_sealed).collect()
        };
        let listed: BTreeSet<String> =
            Place::ALL.iter().map(|place| format!("{}.{}", place.table(), place.column())).collect();
        assert_eq!(listed, called(|migration| migration.sqlite));
        assert_eq!(listed, called(|migration| migration.postgres));
        assert_eq!(listed.len(), Place::ALL.len());
    }
}
