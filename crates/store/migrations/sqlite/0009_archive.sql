-- Parquet files that hold the oldest part of a shard's journal, each over whole blocks, without a gap from transaction 1 on. What they
-- hold is proven before it is deleted here; the blocks stay.
CREATE TABLE archive_file (
    shard INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    first_block INTEGER NOT NULL,
    last_block INTEGER NOT NULL,
    name TEXT NOT NULL,
    lines INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    archived_at_us INTEGER NOT NULL,
    PRIMARY KEY (shard, first_seq),
    CHECK (last_seq >= first_seq AND last_block >= first_block)
) STRICT, WITHOUT ROWID;
