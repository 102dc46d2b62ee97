//! An attempt, by itself and inside its payment.

use crate::text::{IdText, Instant};
use domain::attempt::Attempt;
use domain::channel::Failure;
use domain::id::World;
use serde::Serialize;
use utoipa::ToSchema;

/// Why a try failed. A decline is an outcome, not an HTTP error.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Failure)]
pub struct FailureObject<'a> {
    /// Stable code of ours.
    pub code: &'a str,
    /// One sentence.
    pub message: &'a str,
    /// The channel's code as received.
    pub channel_code: Option<&'a str>,
    /// The channel's words as received.
    pub channel_message: Option<&'a str>,
    /// True when another try may succeed.
    pub retryable: bool,
}

impl<'a> FailureObject<'a> {
    /// Shows a failure.
    pub fn of(failure: &'a Failure) -> FailureObject<'a> {
        FailureObject {
            code: &failure.code,
            message: &failure.message,
            channel_code: failure.channel_code.as_deref(),
            channel_message: failure.channel_message.as_deref(),
            retryable: failure.retryable,
        }
    }
}

macro_rules! attempt_object {
    ($(#[$doc:meta])* $name:ident as $schema:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty = $from:expr,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Serialize, ToSchema)]
        #[schema(as = $schema)]
        pub struct $name<'a> {
            /// Its id; without prefix, its number at the channel.
            pub id: IdText,
            /// `attempt`
            pub object: &'static str,
            /// `live` or `sandbox`.
            pub world: &'static str,
            /// Whose it is.
            pub merchant: IdText,
            $($(#[$field_doc])* pub $field: $type,)*
            /// The method.
            pub method: &'a str,
            /// The scene.
            pub scene: &'static str,
            /// created, requires_action, processing, unknown, succeeded, failed or closed.
            pub status: &'static str,
            /// The channel it goes to.
            pub channel: &'a str,
            /// The channel's number, once known.
            pub channel_trade_no: Option<&'a str>,
            /// Why it failed.
            pub failure: Option<FailureObject<'a>>,
            /// Business time.
            pub created_at: Instant,
            /// Business time.
            pub updated_at: Instant,
            /// Rises with every change; may skip.
            pub sequence: i64,
        }

        impl<'a> $name<'a> {
            /// Shows an attempt.
            pub fn of(attempt: &'a Attempt, world: World) -> $name<'a> {
                $name {
                    id: IdText::of(attempt.id),
                    object: "attempt",
                    world: world.as_str(),
                    merchant: IdText::of(attempt.merchant),
                    $($field: $from(attempt),)*
                    method: &attempt.method,
                    scene: attempt.scene.as_str(),
                    status: attempt.status.as_str(),
                    // One channel serves each method so far, under the same name.
                    channel: &attempt.method,
                    channel_trade_no: attempt.channel_trade_no.as_deref(),
                    failure: attempt.failure.as_ref().map(FailureObject::of),
                    created_at: Instant(attempt.created_at_us),
                    updated_at: Instant(attempt.updated_at_us),
                    sequence: attempt.sequence,
                }
            }
        }
    };
}

attempt_object! {
    /// One possible charge at a channel.
    AttemptObject as Attempt {
        /// Its payment.
        payment: IdText = |attempt: &Attempt| IdText::of(attempt.payment),
    }
}

attempt_object! {
    /// The newest attempt, inside its payment: as the attempt, without `payment`.
    LatestAttempt as LatestAttempt {}
}
