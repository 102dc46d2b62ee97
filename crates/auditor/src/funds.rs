//! What a merchant certainly has to give, and the most that it can ever have: between the two nothing is certain of an answer that
//! hangs on its funds.

use crate::Request;
use crate::fee::FeeTerms;
use crate::json::{currency, list, minor, text};
use serde_json::Value;
use std::collections::BTreeMap;

/// Merchant and currency.
type Purse = (String, String);

/// See the module.
#[derive(Default)]
pub(crate) struct Funds {
    /// By merchant, then order number and currency: the most that was asked for.
    orders: BTreeMap<String, BTreeMap<(String, String), i64>>,
    /// The most that may have come from other merchants, in any currency.
    received: BTreeMap<String, i64>,
    /// What was available when it was read last, if nothing was asked for since that takes from it.
    least: BTreeMap<Purse, i64>,
    /// By merchant and refund number: requests that are not decided, as far as was answered.
    refunds: BTreeMap<(String, String), u32>,
    /// How often something was asked for that takes from anybody.
    changes: u64,
}

impl Funds {
    /// Looks at a request that is about to be sent; answers where the count of changes stands.
    pub(crate) fn foresee(&mut self, request: &Request) -> u64 {
        if request.void.is_some() {
            return self.changes;
        }
        match request.number() {
            Some(("payment", number)) => {
                let at = (number.to_owned(), currency(&request.body, "amount").to_owned());
                let most = self.orders.entry(request.merchant.clone()).or_default().entry(at).or_insert(0);
                *most = minor(&request.body, "amount").max(*most);
            }
            Some(("refund", number)) => {
                *self.refunds.entry((request.merchant.clone(), number.to_owned())).or_insert(0) += 1;
                self.takes_from(&request.merchant);
            }
            _ => {}
        }
        self.changes
    }

    /// Something is asked for that takes from a merchant: what it has now is not what was read.
    pub(crate) fn takes_from(&mut self, merchant: &str) {
        self.changes += 1;
        self.least.retain(|(of, _), _| of != merchant);
    }

    /// How often something was asked for that takes from anybody.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// So much may come from another merchant.
    pub(crate) fn may_receive(&mut self, merchant: &str, minor: i64) {
        let most = self.received.entry(merchant.to_owned()).or_insert(0);
        *most = most.saturating_add(minor);
    }

    /// Learns from an answer; `changes`: where the count stood when it was asked for.
    pub(crate) fn learn(&mut self, request: &Request, changes: u64, status: Option<u16>, answer: &Value) {
        if request.void.is_some() {
            return;
        }
        let done = status.is_some_and(|status| (200..300).contains(&status));
        if let Some(("refund", number)) = request.number() {
            let at = (request.merchant.clone(), number.to_owned());
            if done {
                // Others under this number find it there.
                self.refunds.remove(&at);
            } else if crate::foreseen::is_decided(status, answer)
                && let Some(open) = self.refunds.get_mut(&at)
            {
                *open = open.saturating_sub(1);
            }
        }
        if done && request.method == "GET" && request.target == "/v1/balances" && changes == self.changes {
            self.read(&request.merchant, answer);
        }
    }

    fn read(&mut self, merchant: &str, answer: &Value) {
        if self.refunds.iter().any(|((of, _), open)| of == merchant && *open > 0) {
            return;
        }
        for balance in list(answer, "data") {
            let at = (merchant.to_owned(), text(balance, "currency").to_owned());
            self.least.insert(at, minor(balance, "available"));
        }
    }

    /// Whether it certainly has so much: as was read, less what sales may have taken since whose fee is above their sum.
    pub(crate) fn has<'p>(
        &self,
        merchant: &str,
        of: &str,
        minor: i64,
        prices: impl Iterator<Item = &'p FeeTerms>,
    ) -> bool {
        let Some(read) = self.least.get(&(merchant.to_owned(), of.to_owned())) else { return false };
        let each = prices.map(|price| price.fixed_minor + price.minimum_minor + 2).max().unwrap_or(0);
        let sales = self.orders.get(merchant).map_or(0, BTreeMap::len);
        let taken = each.saturating_mul(i64::try_from(sales).unwrap_or(i64::MAX));
        minor <= read.saturating_sub(taken)
    }

    /// Whether so much is more than it can have, whatever came of all that was ever asked for.
    pub(crate) fn never_has(&self, merchant: &str, of: &str, minor: i64) -> bool {
        let orders = self.orders.get(merchant).into_iter().flatten();
        let asked: i64 = orders.filter(|((_, currency), _)| currency == of).map(|(_, most)| most).sum();
        let received = self.received.get(merchant).copied().unwrap_or(0);
        minor > asked.saturating_add(received)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fee::RefundFee;
    use serde_json::json;

    fn request(method: &'static str, target: &str, body: Value) -> Request {
        Request {
            merchant: "mch_a".to_owned(),
            method,
            target: target.to_owned(),
            key: None,
            body,
            key_is_good: true,
            void: None,
        }
    }

    #[test]
    fn a_reading_holds_until_something_takes_from_it() {
        let price = FeeTerms {
            percent: "0".to_owned(),
            fixed_minor: 5,
            minimum_minor: 3,
            cap_minor: None,
            refund_fee: RefundFee::Kept,
        };
        let mut funds = Funds::default();
        let amount = json!({"value": 500, "currency": "CNY"});
        let order = json!({"merchant_order_no": "O", "amount": amount});
        funds.foresee(&request("POST", "/v1/payments", order));
        let read = request("GET", "/v1/balances", Value::Null);
        let shown = json!({"data": [{"currency": "CNY", "available": {"value": 200, "currency": "CNY"}}]});
        let before = funds.foresee(&read);
        funds.learn(&read, before, Some(200), &shown);
        let has = |funds: &Funds, minor| funds.has("mch_a", "CNY", minor, [&price].into_iter());
        assert_eq!((has(&funds, 190), has(&funds, 191)), (true, false), "one sale may take its fee");
        assert_eq!(
            (funds.never_has("mch_a", "CNY", 500), funds.never_has("mch_a", "CNY", 501)),
            (false, true)
        );
        funds.may_receive("mch_a", 7);
        assert_eq!(
            (funds.never_has("mch_a", "CNY", 507), funds.never_has("mch_a", "CNY", 508)),
            (false, true)
        );

        let refund = request("POST", "/v1/refunds", json!({"merchant_refund_no": "R", "payment": "pay_1"}));
        let sent = funds.foresee(&refund);
        assert!(!has(&funds, 1), "a refund takes from it");
        funds.learn(&read, before, Some(200), &shown);
        assert!(!has(&funds, 1), "what was read was read before");
        funds.learn(&read, sent, Some(200), &shown);
        assert!(!has(&funds, 1), "nobody knows what came of the refund");
        funds.learn(&refund, sent, Some(201), &json!({}));
        funds.learn(&read, sent, Some(200), &shown);
        assert!(has(&funds, 190));
    }
}
