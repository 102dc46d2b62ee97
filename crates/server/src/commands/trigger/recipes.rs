//! Which event is caused by what. The first recipe of a type is the one that is taken when none is named.

/// A way to cause an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// A QR-code payment that waits for its payer.
    Waiting,
    /// A payment at the till whose channel takes its time.
    Processing,
    /// A payment at the till that is held for captures.
    Authorized,
    /// A payment at the till, paid at once.
    Paid,
    /// A QR-code payment that its payer pays.
    PaidByPayer,
    /// A payment at the till that the payer's wallet declines.
    Declined,
    /// A QR-code payment that the merchant closes.
    Closed,
    /// A QR-code payment whose time runs out.
    Expired,
    /// An authorization that the merchant gives up.
    Voided,
    /// A QR-code payment that is paid after it was closed.
    PaidAfterClose,
    /// A payment at the till of which another amount is taken.
    OtherAmount,
    /// An authorization that is captured whole.
    Captured,
    /// An authorization whose capture the channel refuses.
    CaptureRefused,
    /// A payment of which a part goes back.
    Refunded,
    /// A payment whose refund fails at the channel.
    RefundFailed,
    /// A test send to an endpoint.
    EndpointTested,
    /// An endpoint whose deliveries fail.
    EndpointFailing,
    /// An endpoint that fails and then accepts.
    EndpointRecovered,
    /// An endpoint that answers 410.
    EndpointDisabled,
    /// An API key that is revoked.
    KeyRevoked,
    /// An API key of which 30 days are left in a moment.
    KeyExpiring,
    /// A business day that is over by the merchant's clock.
    DayOver,
}

/// A line of the table.
#[derive(Debug)]
pub(super) struct Recipe {
    /// The type of event.
    pub kind: &'static str,
    /// The name of the way, for `--how`.
    pub how: &'static str,
    /// The way.
    pub way: Way,
    /// What is done.
    pub what: &'static str,
}

const fn recipe(kind: &'static str, how: &'static str, way: Way, what: &'static str) -> Recipe {
    Recipe { kind, how, way, what }
}

/// Every recipe.
pub(super) const RECIPES: &[Recipe] = &[
    recipe("payment.created", "qr_code", Way::Waiting, "creates a QR-code payment"),
    recipe(
        "payment.requires_action",
        "qr_code",
        Way::Waiting,
        "creates a QR-code payment, which waits for its payer",
    ),
    recipe(
        "payment.processing",
        "slow",
        Way::Processing,
        "pays at the till while the channel takes its time",
    ),
    recipe("payment.authorized", "bar_code", Way::Authorized, "pays at the till with capture_mode manual"),
    recipe("payment.succeeded", "bar_code", Way::Paid, "pays at the till"),
    recipe(
        "payment.succeeded",
        "qr_code",
        Way::PaidByPayer,
        "creates a QR-code payment and pays it as its payer",
    ),
    recipe("payment.succeeded", "captured", Way::Captured, "authorizes at the till and captures all of it"),
    recipe("payment.failed", "declined", Way::Declined, "pays at the till; the wallet declines"),
    recipe("payment.closed", "merchant", Way::Closed, "creates a QR-code payment and closes it"),
    recipe(
        "payment.closed",
        "expired",
        Way::Expired,
        "creates a QR-code payment with two seconds to pay, and waits",
    ),
    recipe("payment.closed", "voided", Way::Voided, "authorizes at the till and voids it"),
    recipe(
        "payment.flagged",
        "paid_after_close",
        Way::PaidAfterClose,
        "closes a payment that is then paid; it is sent back by itself",
    ),
    recipe(
        "payment.flagged",
        "amount_mismatch",
        Way::OtherAmount,
        "pays at the till, one cent less; stays open until `feiqian payment resolve`",
    ),
    recipe("capture.succeeded", "bar_code", Way::Captured, "authorizes at the till and captures all of it"),
    recipe(
        "capture.failed",
        "refused",
        Way::CaptureRefused,
        "authorizes at the till and captures the amount that the sandbox refuses",
    ),
    recipe("refund.created", "partial", Way::Refunded, "pays at the till and refunds half of it"),
    recipe("refund.succeeded", "partial", Way::Refunded, "pays at the till and refunds half of it"),
    recipe("refund.failed", "fail", Way::RefundFailed, "pays at the till; the refund fails at the channel"),
    recipe(
        "webhook_endpoint.failing",
        "unknown_host",
        Way::EndpointFailing,
        "makes an endpoint whose host does not exist and sends to it four times",
    ),
    recipe(
        "webhook_endpoint.disabled",
        "gone",
        Way::EndpointDisabled,
        "makes an endpoint here that answers 410",
    ),
    recipe(
        "webhook_endpoint.recovered",
        "answers_again",
        Way::EndpointRecovered,
        "makes an endpoint here that fails four times and then accepts",
    ),
    recipe(
        "webhook_endpoint.test",
        "test",
        Way::EndpointTested,
        "makes an endpoint whose host does not exist and asks for a test send",
    ),
    recipe(
        "api_key.expiring",
        "thirty_days",
        Way::KeyExpiring,
        "creates an API key that may do nothing and ends in 30 days and 2 seconds; then revokes it",
    ),
    recipe(
        "api_key.revoked",
        "revoked",
        Way::KeyRevoked,
        "creates an API key that may do nothing, and revokes it",
    ),
    recipe(
        "statement.ready",
        "day_over",
        Way::DayOver,
        "moves the merchant's clock one day on; what expires or matures by then does so",
    ),
];

/// Types that no recipe causes, and why.
pub(super) const WITHOUT: &[(&str, &str)] = &[(
    "refund.requires_attention",
    "nothing in this version moves a refund there: one that its channel refuses fails",
)];

/// The recipes of a type.
pub(super) fn of(kind: &str) -> impl Iterator<Item = &'static Recipe> {
    let kind = kind.to_owned();
    RECIPES.iter().filter(move |recipe| recipe.kind == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A type more in the product is a recipe more here, or a reason why there is none.
    #[test]
    fn every_type_of_event_has_a_recipe_or_a_reason() {
        let types: Vec<&str> = api::event_types().collect();
        for kind in &types {
            let (recipes, reasons) =
                (of(kind).count(), WITHOUT.iter().filter(|(known, _)| known == kind).count());
            assert!((recipes > 0) != (reasons == 1), "{kind}: {recipes} recipes, {reasons} reasons");
        }
        let named = RECIPES.iter().map(|recipe| recipe.kind).chain(WITHOUT.iter().map(|(kind, _)| *kind));
        assert!(named.into_iter().all(|kind| types.contains(&kind)), "a type that the product does not know");
    }

    #[test]
    fn ways_of_a_type_have_names_of_their_own() {
        for recipe in RECIPES {
            assert_eq!(of(recipe.kind).filter(|other| other.how == recipe.how).count(), 1, "{recipe:?}");
        }
    }
}
