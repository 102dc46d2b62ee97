//! Explanations on their way out.

use app::Explanation;
use money::{Amount, Currency};
use wire::{IdText, Instant, Money};

/// What `app` found, in the wire's shape.
pub fn shown(found: &Explanation, currency: Currency) -> wire::Explanation {
    let money = |minor| Money::from(Amount::new(minor, currency));
    wire::Explanation {
        history: found
            .history
            .iter()
            .map(|item| wire::HistoryEntry {
                at: Instant(item.at_us),
                what: item.what.clone(),
                detail: item.detail.clone(),
                acting_key: item.acting.key.map(IdText::of),
                acting_partner: item.acting.partner.map(IdText::of),
            })
            .collect(),
        price: found.price.as_ref().map(|price| wire::PriceExplanation {
            version: IdText::of(price.version),
            version_number: price.version_number,
            rate: price.rate.clone(),
            fixed: money(price.fixed_minor),
            minimum: money(price.minimum_minor),
            cap: price.cap_minor.map(money),
            exact: price.exact.clone(),
            rounded: money(price.rounded_minor),
            difference: price.difference.clone(),
            booked: money(price.booked_minor),
        }),
        route: found.route.clone(),
        risk: None,
    }
}
