//! Control rows: small tables, cached by nodes, never written together with a money row. Also the outcomes of deliveries and
//! sealed blocks, which are written in batches of their own.

use crate::StoreError;
use crate::reads::{Block, DeliveryAttempt, DeliveryStatus};
use async_trait::async_trait;
use domain::channel::ChannelAccount;
use domain::id::{ChannelAccountId, DeliveryId, EndpointId, KeyId, MerchantId, Shard};
use domain::merchant::{ApiKey, Head, Merchant};
use domain::price::Price;
use std::fmt;

/// A webhook endpoint as its row holds it. Secrets are sealed at rest.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Whose it is.
    pub merchant: MerchantId,
    /// Where events go.
    pub url: String,
    /// Types it wants: exact, `payment.*` or `*`.
    pub events: Vec<String>,
    /// For people.
    pub description: Option<String>,
    /// Where it stands.
    pub status: EndpointStatus,
    /// The signing secret, raw bytes.
    pub secret: Vec<u8>,
    /// The one before it, until this real time in microseconds.
    pub old_secret: Option<(Vec<u8>, i64)>,
    /// Since when every try failed, real time; `None` after a success.
    pub failing_since_us: Option<i64>,
    /// Failures in a row.
    pub failures: i64,
    /// Business time of creation.
    pub created_at_us: i64,
    /// Business time of the last change.
    pub updated_at_us: i64,
    /// Rises with every change.
    pub sequence: i64,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Urls may carry credentials, so neither they nor the secrets show.
        f.debug_struct("Endpoint")
            .field("id", &self.id)
            .field("merchant", &self.merchant)
            .field("events", &self.events)
            .field("status", &self.status)
            .field("failures", &self.failures)
            .field("sequence", &self.sequence)
            .finish_non_exhaustive()
    }
}

/// Where an endpoint stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndpointStatus {
    /// Events are sent.
    Enabled,
    /// Events are sent; the last ones failed.
    Failing,
    /// Nothing is sent.
    Disabled,
}

/// The outcome of one try at a delivery, written in batches.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryOutcome {
    /// The delivery.
    pub id: DeliveryId,
    /// What happened.
    pub attempt: DeliveryAttempt,
    /// Where it stands now.
    pub status: DeliveryStatus,
    /// When it is tried next.
    pub due_at_us: Option<i64>,
    /// Tries so far.
    pub tries: i64,
}

/// Everything that a node caches of the control tables.
#[derive(Clone, Default)]
pub struct Snapshot {
    /// Rises with every control write.
    pub version: i64,
    /// Merchants.
    pub merchants: Vec<Merchant>,
    /// Keys, revoked ones too.
    pub keys: Vec<ApiKey>,
    /// All price versions.
    pub prices: Vec<Price>,
    /// Channel accounts with their world and the sealed secret opened.
    pub channel_accounts: Vec<StoredChannelAccount>,
    /// Endpoints that are not deleted.
    pub endpoints: Vec<Endpoint>,
    /// Each merchant's default secret for `notify_url` deliveries.
    pub default_secrets: Vec<(MerchantId, Vec<u8>)>,
}

/// A channel account with what the platform needs to speak for it.
#[derive(Clone, PartialEq)]
pub struct StoredChannelAccount {
    /// The account.
    pub account: ChannelAccount,
    /// Its world.
    pub world: domain::World,
    /// `sandbox`, later others.
    pub kind: String,
    /// The secret of its callbacks; sealed at rest.
    pub callback_secret: Vec<u8>,
}

impl fmt::Debug for StoredChannelAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredChannelAccount")
            .field("account", &self.account)
            .field("world", &self.world)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("version", &self.version)
            .field("merchants", &self.merchants.len())
            .field("keys", &self.keys.len())
            .field("endpoints", &self.endpoints.len())
            .finish_non_exhaustive()
    }
}

/// Writes of control rows. Each is one transaction and raises the snapshot's version.
#[async_trait]
#[allow(missing_docs)] // the names say what each writes
pub trait Control {
    /// Everything to cache.
    async fn snapshot(&self) -> Result<Snapshot, StoreError>;
    async fn snapshot_version(&self) -> Result<i64, StoreError>;

    /// A merchant with its head and default webhook secret. The head is a money row that has no history yet.
    async fn create_merchant(
        &self,
        merchant: &Merchant,
        head: &Head,
        default_secret: &[u8],
    ) -> Result<(), StoreError>;
    async fn create_channel_account(&self, account: &StoredChannelAccount) -> Result<(), StoreError>;
    async fn create_price(&self, price: &Price) -> Result<(), StoreError>;
    /// `idempotency`: (hash of the key, fingerprint); a repeat answers the key made first (`Err(Conflict)` is not used for it).
    async fn create_key(
        &self,
        key: &ApiKey,
        idempotency: Option<([u8; 16], [u8; 16])>,
    ) -> Result<Made<KeyId>, StoreError>;
    async fn update_key(&self, key: &ApiKey, expected_sequence: i64) -> Result<(), StoreError>;
    /// [`Made::UrlExists`] when the merchant has that url already.
    async fn create_endpoint(
        &self,
        endpoint: &Endpoint,
        idempotency: Option<([u8; 16], [u8; 16])>,
    ) -> Result<Made<EndpointId>, StoreError>;
    async fn update_endpoint(&self, endpoint: &Endpoint, expected_sequence: i64) -> Result<(), StoreError>;
    /// As `update_endpoint`, once per idempotency key (hash, fingerprint): a repeat changes nothing.
    async fn update_endpoint_once(
        &self,
        endpoint: &Endpoint,
        expected_sequence: i64,
        idempotency: Option<([u8; 16], [u8; 16])>,
    ) -> Result<Made<EndpointId>, StoreError>;
    /// Removes it; what is pending for it is given up.
    async fn delete_endpoint(&self, merchant: MerchantId, id: EndpointId) -> Result<(), StoreError>;

    /// Writes outcomes of tries; also appends the visible attempt.
    async fn record_deliveries(&self, shard: Shard, outcomes: &[DeliveryOutcome]) -> Result<(), StoreError>;
    /// Makes a delivery pending again, due at once, counting afresh.
    async fn replay_delivery(&self, id: DeliveryId, due_at_us: i64) -> Result<(), StoreError>;
    /// Inserts an event that no money command caused (test sends, endpoint notices); answers its number.
    async fn insert_event(&self, shard: Shard, event: &domain::event::Event) -> Result<i64, StoreError>;

    async fn append_block(&self, shard: Shard, block: &Block) -> Result<(), StoreError>;
    /// Progress of `verify`: blocks up to this number were proven. 0 when none.
    async fn verified_block(&self, shard: Shard) -> Result<i64, StoreError>;
    async fn set_verified_block(&self, shard: Shard, number: i64) -> Result<(), StoreError>;

    /// A nonce of a request that writes no money row (control writes): `false` when it was used.
    async fn use_nonce(&self, key: KeyId, nonce_hash: [u8; 16], at_us: i64) -> Result<bool, StoreError>;
    /// A callback whose reference no row knows, kept for matching.
    async fn keep_notice(
        &self,
        account: ChannelAccountId,
        reference: &str,
        headers: &str,
        body: &[u8],
        at_us: i64,
    ) -> Result<(), StoreError>;
}

/// What became of a create under an idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made<I> {
    /// It was made now.
    Now,
    /// The key made this one before, with the same fingerprint.
    Before(I),
    /// The key was used with another fingerprint.
    KeyReused,
    /// The merchant has an endpoint with that url.
    UrlExists,
}
