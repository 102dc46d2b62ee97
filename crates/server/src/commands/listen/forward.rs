//! One try: an event posted to the merchant's program as the platform's own webhooks are, by the same client.

use crate::assemble::real_now_us;
use crate::client::events::Event;
use anyhow::{Context, Result, anyhow};
use app::webhook::guard::{UrlRules, check_url};
use app::webhook::{Answer, CONNECT_TIMEOUT_MS, Clients, REQUEST_TIMEOUT_MS, Request, Times};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::secret::BearerToken;
use domain::World;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Bounds of a try: those of the platform's own webhooks.
const TIMES: Times = Times { connect_ms: CONNECT_TIMEOUT_MS, total_ms: REQUEST_TIMEOUT_MS };
/// What the secret is derived with; changing it changes every developer's secret.
const SECRET_LABEL: &[u8] = b"feiqian listen webhook secret v1\n";
/// The program runs on this machine or in its network; addresses that are nobody's stay shut.
const RULES: UrlRules = UrlRules { allow_private: true };

/// What signs forwarded events: derived from the key, so that it is the same at every start, on every machine that has the key,
/// and needs to be kept nowhere. The key can't be found from it.
pub(crate) struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    pub(crate) fn of(token: &BearerToken) -> Secret {
        let mut text = Zeroizing::new(SECRET_LABEL.to_vec());
        text.extend_from_slice(token.expose().as_bytes());
        Secret(Zeroizing::new(crypto::sha256(&text)))
    }

    /// As a webhook library takes it.
    pub(crate) fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("whsec_{}", STANDARD.encode(self.0.as_slice())))
    }
}

/// Reads where to forward; without a scheme it is http.
pub(crate) fn parse_target(text: &str) -> Result<String> {
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = check_url(&with_scheme, World::Sandbox, &RULES);
    let url = url.map_err(|refusal| anyhow!("--forward-to: {refusal}"))?;
    Ok(url.to_string())
}

/// Sends to one address.
#[derive(Clone)]
pub(crate) struct Forwarder {
    clients: Arc<Clients>,
    url: Arc<str>,
    secret: Arc<Secret>,
}

impl Forwarder {
    pub(crate) fn new(url: &str, secret: Secret) -> Result<Forwarder> {
        let clients = Clients::new(RULES, TIMES).context("the client that forwards")?;
        Ok(Forwarder { clients: Arc::new(clients), url: url.into(), secret: Arc::new(secret) })
    }

    /// Makes one try; answers when it began, real time in microseconds, and how it ended.
    pub(crate) async fn post(&self, event: &Event) -> (i64, Answer) {
        let now_us = real_now_us();
        let request = Request {
            url: &self.url,
            world: World::Sandbox,
            id: &event.id,
            timestamp_s: now_us.div_euclid(1_000_000),
            body: &event.body,
            secrets: &[self.secret.0.as_slice()],
        };
        (now_us, self.clients.send(&request, now_us).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_the_keys_own_and_stays() {
        let key = BearerToken::parse("fqsk_sandbox_0123456789012345678901234567890123456789012").unwrap();
        let text = Secret::of(&key).text();
        assert_eq!(text.as_str(), "whsec_RlzUqviCR5HtPI/Fagrf6lTvkVXtGEsexqilHED+tE4=");
        assert_eq!(Secret::of(&key).text(), text);
        assert!(crypto::webhook::WebhookSecret::parse(&text).is_ok());
        assert_ne!(Secret::of(&BearerToken::generate()).text(), text);
    }

    #[test]
    fn targets_are_addresses_of_a_program() {
        for (text, url) in [
            ("localhost:3000/hook", "http://localhost:3000/hook"),
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000/"),
            ("http://192.168.1.7/x?y=1", "http://192.168.1.7/x?y=1"),
            ("https://my-tunnel.example/hook", "https://my-tunnel.example/hook"),
        ] {
            assert_eq!(parse_target(text).unwrap(), url);
        }
        for bad in
            ["", "ftp://x/y", "http://a:b@localhost/", "http://169.254.169.254/", "http://localhost:0/"]
        {
            let fault = parse_target(bad).unwrap_err().to_string();
            assert!(fault.starts_with("--forward-to: "), "{fault}");
        }
    }
}
