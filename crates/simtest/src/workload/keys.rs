//! Keys and partners that change while they are in use: a key is revoked in the midst of requests that it signed, a merchant gets
//! another partner, somebody goes on with a key that is no longer good.

use super::World;
use super::requests::text;
use crate::client::{Ask, By};
use crate::house::{Credential, Life, Shop};
use crypto::key::PrivateKey;
use domain::id::World as Realm;
use serde_json::{Value, json};
use std::sync::Arc;

impl World {
    pub(super) async fn keys_change(&mut self, life: &Life) {
        match self.dice.weighted(&[4, 4, 2]) {
            0 => self.rotate_key(life).await,
            1 => self.use_former_key(life).await,
            _ => self.change_partner(life).await,
        }
    }

    pub(super) fn any_shop(&mut self) -> Option<(usize, Arc<Shop>)> {
        let shops: Vec<(usize, Arc<Shop>)> = self.house.shops.iter().cloned().enumerate().collect();
        self.dice.pick(&shops).cloned()
    }

    /// A new key in use, the old one revoked while requests that it signed are under way.
    async fn rotate_key(&mut self, life: &Life) {
        let Some((at, shop)) = self.any_shop() else { return };
        let private = PrivateKey::generate_ed25519();
        let body = match shop.world {
            Realm::Sandbox => json!({"name": "next", "generate_bearer": true}),
            Realm::Live => json!({"name": "next", "public_key": private.public_key_pem()}),
        };
        let ask = self.ask(at, "POST", "/v1/api_keys".into(), body);
        self.house.faults.count("key rotations");
        let Some((_, Some(reply))) = self.send_all(life, vec![ask]).await.pop() else { return };
        let shown = reply.json();
        let Some(id) = domain::Id::parse(text(&shown, "id")).filter(|_| reply.status == 201) else { return };
        let credential = match shop.world {
            Realm::Sandbox => Credential::Bearer(id, text(&shown, "bearer").to_owned()),
            Realm::Live => Credential::Signer(id, Arc::new(private)),
        };
        if text(&shown, "bearer").is_empty() && shop.world == Realm::Sandbox {
            // Shown once; a repetition does not say it again.
            return;
        }
        if let Some(slot) = self.house.shops.get_mut(at) {
            *slot = Arc::new(Shop { credential, ..(*shop).clone() });
        }
        self.revoke_under_load(life, at, &shop.credential).await;
    }

    async fn revoke_under_load(&mut self, life: &Life, at: usize, old: &Credential) {
        let mut asks = Vec::new();
        for _ in 0..self.dice.range(0, 5) {
            asks.extend(self.new_payment_of(at));
        }
        for ask in &mut asks {
            ask.by = By::Former(old.clone(), false);
        }
        let target = format!("/v1/api_keys/{}/revoke", old.id());
        let place = usize::try_from(self.dice.below(4)).unwrap_or(0).min(asks.len());
        let revoke = self.ask(at, "POST", target.clone(), Value::Null);
        asks.insert(place, revoke);
        let replies = self.send_all(life, asks).await;
        let revoked = |(ask, reply): &(Ask, Option<crate::client::Reply>)| {
            ask.target == target && reply.as_ref().is_some_and(|reply| reply.status == 200)
        };
        if replies.iter().any(revoked) {
            self.former.push((at, old.clone()));
            self.house.faults.count("keys revoked under load");
        }
    }

    /// Somebody goes on with a key that was revoked.
    async fn use_former_key(&mut self, life: &Life) {
        let Some((at, credential)) = self.dice.pick(&self.former).cloned() else { return };
        let of_shop: Vec<_> = self.orders.iter().filter(|order| order.shop == at).cloned().collect();
        let mut asks = vec![self.ask(at, "GET", "/v1/payments?limit=5".into(), Value::Null)];
        if let Some(order) = self.dice.pick(&of_shop).cloned() {
            asks.extend(self.draw_about_own(&order));
        }
        for ask in &mut asks {
            ask.by = By::Former(credential.clone(), true);
        }
        self.house.faults.count("uses of a revoked key");
        if self.dice.chance(400) {
            // Perhaps behind the moment at which it was revoked.
            self.house.clock.jump(-self.dice.range(1, 7_200) * 1_000_000);
            self.house.faults.count("clock set back behind a revocation");
        }
        self.send_all(life, asks).await;
    }

    /// A merchant is given to another partner, or to none.
    async fn change_partner(&mut self, life: &Life) {
        let Some((at, shop)) = self.any_shop() else { return };
        let agents: Vec<Option<usize>> = (0..self.house.agents.len()).map(Some).chain([None]).collect();
        let Some(next) = self.dice.pick(&agents).copied() else { return };
        let id = next.and_then(|next| self.house.agents.get(next)).map(|agent| agent.id);
        self.between_partners.insert(at);
        let given = life.app.assign_merchant(shop.id, id).await;
        self.say(|| format!("shop {at} is given to partner {next:?}: {given:?}"));
        if given.is_ok() {
            self.between_partners.remove(&at);
            if let Some(slot) = self.house.shops.get_mut(at) {
                *slot = Arc::new(Shop { partner: next, ..(*shop).clone() });
            }
            self.house.faults.count("merchants given to another partner");
        }
    }
}
