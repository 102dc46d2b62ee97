-- A merchant's business day, formed once. Rows are inserted and never changed.
CREATE TABLE statement (
    shard          smallint NOT NULL,
    merchant       uuid NOT NULL,
    day            integer NOT NULL,
    kind           text COLLATE "C" NOT NULL,
    id             uuid NOT NULL,
    zone           text NOT NULL,
    starts_at_us   bigint NOT NULL,
    ends_at_us     bigint NOT NULL,
    offset_s       integer NOT NULL,
    shift_at_us    bigint,
    shift_offset_s integer,
    schema         smallint NOT NULL,
    after_seq      bigint NOT NULL,
    last_seq       bigint NOT NULL,
    line_count     bigint NOT NULL,
    totals         text NOT NULL,
    sha256         bytea NOT NULL,
    root           bytea,
    first_block    bigint,
    last_block     bigint,
    created_at_us  bigint NOT NULL,
    PRIMARY KEY (shard, merchant, day, kind),
    CHECK (last_seq >= after_seq),
    CHECK ((root IS NULL) = (last_seq = after_seq))
);
CREATE UNIQUE INDEX statement_id ON statement (shard, id);
CREATE INDEX statement_list ON statement (shard, merchant, created_at_us, id);

-- When a merchant's next day is looked at, by its own business time: a job a merchant, one row for all its days.
CREATE TABLE statement_due (
    shard     smallint NOT NULL,
    merchant  uuid NOT NULL,
    due_at_us bigint NOT NULL,
    PRIMARY KEY (shard, merchant)
);
CREATE INDEX statement_due_at ON statement_due (shard, due_at_us);
INSERT INTO statement_due (shard, merchant, due_at_us) SELECT shard, id, created_at_us FROM merchant;

-- Which block holds a transaction.
CREATE UNIQUE INDEX journal_block_last_seq ON journal_block (shard, last_seq);
