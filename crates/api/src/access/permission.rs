//! What a key may do: one operation per kind of handler. A key without a list may do everything.

use domain::api_key::ApiKey;

macro_rules! operations {
    ($($(#[$doc:meta])* $variant:ident $name:literal;)*) => {
        /// Something that a key may be allowed to do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Operation { $($(#[$doc])* $variant,)* }

        impl Operation {
            /// Every operation.
            pub const ALL: &'static [Operation] = &[$(Operation::$variant,)*];

            /// The name in a key's `permissions`.
            pub fn as_str(self) -> &'static str {
                match self { $(Operation::$variant => $name,)* }
            }
        }

        /// The operations as types, for handlers' arguments.
        pub mod may {
            $($(#[$doc])* pub struct $variant;
            impl super::Permission for $variant {
                const OPERATION: super::Operation = super::Operation::$variant;
            })*
        }
    };
}

/// An operation as a type.
pub trait Permission: Send + Sync + 'static {
    /// The operation.
    const OPERATION: Operation;
}

operations! {
    /// Ask who one is; every key may.
    WhoAmI "whoami";
    /// See payments, attempts and captures.
    ReadPayments "payments.read";
    /// Make payments and attempts.
    CreatePayments "payments.create";
    /// Capture.
    CapturePayments "payments.capture";
    /// Void and close.
    EndPayments "payments.end";
    /// See refunds.
    ReadRefunds "refunds.read";
    /// Make refunds.
    CreateRefunds "refunds.create";
    /// See balances and their lines.
    ReadBalances "balances.read";
    /// See statements and download their files.
    ReadStatements "statements.read";
    /// See events.
    ReadEvents "events.read";
    /// See webhook endpoints and deliveries.
    ReadWebhooks "webhooks.read";
    /// Change webhook endpoints, replay deliveries.
    WriteWebhooks "webhooks.write";
    /// See keys.
    ReadKeys "api_keys.read";
    /// Make, rotate and revoke keys, none with more rights than one's own.
    WriteKeys "api_keys.write";
    /// Play the payer and move the clock in the sandbox.
    UseSandbox "sandbox.use";
}

/// Every name that a key's `permissions` may have.
pub fn permissions() -> impl Iterator<Item = &'static str> {
    Operation::ALL.iter().map(|operation| operation.as_str())
}

impl Operation {
    /// Whether a key may do it.
    pub fn is_allowed(self, key: &ApiKey) -> bool {
        self == Operation::WhoAmI
            || key.permissions.is_empty()
            || key.permissions.iter().any(|p| p == self.as_str())
    }
}

/// Whether a key that may do `own` may hand out `wanted`. An empty list is everything.
pub fn covers(own: &[String], wanted: &[String]) -> bool {
    own.is_empty() || (!wanted.is_empty() && wanted.iter().all(|permission| own.contains(permission)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_hands_out_more_than_they_have() {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(covers(&[], &[]));
        assert!(covers(&[], &list(&["payments.read"])));
        assert!(covers(&list(&["payments.read", "api_keys.write"]), &list(&["payments.read"])));
        assert!(!covers(&list(&["api_keys.write"]), &list(&["payments.read"])));
        assert!(!covers(&list(&["api_keys.write"]), &[]));
    }
}
