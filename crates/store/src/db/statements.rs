//! Statements are constants in the file of their noun, one text for both engines where it can be one: parameters are
//! written `?N`. Each file lists its own for the tests and for the sessions that prepare them ahead.

use std::borrow::Cow;

/// A statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Sql {
    /// As SQLite reads it.
    pub(crate) sqlite: &'static str,
    /// As PostgreSQL reads it, with `?N` too; `None` where [`Sql::for_postgres`] can make it from the other.
    postgres: Option<&'static str>,
}

impl Sql {
    pub(crate) const fn new(text: &'static str) -> Sql {
        Sql { sqlite: text, postgres: None }
    }

    pub(crate) const fn on_postgres(self, text: &'static str) -> Sql {
        Sql { sqlite: self.sqlite, postgres: Some(text) }
    }

    /// PostgreSQL's text: `$N` for `?N`, without SQLite's hints to its planner.
    pub(crate) fn for_postgres(self) -> String {
        without_hints(self.postgres.unwrap_or(self.sqlite)).replace('?', "$")
    }
}

/// Takes out `INDEXED BY name`, and the `CROSS` of joins, which for SQLite fixes their order.
fn without_hints(text: &str) -> Cow<'_, str> {
    if !text.contains("INDEXED BY ") && !text.contains("CROSS JOIN ") {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split("INDEXED BY ");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once(' ').map_or("", |(_index, rest)| rest));
    }
    Cow::Owned(plain.replace("CROSS JOIN ", "JOIN "))
}

/// Declares statements as constants and lists them in `STATEMENTS`. `=> "…"` gives PostgreSQL a text of its own.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr $(=> $postgres:expr)?;)*) => {
        $($(#[$doc])* pub(crate) const $name: $crate::db::Sql = $crate::db::Sql::new($sql)$(.on_postgres($postgres))?;)*
        /// The statements of this file by name.
        #[cfg_attr(not(test), allow(dead_code))] // a list for tests
        pub(crate) const STATEMENTS: &[(&str, $crate::db::Sql)] = &[$((stringify!($name), $name),)*];
    };
}
pub(crate) use statements;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_engines_text_is_made() {
        let sql =
            Sql::new("SELECT a FROM t INDEXED BY t_i CROSS JOIN h ON h.a = t.a WHERE t.b = ?1 AND t.c > ?12");
        assert_eq!(sql.for_postgres(), "SELECT a FROM t JOIN h ON h.a = t.a WHERE t.b = $1 AND t.c > $12");
        assert_eq!(Sql::new("x INDEXED BY i").for_postgres(), "x ");
        assert_eq!(Sql::new("a ?1").on_postgres("b ?1").for_postgres(), "b $1");
    }
}
