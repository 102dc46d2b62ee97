//! Callbacks as the sandbox channel posts them, over HTTP.

use super::books::{Books, bare};
use super::client::{Call, now_s};
use super::server::Server;
use channels::sandbox::{CallbackBody, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign_callback};
use money::{Amount, Currency};

/// Signs for the sandbox's channel account of a server.
pub struct Channel<'s> {
    server: &'s Server,
    /// Its account.
    pub account: String,
    secret: [u8; 32],
}

impl<'s> Channel<'s> {
    /// Reads account and secret.
    pub fn of(server: &'s Server) -> Channel<'s> {
        let books = Books::open(server);
        let account = books.channel_account();
        Channel { server, account: account.to_string(), secret: books.callback_secret(account) }
    }

    /// A signed callback.
    pub fn post(&self, body: &CallbackBody) -> Call {
        self.post_bytes(body.to_bytes())
    }

    /// Signed bytes.
    pub fn post_bytes(&self, bytes: Vec<u8>) -> Call {
        let timestamp = now_s().to_string();
        let signature = sign_callback(&self.secret, &timestamp, &bytes);
        self.post_with(&timestamp, &signature, bytes)
    }

    /// Bytes with whatever signature.
    pub fn post_with(&self, timestamp: &str, signature: &str, bytes: Vec<u8>) -> Call {
        let call = self.server.client().call("POST", &format!("/callback/{}", self.account));
        call.bytes("application/json", bytes)
            .header(TIMESTAMP_HEADER, timestamp)
            .header(SIGNATURE_HEADER, signature)
    }
}

/// "This attempt was paid", of so much CNY, now.
pub fn paid(attempt: &str, minor: i64) -> CallbackBody {
    let amount = Amount::new(minor, Currency::CNY);
    CallbackBody::paid(&bare(attempt), &trade_no(attempt), amount, now_s() * 1_000_000)
}

/// A number that a channel could have given to an attempt.
pub fn trade_no(attempt: &str) -> String {
    format!("SBXT{}", bare(attempt))
}
