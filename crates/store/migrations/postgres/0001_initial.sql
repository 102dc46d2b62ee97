-- The logical schema of SQLite's step of the same number, with PostgreSQL's widths. Money tables lead their key with the shard. Those
-- that grow are partitioned by id, which begins with its time, or by number; a partition is made before it is needed, and what no
-- partition is there for rests in the default one. What may be unique but once over all time stands in natural_key. Texts in
-- keys compare by bytes, so that no index depends on the system's collation. Rows that every commit changes leave room on their page.

-- ---------------------------------------------------------------- heads

-- One row per shard: hands out gapless numbers, holds the open business day, taken by every commit.
CREATE TABLE shard_head (
    shard       smallint NOT NULL PRIMARY KEY,
    open_day    integer NOT NULL,
    journal_seq bigint NOT NULL CHECK (journal_seq >= 0),
    event_seq   bigint NOT NULL CHECK (event_seq >= 0)
) WITH (fillfactor = 10);

-- Which number was the last of a closed business day.
CREATE TABLE day_close (
    shard        smallint NOT NULL,
    day          integer NOT NULL,
    last_seq     bigint NOT NULL,
    closed_at_us bigint NOT NULL,
    PRIMARY KEY (shard, day)
);

-- One row per merchant: the root of its money rows.
CREATE TABLE merchant_head (
    shard              smallint NOT NULL,
    merchant           uuid NOT NULL,
    clock_offset_us    bigint NOT NULL CHECK (clock_offset_us >= 0),
    business_day       integer NOT NULL,
    debt_limit_minor   bigint NOT NULL,
    credit_line_minor  bigint NOT NULL,
    key_epoch          bigint NOT NULL,
    sequence           bigint NOT NULL,
    PRIMARY KEY (shard, merchant)
) WITH (fillfactor = 50);

-- ---------------------------------------------------------------- objects

CREATE TABLE payment (
    shard                       smallint NOT NULL,
    id                          uuid NOT NULL,
    merchant                    uuid NOT NULL,
    merchant_order_no           text NOT NULL,
    status                      text NOT NULL,
    status_reason               text,
    amount_minor                bigint NOT NULL CHECK (amount_minor > 0),
    currency                    smallint NOT NULL,
    authorized_minor            bigint NOT NULL CHECK (authorized_minor >= 0),
    capturing_minor             bigint NOT NULL CHECK (capturing_minor >= 0),
    captured_minor              bigint NOT NULL,
    refunded_minor              bigint NOT NULL CHECK (refunded_minor >= 0),
    refunding_minor             bigint NOT NULL CHECK (refunding_minor >= 0),
    fee_minor                   bigint,
    fee_returned_minor          bigint NOT NULL,
    cost_minor                  bigint NOT NULL,
    cost_returned_minor         bigint NOT NULL,
    method                      text NOT NULL,
    scene                       text NOT NULL,
    capture_mode                text NOT NULL,
    price                       uuid NOT NULL,
    expires_at_us               bigint NOT NULL,
    authorization_expires_at_us bigint,
    ending                      text,
    next_action                 bytea,
    failure                     bytea,
    latest_attempt              uuid,
    open_attempt                uuid,
    paid_attempt                uuid,
    available_on                integer,
    created_at_us               bigint NOT NULL,
    updated_at_us               bigint NOT NULL,
    authorized_at_us            bigint,
    paid_at_us                  bigint,
    closed_at_us                bigint,
    sequence                    bigint NOT NULL,
    -- When it must be ended; NULL once it is final or being ended. Derived from the columns above.
    deadline_us                 bigint,
    details                     bytea NOT NULL,
    -- Sealed: payer, client_ip, device.
    personal                    bytea,
    PRIMARY KEY (shard, id),
    -- The second wall against returning more than was taken.
    CHECK (refunded_minor + refunding_minor <= captured_minor)
) PARTITION BY RANGE (id);
CREATE INDEX payment_list ON payment (shard, merchant, created_at_us, id);
CREATE INDEX payment_deadline ON payment (shard, deadline_us) WHERE deadline_us IS NOT NULL;

CREATE TABLE attempt (
    shard            smallint NOT NULL,
    id               uuid NOT NULL,
    payment          uuid NOT NULL,
    merchant         uuid NOT NULL,
    status           text NOT NULL,
    method           text NOT NULL,
    scene            text NOT NULL,
    channel_account  uuid NOT NULL,
    amount_minor     bigint NOT NULL,
    currency         smallint NOT NULL,
    channel_trade_no text,
    failure          bytea,
    sandbox_outcome  text,
    taken_minor      bigint,
    taken_currency   smallint,
    bill_date        integer,
    held_minor       bigint NOT NULL CHECK (held_minor >= 0),
    sent_back_minor  bigint NOT NULL CHECK (sent_back_minor >= 0),
    contradiction    text,
    job_due_at_us    bigint,
    job_owner        bigint NOT NULL,
    job_fence        bigint NOT NULL,
    job_tries        bigint NOT NULL,
    created_at_us    bigint NOT NULL,
    updated_at_us    bigint NOT NULL,
    sequence         bigint NOT NULL,
    PRIMARY KEY (shard, id)
) PARTITION BY RANGE (id);
CREATE INDEX attempt_payment ON attempt (shard, payment);
CREATE INDEX attempt_due ON attempt (shard, job_due_at_us) WHERE job_due_at_us IS NOT NULL;

CREATE TABLE capture (
    shard           smallint NOT NULL,
    id              uuid NOT NULL,
    payment         uuid NOT NULL,
    attempt         uuid NOT NULL,
    merchant        uuid NOT NULL,
    channel_account uuid NOT NULL,
    amount_minor    bigint NOT NULL CHECK (amount_minor > 0),
    currency        smallint NOT NULL,
    is_final        smallint NOT NULL CHECK (is_final IN (0, 1)),
    status          text NOT NULL,
    fee_minor       bigint NOT NULL,
    cost_minor      bigint NOT NULL,
    available_on    integer,
    bill_date       integer,
    failure         bytea,
    job_due_at_us   bigint,
    job_owner       bigint NOT NULL,
    job_fence       bigint NOT NULL,
    job_tries       bigint NOT NULL,
    created_at_us   bigint NOT NULL,
    updated_at_us   bigint NOT NULL,
    sequence        bigint NOT NULL,
    PRIMARY KEY (shard, id)
) PARTITION BY RANGE (id);
CREATE INDEX capture_payment ON capture (shard, payment);
CREATE INDEX capture_due ON capture (shard, job_due_at_us) WHERE job_due_at_us IS NOT NULL;

CREATE TABLE refund (
    shard               smallint NOT NULL,
    id                  uuid NOT NULL,
    payment             uuid NOT NULL,
    attempt             uuid NOT NULL,
    merchant            uuid NOT NULL,
    channel_account     uuid NOT NULL,
    merchant_order_no   text NOT NULL,
    merchant_refund_no  text,
    kind                text NOT NULL,
    amount_minor        bigint NOT NULL CHECK (amount_minor > 0),
    currency            smallint NOT NULL,
    status              text NOT NULL,
    reason              text,
    fee_returned_minor  bigint NOT NULL,
    fee_charged_minor   bigint NOT NULL,
    cost_returned_minor bigint NOT NULL,
    in_transit_minor    bigint NOT NULL CHECK (in_transit_minor >= 0),
    channel_refund_no   text,
    bill_date           integer,
    failure             bytea,
    sandbox_outcome     text,
    contradiction       text,
    job_due_at_us       bigint,
    job_owner           bigint NOT NULL,
    job_fence           bigint NOT NULL,
    job_tries           bigint NOT NULL,
    succeeded_at_us     bigint,
    created_at_us       bigint NOT NULL,
    updated_at_us       bigint NOT NULL,
    sequence            bigint NOT NULL,
    accepted_lines      bytea NOT NULL,
    PRIMARY KEY (shard, id)
) PARTITION BY RANGE (id);
CREATE INDEX refund_payment ON refund (shard, payment);
CREATE INDEX refund_list ON refund (shard, merchant, created_at_us, id);
CREATE INDEX refund_due ON refund (shard, job_due_at_us) WHERE job_due_at_us IS NOT NULL;

CREATE TABLE idempotency (
    shard         smallint NOT NULL,
    merchant      uuid NOT NULL,
    key_hash      uuid NOT NULL,
    fingerprint   uuid NOT NULL,
    nonce_key     uuid,
    nonce         uuid,
    object        uuid,
    refusal       text,
    created_at_us bigint NOT NULL,
    PRIMARY KEY (shard, merchant, key_hash)
);
CREATE UNIQUE INDEX idempotency_nonce ON idempotency (shard, nonce_key, nonce) WHERE nonce IS NOT NULL;

-- Order numbers (noun 1), refund numbers (2) and ids of events that no money command caused (3): never used twice, never
-- partitioned by time, never archived. The hash is of the number; the object has it in full.
CREATE TABLE natural_key (
    shard  smallint NOT NULL,
    noun   smallint NOT NULL,
    owner  uuid     NOT NULL,
    hash   uuid     NOT NULL,
    object uuid     NOT NULL,
    PRIMARY KEY (shard, noun, owner, hash)
);

-- ---------------------------------------------------------------- books

CREATE TABLE journal_tx (
    shard        smallint NOT NULL,
    seq          bigint NOT NULL,
    kind         text NOT NULL,
    source       uuid NOT NULL,
    merchant     uuid NOT NULL,
    posted_at_us bigint NOT NULL,
    booked_on    integer NOT NULL,
    corrects     uuid,
    PRIMARY KEY (shard, seq)
) PARTITION BY RANGE (seq);
CREATE INDEX journal_tx_source ON journal_tx (shard, source);
CREATE INDEX journal_tx_merchant ON journal_tx (shard, merchant, seq);

CREATE TABLE journal_entry (
    shard               smallint NOT NULL,
    seq                 bigint NOT NULL,
    line                integer NOT NULL,
    code                smallint NOT NULL,
    dim                 uuid NOT NULL,
    day                 integer NOT NULL,
    currency            smallint NOT NULL,
    amount_minor        bigint NOT NULL CHECK (amount_minor <> 0),
    category            text NOT NULL,
    merchant            uuid,
    account_seq         bigint,
    balance_after_minor bigint,
    PRIMARY KEY (shard, seq, line)
) PARTITION BY RANGE (seq);

-- One row per commit: settles a COMMIT whose answer was lost.
CREATE TABLE journal_batch (
    shard             smallint NOT NULL,
    batch             uuid NOT NULL,
    first_journal_seq bigint NOT NULL,
    first_event_seq   bigint NOT NULL,
    committed_at_us   bigint NOT NULL,
    PRIMARY KEY (shard, batch)
);

-- Chained balances, in the account's natural sign. last_seq and last_line: where the account's last line stands.
CREATE TABLE balance (
    shard         smallint NOT NULL,
    code          smallint NOT NULL,
    dim           uuid NOT NULL,
    currency      smallint NOT NULL,
    day           integer NOT NULL,
    merchant      uuid NOT NULL,
    amount_minor  bigint NOT NULL,
    floor_minor   bigint NOT NULL,
    account_seq   bigint NOT NULL CHECK (account_seq > 0),
    last_seq      bigint NOT NULL,
    last_line     integer NOT NULL,
    matures_at_us bigint,
    -- 0: a dated account that was emptied after it matured; not read with its merchant any more. A hint only.
    open          smallint NOT NULL CHECK (open IN (0, 1)),
    PRIMARY KEY (shard, code, dim, currency, day),
    CHECK (amount_minor >= floor_minor)
) WITH (fillfactor = 70);
CREATE INDEX balance_merchant ON balance (shard, merchant, open);
CREATE INDEX balance_maturity ON balance (shard, matures_at_us) WHERE matures_at_us IS NOT NULL AND open = 1;

-- Accounts without a floor: debit positive, changed by deltas under the shard head.
CREATE TABLE platform_balance (
    shard        smallint NOT NULL,
    code         smallint NOT NULL,
    dim          uuid NOT NULL,
    currency     smallint NOT NULL,
    day          integer NOT NULL,
    amount_minor bigint NOT NULL,
    PRIMARY KEY (shard, code, dim, currency, day)
) WITH (fillfactor = 50);

CREATE TABLE journal_block (
    shard        smallint NOT NULL,
    number       bigint NOT NULL,
    first_seq    bigint NOT NULL,
    last_seq     bigint NOT NULL,
    line_count   bigint NOT NULL,
    root         bytea NOT NULL,
    chained      bytea NOT NULL,
    leaf_marks   bytea NOT NULL,
    sealed_at_us bigint NOT NULL,
    PRIMARY KEY (shard, number),
    CHECK (last_seq >= first_seq)
);

CREATE TABLE verify_progress (
    shard          smallint NOT NULL PRIMARY KEY,
    verified_block bigint NOT NULL
);

-- ---------------------------------------------------------------- events

-- The d_ columns are the delivery to the first destination; d_due_at_us is NULL when nothing is to be sent.
CREATE TABLE event (
    shard           smallint NOT NULL,
    seq             bigint NOT NULL,
    id              uuid NOT NULL,
    merchant        uuid NOT NULL,
    kind            text NOT NULL,
    object          uuid NOT NULL,
    object_sequence bigint NOT NULL,
    created_at_us   bigint NOT NULL,
    d_endpoint      uuid,
    d_url           text,
    d_status        text,
    d_due_at_us     bigint,
    d_tries         bigint NOT NULL,
    d_fence         bigint NOT NULL,
    -- JSON text; sealed where it holds personal data.
    body            bytea NOT NULL,
    PRIMARY KEY (shard, seq)
) PARTITION BY RANGE (seq);
CREATE INDEX event_id ON event (shard, id);
CREATE INDEX event_merchant ON event (shard, merchant, seq);
CREATE INDEX event_object ON event (shard, object, seq);
CREATE INDEX event_due ON event (shard, d_due_at_us) WHERE d_due_at_us IS NOT NULL;
CREATE INDEX event_failed ON event (shard, merchant, seq) WHERE d_status = 'failed';

-- Destinations after the first.
CREATE TABLE delivery (
    shard     smallint NOT NULL,
    seq       bigint NOT NULL,
    slot      smallint NOT NULL CHECK (slot BETWEEN 1 AND 14),
    merchant  uuid NOT NULL,
    object    uuid NOT NULL,
    endpoint  uuid,
    url       text NOT NULL,
    status    text NOT NULL,
    due_at_us bigint,
    tries     bigint NOT NULL,
    fence     bigint NOT NULL,
    PRIMARY KEY (shard, seq, slot)
) PARTITION BY RANGE (seq);
CREATE INDEX delivery_merchant ON delivery (shard, merchant, seq, slot);
CREATE INDEX delivery_due ON delivery (shard, due_at_us) WHERE due_at_us IS NOT NULL;
CREATE INDEX delivery_object ON delivery (shard, object, seq) WHERE due_at_us IS NOT NULL;

CREATE TABLE delivery_attempt (
    shard      smallint NOT NULL,
    delivery   uuid NOT NULL,
    number     bigint NOT NULL,
    at_us      bigint NOT NULL,
    status     integer,
    latency_ms bigint NOT NULL,
    error      text,
    PRIMARY KEY (shard, delivery, number)
) PARTITION BY RANGE (delivery);

-- ---------------------------------------------------------------- control

-- What init noted: master_key_check.
CREATE TABLE installation (
    name  text COLLATE "C" NOT NULL PRIMARY KEY,
    value text NOT NULL
);

CREATE TABLE control_version (
    id      smallint NOT NULL PRIMARY KEY CHECK (id = 1),
    version bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO control_version (id, version) VALUES (1, 1);

CREATE TABLE merchant (
    id            uuid NOT NULL PRIMARY KEY,
    world         text NOT NULL,
    shard         smallint NOT NULL,
    name          text NOT NULL,
    zone          text NOT NULL,
    maturity_days integer NOT NULL,
    created_at_us bigint NOT NULL,
    -- Sealed.
    default_secret bytea NOT NULL
);

CREATE TABLE api_key (
    id             uuid NOT NULL PRIMARY KEY,
    merchant       uuid NOT NULL,
    name           text NOT NULL,
    bearer_hash    bytea,
    public_key_pem text,
    permissions    bytea NOT NULL,
    ip_allow       bytea NOT NULL,
    expires_at_us  bigint,
    revoked_at_us  bigint,
    created_at_us  bigint NOT NULL,
    sequence       bigint NOT NULL
);
CREATE UNIQUE INDEX api_key_bearer ON api_key (bearer_hash) WHERE bearer_hash IS NOT NULL;

CREATE TABLE price (
    id              uuid NOT NULL PRIMARY KEY,
    merchant        uuid NOT NULL,
    method          text COLLATE "C" NOT NULL,
    currency        smallint NOT NULL,
    version         bigint NOT NULL,
    rate            text NOT NULL,
    fixed_minor     bigint NOT NULL,
    minimum_minor   bigint NOT NULL,
    cap_minor       bigint,
    refund_fee      text NOT NULL,
    effective_at_us bigint NOT NULL
);
CREATE UNIQUE INDEX price_version ON price (merchant, method, currency, version);

CREATE TABLE channel_account (
    id              uuid NOT NULL PRIMARY KEY,
    world           text NOT NULL,
    kind            text NOT NULL,
    method          text NOT NULL,
    rate            text NOT NULL,
    fixed_minor     bigint NOT NULL,
    minimum_minor   bigint NOT NULL,
    cap_minor       bigint,
    enabled         smallint NOT NULL CHECK (enabled IN (0, 1)),
    -- Sealed.
    callback_secret bytea NOT NULL
);

CREATE TABLE endpoint (
    id                  uuid NOT NULL PRIMARY KEY,
    merchant            uuid NOT NULL,
    url                 text COLLATE "C" NOT NULL,
    events              bytea NOT NULL,
    description         text,
    status              text NOT NULL,
    -- Sealed.
    secret              bytea NOT NULL,
    -- Sealed.
    old_secret          bytea,
    old_secret_until_us bigint,
    failing_since_us    bigint,
    failures            bigint NOT NULL,
    created_at_us       bigint NOT NULL,
    updated_at_us       bigint NOT NULL,
    sequence            bigint NOT NULL
);
CREATE UNIQUE INDEX endpoint_url ON endpoint (merchant, url);

CREATE TABLE control_idempotency (
    merchant    uuid NOT NULL,
    key_hash    uuid NOT NULL,
    fingerprint uuid NOT NULL,
    object      uuid NOT NULL,
    PRIMARY KEY (merchant, key_hash)
);

CREATE TABLE control_nonce (
    key   uuid NOT NULL,
    nonce uuid NOT NULL,
    at_us bigint NOT NULL,
    PRIMARY KEY (key, nonce)
);
CREATE INDEX control_nonce_age ON control_nonce (at_us);

-- Callbacks whose reference no row knows. The same one is kept once.
CREATE TABLE channel_notice (
    account   uuid NOT NULL,
    reference text COLLATE "C" NOT NULL,
    digest    bytea NOT NULL,
    at_us     bigint NOT NULL,
    -- Sealed.
    headers   bytea NOT NULL,
    -- Sealed.
    body      bytea NOT NULL,
    PRIMARY KEY (account, reference, digest)
);

-- ---------------------------------------------------------------- default partitions

CREATE TABLE payment_default PARTITION OF payment DEFAULT;
CREATE TABLE attempt_default PARTITION OF attempt DEFAULT;
CREATE TABLE capture_default PARTITION OF capture DEFAULT;
CREATE TABLE refund_default PARTITION OF refund DEFAULT;
CREATE TABLE journal_tx_default PARTITION OF journal_tx DEFAULT;
CREATE TABLE journal_entry_default PARTITION OF journal_entry DEFAULT;
CREATE TABLE event_default PARTITION OF event DEFAULT;
CREATE TABLE delivery_default PARTITION OF delivery DEFAULT;
CREATE TABLE delivery_attempt_default PARTITION OF delivery_attempt DEFAULT;
