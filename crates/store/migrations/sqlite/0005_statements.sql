-- A merchant's business day, formed once. Rows are inserted and never changed.
CREATE TABLE statement (
    shard          INTEGER NOT NULL,
    merchant       BLOB    NOT NULL,
    day            INTEGER NOT NULL,
    kind           TEXT    NOT NULL,
    id             BLOB    NOT NULL,
    zone           TEXT    NOT NULL,
    starts_at_us   INTEGER NOT NULL,
    ends_at_us     INTEGER NOT NULL,
    offset_s       INTEGER NOT NULL,
    shift_at_us    INTEGER,
    shift_offset_s INTEGER,
    schema         INTEGER NOT NULL,
    after_seq      INTEGER NOT NULL,
    last_seq       INTEGER NOT NULL,
    line_count     INTEGER NOT NULL,
    totals         TEXT    NOT NULL,
    sha256         BLOB    NOT NULL,
    root           BLOB,
    first_block    INTEGER,
    last_block     INTEGER,
    created_at_us  INTEGER NOT NULL,
    PRIMARY KEY (shard, merchant, day, kind),
    CHECK (last_seq >= after_seq),
    CHECK ((root IS NULL) = (last_seq = after_seq))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX statement_id ON statement (shard, id);
CREATE INDEX statement_list ON statement (shard, merchant, created_at_us, id);

-- When a merchant's next day is looked at, by its own business time: a job a merchant, one row for all its days.
CREATE TABLE statement_due (
    shard     INTEGER NOT NULL,
    merchant  BLOB    NOT NULL,
    due_at_us INTEGER NOT NULL,
    PRIMARY KEY (shard, merchant)
) STRICT, WITHOUT ROWID;
CREATE INDEX statement_due_at ON statement_due (shard, due_at_us);
INSERT INTO statement_due (shard, merchant, due_at_us) SELECT shard, id, created_at_us FROM merchant;

-- Which block holds a transaction.
CREATE UNIQUE INDEX journal_block_last_seq ON journal_block (shard, last_seq);
