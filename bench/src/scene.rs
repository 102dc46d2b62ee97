//! What one payment is, in each of the measured scenes.

use crate::clock;
use crate::http::Connection;
use crate::signer::Signer;
use anyhow::{Context as _, Result, ensure};
use channels::sandbox::{CallbackBody, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign_callback};
use money::{Amount, Currency};
use serde::Deserialize;
use std::cell::Cell;

/// The scenes in the order in which they are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scene {
    /// A signed synchronous payment of a till; no webhook endpoint.
    BarCode,
    /// The same with one webhook endpoint, whose receiver answers 200 at once.
    BarCodeWebhook,
    /// A signed create of a QR-code payment, then the channel's signed callback.
    Callback,
}

impl Scene {
    /// All of them.
    pub const ALL: [Scene; 3] = [Scene::BarCode, Scene::BarCodeWebhook, Scene::Callback];

    /// Its name in the report.
    pub fn name(self) -> &'static str {
        match self {
            Scene::BarCode => "bar_code",
            Scene::BarCodeWebhook => "bar_code_webhook",
            Scene::Callback => "callback",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Scene> {
        Scene::ALL.into_iter().find(|scene| scene.name() == name)
    }

    /// For the table.
    pub fn title(self) -> &'static str {
        match self {
            Scene::BarCode => "(b)  signed synchronous bar_code, no webhook",
            Scene::BarCodeWebhook => "(b') signed synchronous bar_code, one webhook endpoint",
            Scene::Callback => "(a)  signed qr_code create + channel callback",
        }
    }
}

/// What every connection of a run shares.
pub struct Merchant {
    /// Signs its requests.
    pub signer: Signer,
    /// Signs the channel's callbacks.
    pub channel: Channel,
    /// Numbers of payments; never given twice.
    pub numbers: Cell<u64>,
}

/// The channel whose callbacks are played.
#[derive(Clone)]
pub struct Channel {
    /// `/callback/{channel_account}`
    pub path: String,
    /// Its secret.
    pub secret: [u8; 32],
    /// `host:port` of the server.
    pub authority: String,
}

/// The fields that are looked at; the rest of the object is skipped.
#[derive(Deserialize)]
struct Payment<'a> {
    status: &'a str,
    latest_attempt: Attempt<'a>,
}

#[derive(Deserialize)]
struct Attempt<'a> {
    id: &'a str,
}

const AMOUNT_MINOR: i64 = 1_250;

impl Merchant {
    /// One payment from first byte to durable success; whatever is not that is an error.
    pub async fn pay(&self, scene: Scene, connection: &mut Connection) -> Result<()> {
        match scene {
            Scene::BarCode | Scene::BarCodeWebhook => self.bar_code(connection).await,
            Scene::Callback => self.callback(connection).await,
        }
    }

    fn next_number(&self) -> u64 {
        let number = self.numbers.get() + 1;
        self.numbers.set(number);
        number
    }

    fn create(&self, scene_fields: &str) -> Result<Vec<u8>> {
        let number = self.next_number();
        let body = format!(
            "{{\"merchant_order_no\":\"B-{number:012}\",\"amount\":{{\"value\":{AMOUNT_MINOR},\"currency\":\"CNY\"}},\
             \"method\":\"sandbox\",{scene_fields},\"subject\":\"Coffee\"}}"
        );
        self.signer.post("/v1/payments", &body, &format!("bench-{number:016x}"), clock::real_now_s())
    }

    async fn bar_code(&self, connection: &mut Connection) -> Result<()> {
        let request = self.create("\"scene\":\"bar_code\",\"auth_code\":\"284520391823745566\"")?;
        let answer = connection.call(&request).await?;
        answer.must_be(201)?;
        let payment: Payment<'_> = serde_json::from_slice(answer.body).context("an unreadable payment")?;
        ensure!(payment.status == "succeeded", "a payment that is {}", payment.status);
        Ok(())
    }

    async fn callback(&self, connection: &mut Connection) -> Result<()> {
        let request = self.create("\"scene\":\"qr_code\"")?;
        let callback = {
            let answer = connection.call(&request).await?;
            answer.must_be(201)?;
            let payment: Payment<'_> =
                serde_json::from_slice(answer.body).context("an unreadable payment")?;
            ensure!(payment.status == "requires_action", "a payment that is {}", payment.status);
            self.channel.paid(payment.latest_attempt.id)?
        };
        connection.call(&callback).await?.must_be(200)
    }

    /// The status that the server shows of the newest payment.
    pub async fn newest_status(&self, connection: &mut Connection) -> Result<String> {
        #[derive(Deserialize)]
        struct Page<'a> {
            #[serde(borrow)]
            data: Vec<Payment<'a>>,
        }
        let request = self.signer.get("/v1/payments?limit=1", clock::real_now_s())?;
        let answer = connection.call(&request).await?;
        answer.must_be(200)?;
        let page: Page<'_> = serde_json::from_slice(answer.body).context("an unreadable list")?;
        Ok(page.data.first().context("no payment is listed")?.status.to_owned())
    }
}

impl Channel {
    /// "This trade was paid", as the sandbox channel would post it.
    fn paid(&self, attempt: &str) -> Result<Vec<u8>> {
        let request_no = attempt.strip_prefix("att_").context("an attempt without its prefix")?;
        let trade_no = format!("SBX{request_no}");
        let amount = Amount::new(AMOUNT_MINOR, Currency::CNY);
        let body = CallbackBody::paid(request_no, &trade_no, amount, clock::real_now_us()).to_bytes();
        let timestamp = clock::real_now_s().to_string();
        let signature = sign_callback(&self.secret, &timestamp, &body);
        let mut request = format!(
            "POST {} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             {TIMESTAMP_HEADER}: {timestamp}\r\n{SIGNATURE_HEADER}: {signature}\r\n\r\n",
            self.path,
            self.authority,
            body.len(),
        )
        .into_bytes();
        request.extend_from_slice(&body);
        Ok(request)
    }
}
