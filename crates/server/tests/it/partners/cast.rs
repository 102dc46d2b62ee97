//! Who plays: two partners, one of them with a partner below it, their merchants, and a merchant of nobody's.

use crate::cases_b::endpoints::{all_told, listen_at};
use crate::harness::client::Credentials;
use crate::harness::merchant::{Price, text};
use crate::harness::{Call, Client, Merchant, Receiver, Server, until};
use serde_json::json;
use std::collections::BTreeMap;

/// A partner with a bearer key of the sandbox.
pub struct Partner {
    /// `ptn_…`
    pub id: String,
    /// `key_…`
    pub key: String,
    /// Its caller.
    pub client: Client,
}

impl Partner {
    /// Makes one through the command line, and waits until the node knows its key.
    pub async fn new(server: &Server, options: &[&str]) -> Partner {
        let name = server.next_no("Partner");
        let made = server.cli(&[&["partner", "create", "--name", &name][..], options].concat());
        Partner::with_key(server, &text(&made, "id"), &[]).await
    }

    /// Another key of a partner's, which the node need not know yet.
    pub fn with_unknown_key(server: &Server, id: &str, options: &[&str]) -> Partner {
        let create = ["key", "create", "--partner", id, "--world", "sandbox", "--bearer"];
        let made = server.cli(&[&create[..], options].concat());
        let client = server.client().with(Credentials::Bearer(text(&made, "bearer")));
        Partner { id: id.to_owned(), key: text(&made, "id"), client }
    }

    /// Another key of a partner's.
    pub async fn with_key(server: &Server, id: &str, options: &[&str]) -> Partner {
        let partner = Partner::with_unknown_key(server, id, options);
        until("answer of whoami to a partner's key", || async {
            (partner.client.get("/v1/whoami").await.status == 200).then_some(())
        })
        .await;
        partner
    }

    /// A merchant of the partner's.
    pub async fn merchant<'s>(&self, server: &'s Server) -> Merchant<'s> {
        Merchant::with(server, Price::default(), &["--partner", &self.id]).await
    }

    /// A request on behalf of a merchant.
    pub fn acting(&self, merchant: &str, method: &'static str, path: &str) -> Call {
        self.client.call(method, path).header("feiqian-merchant", merchant)
    }
}

/// All of them. `p` has `a1` and `a2`; `n` is below `p` and has `n1`; `q` has `b1`; `u` is nobody's.
pub struct Cast<'s> {
    pub p: Partner,
    pub q: Partner,
    pub n: Partner,
    pub a1: Merchant<'s>,
    pub a2: Merchant<'s>,
    pub n1: Merchant<'s>,
    pub b1: Merchant<'s>,
    pub u: Merchant<'s>,
}

impl<'s> Cast<'s> {
    pub async fn new(server: &'s Server) -> Cast<'s> {
        let p = Partner::new(server, &[]).await;
        let q = Partner::new(server, &[]).await;
        let n = Partner::new(server, &["--parent", &p.id]).await;
        Cast {
            a1: p.merchant(server).await,
            a2: p.merchant(server).await,
            n1: n.merchant(server).await,
            b1: q.merchant(server).await,
            u: Merchant::new(server).await,
            p,
            q,
            n,
        }
    }

    /// Which partner serves which merchant, itself or as the one above its partner.
    pub fn served(&self) -> [(&Partner, &Merchant<'s>); 5] {
        [
            (&self.p, &self.a1),
            (&self.p, &self.a2),
            (&self.p, &self.n1),
            (&self.n, &self.n1),
            (&self.q, &self.b1),
        ]
    }

    /// And which it does not.
    pub fn foreign(&self) -> [(&Partner, &Merchant<'s>); 10] {
        [
            (&self.p, &self.b1),
            (&self.p, &self.u),
            (&self.q, &self.a1),
            (&self.q, &self.a2),
            (&self.q, &self.n1),
            (&self.q, &self.u),
            (&self.n, &self.a1),
            (&self.n, &self.a2),
            (&self.n, &self.b1),
            (&self.n, &self.u),
        ]
    }
}

/// Objects of a merchant that requests can be about, each good for one use.
pub struct Stock(BTreeMap<&'static str, String>);

impl Stock {
    /// Made by the merchant itself.
    pub async fn of(merchant: &Merchant<'_>, receiver: &Receiver) -> Stock {
        // A day that is over, with a line that is sealed: before all that would expire with it.
        merchant.paid(500).await;
        merchant.advance(86_400).await;
        let url = |name: &str| format!("{}/{}", receiver.url, merchant.next_no(name));
        let endpoint = listen_at(merchant, &url("hook"), &["*"]).await.id();
        let needless = listen_at(merchant, &url("hook"), &["refund.failed"]).await.id();
        let paid = merchant.paid(9_000).await.id();
        let refund = merchant.refund(&paid, Some(100), None).send().await.expect(201).id();
        merchant.refund_in(&refund, "succeeded").await;
        let (held, given_up) = (merchant.authorized(900).await.id(), merchant.authorized(900).await.id());
        let declined = merchant.waiting(500, Some("decline")).await.id();
        merchant.pay(&declined, Some("decline")).send().await.expect(200);
        merchant
            .payment_when(&declined, "with a declined try", |payment| {
                payment["latest_attempt"]["status"] == "failed"
            })
            .await;
        let (closing, paying) =
            (merchant.waiting(500, None).await.id(), merchant.waiting(500, None).await.id());
        all_told(merchant).await;
        let key = async || {
            let body = json!({ "name": "spare", "generate_bearer": true });
            let made = merchant.client.post("/v1/api_keys", &body).key(&merchant.next_no("spare"));
            made.send().await.expect(201).id()
        };
        let first = async |path: &str| text(&merchant.all(path).await[0], "id");
        let sealed = text(merchant.all("/v1/balance_transactions").await.last().expect("a line"), "id");
        until("proof of the first line", || async {
            let proof = merchant.client.get(&format!("/v1/balance_transactions/{sealed}/proof")).await;
            (proof.status == 200).then_some(())
        })
        .await;
        Stock(BTreeMap::from([
            ("event", first("/v1/events").await),
            ("delivery", first("/v1/webhook_deliveries").await),
            ("spare key", key().await),
            ("needless key", key().await),
            ("endpoint", endpoint),
            ("needless endpoint", needless),
            ("statement", first("/v1/statements").await),
            ("sealed line", sealed),
            ("refund", refund),
            ("paid", paid),
            ("held", held),
            ("given up", given_up),
            ("declined", declined),
            ("closing", closing),
            ("paying", paying),
        ]))
    }

    /// Objects that are there already.
    pub fn holding(objects: BTreeMap<&'static str, String>) -> Stock {
        Stock(objects)
    }

    /// An object's id.
    pub fn id(&self, what: &str) -> &str {
        self.0.get(what).unwrap_or_else(|| panic!("no {what} in stock"))
    }
}
