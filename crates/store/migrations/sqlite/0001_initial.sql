-- Portable types only: INTEGER (also microseconds and minor units), BLOB (ids of 16 bytes, encoded members), TEXT.
-- Money tables lead their key with the shard; a table whose key is its natural order is WITHOUT ROWID.

-- ---------------------------------------------------------------- heads

-- One row per shard: hands out gapless numbers, holds the open business day, taken by every commit.
CREATE TABLE shard_head (
    shard       INTEGER NOT NULL PRIMARY KEY,
    open_day    INTEGER NOT NULL,
    journal_seq INTEGER NOT NULL CHECK (journal_seq >= 0),
    event_seq   INTEGER NOT NULL CHECK (event_seq >= 0)
) STRICT, WITHOUT ROWID;

-- Which number was the last of a closed business day.
CREATE TABLE day_close (
    shard        INTEGER NOT NULL,
    day          INTEGER NOT NULL,
    last_seq     INTEGER NOT NULL,
    closed_at_us INTEGER NOT NULL,
    PRIMARY KEY (shard, day)
) STRICT, WITHOUT ROWID;

-- One row per merchant: the root of its money rows.
CREATE TABLE merchant_head (
    shard              INTEGER NOT NULL,
    merchant           BLOB    NOT NULL,
    clock_offset_us    INTEGER NOT NULL CHECK (clock_offset_us >= 0),
    business_day       INTEGER NOT NULL,
    debt_limit_minor   INTEGER NOT NULL,
    credit_line_minor  INTEGER NOT NULL,
    key_epoch          INTEGER NOT NULL,
    sequence           INTEGER NOT NULL,
    PRIMARY KEY (shard, merchant)
) STRICT, WITHOUT ROWID;

-- ---------------------------------------------------------------- objects

CREATE TABLE payment (
    shard                       INTEGER NOT NULL,
    id                          BLOB    NOT NULL,
    merchant                    BLOB    NOT NULL,
    merchant_order_no           TEXT    NOT NULL,
    status                      TEXT    NOT NULL,
    status_reason               TEXT,
    amount_minor                INTEGER NOT NULL CHECK (amount_minor > 0),
    currency                    INTEGER NOT NULL,
    authorized_minor            INTEGER NOT NULL CHECK (authorized_minor >= 0),
    capturing_minor             INTEGER NOT NULL CHECK (capturing_minor >= 0),
    captured_minor              INTEGER NOT NULL,
    refunded_minor              INTEGER NOT NULL CHECK (refunded_minor >= 0),
    refunding_minor             INTEGER NOT NULL CHECK (refunding_minor >= 0),
    fee_minor                   INTEGER,
    fee_returned_minor          INTEGER NOT NULL,
    cost_minor                  INTEGER NOT NULL,
    cost_returned_minor         INTEGER NOT NULL,
    method                      TEXT    NOT NULL,
    scene                       TEXT    NOT NULL,
    capture_mode                TEXT    NOT NULL,
    price                       BLOB    NOT NULL,
    expires_at_us               INTEGER NOT NULL,
    authorization_expires_at_us INTEGER,
    ending                      TEXT,
    next_action                 BLOB,
    failure                     BLOB,
    latest_attempt              BLOB,
    open_attempt                BLOB,
    paid_attempt                BLOB,
    available_on                INTEGER,
    created_at_us               INTEGER NOT NULL,
    updated_at_us               INTEGER NOT NULL,
    authorized_at_us            INTEGER,
    paid_at_us                  INTEGER,
    closed_at_us                INTEGER,
    sequence                    INTEGER NOT NULL,
    -- When it must be ended; NULL once it is final or being ended. Derived from the columns above.
    deadline_us                 INTEGER,
    details                     BLOB    NOT NULL,
    -- Sealed: payer, client_ip, device.
    personal                    BLOB,
    PRIMARY KEY (shard, id),
    -- The second wall against returning more than was taken.
    CHECK (refunded_minor + refunding_minor <= captured_minor)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX payment_order_no ON payment (shard, merchant, merchant_order_no);
CREATE INDEX payment_list ON payment (shard, merchant, created_at_us, id);
CREATE INDEX payment_deadline ON payment (shard, deadline_us) WHERE deadline_us IS NOT NULL;

CREATE TABLE attempt (
    shard            INTEGER NOT NULL,
    id               BLOB    NOT NULL,
    payment          BLOB    NOT NULL,
    merchant         BLOB    NOT NULL,
    status           TEXT    NOT NULL,
    method           TEXT    NOT NULL,
    scene            TEXT    NOT NULL,
    channel_account  BLOB    NOT NULL,
    amount_minor     INTEGER NOT NULL,
    currency         INTEGER NOT NULL,
    channel_trade_no TEXT,
    failure          BLOB,
    sandbox_outcome  TEXT,
    taken_minor      INTEGER,
    taken_currency   INTEGER,
    bill_date        INTEGER,
    held_minor       INTEGER NOT NULL CHECK (held_minor >= 0),
    sent_back_minor  INTEGER NOT NULL CHECK (sent_back_minor >= 0),
    contradiction    TEXT,
    job_due_at_us    INTEGER,
    job_owner        INTEGER NOT NULL,
    job_fence        INTEGER NOT NULL,
    job_tries        INTEGER NOT NULL,
    created_at_us    INTEGER NOT NULL,
    updated_at_us    INTEGER NOT NULL,
    sequence         INTEGER NOT NULL,
    PRIMARY KEY (shard, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX attempt_payment ON attempt (shard, payment);
CREATE INDEX attempt_due ON attempt (shard, job_due_at_us) WHERE job_due_at_us IS NOT NULL;

CREATE TABLE capture (
    shard           INTEGER NOT NULL,
    id              BLOB    NOT NULL,
    payment         BLOB    NOT NULL,
    attempt         BLOB    NOT NULL,
    merchant        BLOB    NOT NULL,
    channel_account BLOB    NOT NULL,
    amount_minor    INTEGER NOT NULL CHECK (amount_minor > 0),
    currency        INTEGER NOT NULL,
    is_final        INTEGER NOT NULL CHECK (is_final IN (0, 1)),
    status          TEXT    NOT NULL,
    fee_minor       INTEGER NOT NULL,
    cost_minor      INTEGER NOT NULL,
    available_on    INTEGER,
    bill_date       INTEGER,
    failure         BLOB,
    job_due_at_us   INTEGER,
    job_owner       INTEGER NOT NULL,
    job_fence       INTEGER NOT NULL,
    job_tries       INTEGER NOT NULL,
    created_at_us   INTEGER NOT NULL,
    updated_at_us   INTEGER NOT NULL,
    sequence        INTEGER NOT NULL,
    PRIMARY KEY (shard, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX capture_payment ON capture (shard, payment);
CREATE INDEX capture_due ON capture (shard, job_due_at_us) WHERE job_due_at_us IS NOT NULL;

CREATE TABLE refund (
    shard               INTEGER NOT NULL,
    id                  BLOB    NOT NULL,
    payment             BLOB    NOT NULL,
    attempt             BLOB    NOT NULL,
    merchant            BLOB    NOT NULL,
    channel_account     BLOB    NOT NULL,
    merchant_order_no   TEXT    NOT NULL,
    merchant_refund_no  TEXT,
    kind                TEXT    NOT NULL,
    amount_minor        INTEGER NOT NULL CHECK (amount_minor > 0),
    currency            INTEGER NOT NULL,
    status              TEXT    NOT NULL,
    reason              TEXT,
    fee_returned_minor  INTEGER NOT NULL,
    fee_charged_minor   INTEGER NOT NULL,
    cost_returned_minor INTEGER NOT NULL,
    in_transit_minor    INTEGER NOT NULL CHECK (in_transit_minor >= 0),
    channel_refund_no   TEXT,
    bill_date           INTEGER,
    failure             BLOB,
    sandbox_outcome     TEXT,
    contradiction       TEXT,
    job_due_at_us       INTEGER,
    job_owner           INTEGER NOT NULL,
    job_fence           INTEGER NOT NULL,
    job_tries           INTEGER NOT NULL,
    succeeded_at_us     INTEGER,
    created_at_us       INTEGER NOT NULL,
    updated_at_us       INTEGER NOT NULL,
    sequence            INTEGER NOT NULL,
    accepted_lines      BLOB    NOT NULL,
    PRIMARY KEY (shard, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX refund_no ON refund (shard, merchant, merchant_refund_no) WHERE merchant_refund_no IS NOT NULL;
CREATE INDEX refund_payment ON refund (shard, payment);
CREATE INDEX refund_list ON refund (shard, merchant, created_at_us, id);
CREATE INDEX refund_due ON refund (shard, job_due_at_us) WHERE job_due_at_us IS NOT NULL;

CREATE TABLE idempotency (
    shard         INTEGER NOT NULL,
    merchant      BLOB    NOT NULL,
    key_hash      BLOB    NOT NULL,
    fingerprint   BLOB    NOT NULL,
    nonce_key     BLOB,
    nonce         BLOB,
    object        BLOB,
    refusal       TEXT,
    created_at_us INTEGER NOT NULL,
    PRIMARY KEY (shard, merchant, key_hash)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX idempotency_nonce ON idempotency (shard, nonce_key, nonce) WHERE nonce IS NOT NULL;

-- ---------------------------------------------------------------- books

CREATE TABLE journal_tx (
    shard        INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    kind         TEXT    NOT NULL,
    source       BLOB    NOT NULL,
    merchant     BLOB    NOT NULL,
    posted_at_us INTEGER NOT NULL,
    booked_on    INTEGER NOT NULL,
    corrects     BLOB,
    PRIMARY KEY (shard, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX journal_tx_source ON journal_tx (shard, source);
CREATE INDEX journal_tx_merchant ON journal_tx (shard, merchant, seq);

CREATE TABLE journal_entry (
    shard               INTEGER NOT NULL,
    seq                 INTEGER NOT NULL,
    line                INTEGER NOT NULL,
    code                INTEGER NOT NULL,
    dim                 BLOB    NOT NULL,
    day                 INTEGER NOT NULL,
    currency            INTEGER NOT NULL,
    amount_minor        INTEGER NOT NULL CHECK (amount_minor <> 0),
    category            TEXT    NOT NULL,
    merchant            BLOB,
    account_seq         INTEGER,
    balance_after_minor INTEGER,
    PRIMARY KEY (shard, seq, line)
) STRICT, WITHOUT ROWID;

-- One row per commit: settles a COMMIT whose answer was lost.
CREATE TABLE journal_batch (
    shard             INTEGER NOT NULL,
    batch             BLOB    NOT NULL,
    first_journal_seq INTEGER NOT NULL,
    first_event_seq   INTEGER NOT NULL,
    committed_at_us   INTEGER NOT NULL,
    PRIMARY KEY (shard, batch)
) STRICT, WITHOUT ROWID;

-- Chained balances, in the account's natural sign. last_seq and last_line: where the account's last line stands.
CREATE TABLE balance (
    shard         INTEGER NOT NULL,
    code          INTEGER NOT NULL,
    dim           BLOB    NOT NULL,
    currency      INTEGER NOT NULL,
    day           INTEGER NOT NULL,
    merchant      BLOB    NOT NULL,
    amount_minor  INTEGER NOT NULL,
    floor_minor   INTEGER NOT NULL,
    account_seq   INTEGER NOT NULL CHECK (account_seq > 0),
    last_seq      INTEGER NOT NULL,
    last_line     INTEGER NOT NULL,
    matures_at_us INTEGER,
    -- 0: a dated account that was emptied after it matured; not read with its merchant any more. A hint only.
    open          INTEGER NOT NULL CHECK (open IN (0, 1)),
    PRIMARY KEY (shard, code, dim, currency, day),
    CHECK (amount_minor >= floor_minor)
) STRICT, WITHOUT ROWID;
CREATE INDEX balance_merchant ON balance (shard, merchant, open);
CREATE INDEX balance_maturity ON balance (shard, matures_at_us) WHERE matures_at_us IS NOT NULL AND open = 1;

-- Accounts without a floor: debit positive, changed by deltas under the shard head.
CREATE TABLE platform_balance (
    shard        INTEGER NOT NULL,
    code         INTEGER NOT NULL,
    dim          BLOB    NOT NULL,
    currency     INTEGER NOT NULL,
    day          INTEGER NOT NULL,
    amount_minor INTEGER NOT NULL,
    PRIMARY KEY (shard, code, dim, currency, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE journal_block (
    shard        INTEGER NOT NULL,
    number       INTEGER NOT NULL,
    first_seq    INTEGER NOT NULL,
    last_seq     INTEGER NOT NULL,
    line_count   INTEGER NOT NULL,
    root         BLOB    NOT NULL,
    chained      BLOB    NOT NULL,
    leaf_marks   BLOB    NOT NULL,
    sealed_at_us INTEGER NOT NULL,
    PRIMARY KEY (shard, number),
    CHECK (last_seq >= first_seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE verify_progress (
    shard          INTEGER NOT NULL PRIMARY KEY,
    verified_block INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- ---------------------------------------------------------------- events

-- The d_ columns are the delivery to the first destination; d_due_at_us is NULL when nothing is to be sent.
CREATE TABLE event (
    shard           INTEGER NOT NULL,
    seq             INTEGER NOT NULL,
    id              BLOB    NOT NULL,
    merchant        BLOB    NOT NULL,
    kind            TEXT    NOT NULL,
    object          BLOB    NOT NULL,
    object_sequence INTEGER NOT NULL,
    created_at_us   INTEGER NOT NULL,
    d_endpoint      BLOB,
    d_url           TEXT,
    d_status        TEXT,
    d_due_at_us     INTEGER,
    d_tries         INTEGER NOT NULL,
    d_fence         INTEGER NOT NULL,
    -- JSON text; sealed where it holds personal data.
    body            BLOB    NOT NULL,
    PRIMARY KEY (shard, seq)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX event_id ON event (shard, id);
CREATE INDEX event_merchant ON event (shard, merchant, seq);
CREATE INDEX event_object ON event (shard, object, seq);
CREATE INDEX event_due ON event (shard, d_due_at_us) WHERE d_due_at_us IS NOT NULL;
CREATE INDEX event_failed ON event (shard, merchant, seq) WHERE d_status = 'failed';

-- Destinations after the first.
CREATE TABLE delivery (
    shard     INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    slot      INTEGER NOT NULL CHECK (slot BETWEEN 1 AND 14),
    merchant  BLOB    NOT NULL,
    object    BLOB    NOT NULL,
    endpoint  BLOB,
    url       TEXT    NOT NULL,
    status    TEXT    NOT NULL,
    due_at_us INTEGER,
    tries     INTEGER NOT NULL,
    fence     INTEGER NOT NULL,
    PRIMARY KEY (shard, seq, slot)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_merchant ON delivery (shard, merchant, seq, slot);
CREATE INDEX delivery_due ON delivery (shard, due_at_us) WHERE due_at_us IS NOT NULL;
CREATE INDEX delivery_object ON delivery (shard, object, seq) WHERE due_at_us IS NOT NULL;

CREATE TABLE delivery_attempt (
    shard      INTEGER NOT NULL,
    delivery   BLOB    NOT NULL,
    number     INTEGER NOT NULL,
    at_us      INTEGER NOT NULL,
    status     INTEGER,
    latency_ms INTEGER NOT NULL,
    error      TEXT,
    PRIMARY KEY (shard, delivery, number)
) STRICT, WITHOUT ROWID;

-- ---------------------------------------------------------------- control

-- What init noted: master_key_check.
CREATE TABLE installation (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE control_version (
    id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO control_version (id, version) VALUES (1, 1);

CREATE TABLE merchant (
    id            BLOB    NOT NULL PRIMARY KEY,
    world         TEXT    NOT NULL,
    shard         INTEGER NOT NULL,
    name          TEXT    NOT NULL,
    zone          TEXT    NOT NULL,
    maturity_days INTEGER NOT NULL,
    created_at_us INTEGER NOT NULL,
    -- Sealed.
    default_secret BLOB   NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE api_key (
    id             BLOB    NOT NULL PRIMARY KEY,
    merchant       BLOB    NOT NULL,
    name           TEXT    NOT NULL,
    bearer_hash    BLOB,
    public_key_pem TEXT,
    permissions    BLOB    NOT NULL,
    ip_allow       BLOB    NOT NULL,
    expires_at_us  INTEGER,
    revoked_at_us  INTEGER,
    created_at_us  INTEGER NOT NULL,
    sequence       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX api_key_bearer ON api_key (bearer_hash) WHERE bearer_hash IS NOT NULL;

CREATE TABLE price (
    id              BLOB    NOT NULL PRIMARY KEY,
    merchant        BLOB    NOT NULL,
    method          TEXT    NOT NULL,
    currency        INTEGER NOT NULL,
    version         INTEGER NOT NULL,
    rate            TEXT    NOT NULL,
    fixed_minor     INTEGER NOT NULL,
    minimum_minor   INTEGER NOT NULL,
    cap_minor       INTEGER,
    refund_fee      TEXT    NOT NULL,
    effective_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX price_version ON price (merchant, method, currency, version);

CREATE TABLE channel_account (
    id              BLOB    NOT NULL PRIMARY KEY,
    world           TEXT    NOT NULL,
    kind            TEXT    NOT NULL,
    method          TEXT    NOT NULL,
    rate            TEXT    NOT NULL,
    fixed_minor     INTEGER NOT NULL,
    minimum_minor   INTEGER NOT NULL,
    cap_minor       INTEGER,
    enabled         INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    -- Sealed.
    callback_secret BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE endpoint (
    id                  BLOB    NOT NULL PRIMARY KEY,
    merchant            BLOB    NOT NULL,
    url                 TEXT    NOT NULL,
    events              BLOB    NOT NULL,
    description         TEXT,
    status              TEXT    NOT NULL,
    -- Sealed.
    secret              BLOB    NOT NULL,
    -- Sealed.
    old_secret          BLOB,
    old_secret_until_us INTEGER,
    failing_since_us    INTEGER,
    failures            INTEGER NOT NULL,
    created_at_us       INTEGER NOT NULL,
    updated_at_us       INTEGER NOT NULL,
    sequence            INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX endpoint_url ON endpoint (merchant, url);

CREATE TABLE control_idempotency (
    merchant    BLOB NOT NULL,
    key_hash    BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    object      BLOB NOT NULL,
    PRIMARY KEY (merchant, key_hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE control_nonce (
    key   BLOB    NOT NULL,
    nonce BLOB    NOT NULL,
    at_us INTEGER NOT NULL,
    PRIMARY KEY (key, nonce)
) STRICT, WITHOUT ROWID;
CREATE INDEX control_nonce_age ON control_nonce (at_us);

-- Callbacks whose reference no row knows. The same one is kept once.
CREATE TABLE channel_notice (
    account   BLOB    NOT NULL,
    reference TEXT    NOT NULL,
    digest    BLOB    NOT NULL,
    at_us     INTEGER NOT NULL,
    -- Sealed.
    headers   BLOB    NOT NULL,
    -- Sealed.
    body      BLOB    NOT NULL,
    PRIMARY KEY (account, reference, digest)
) STRICT, WITHOUT ROWID;
