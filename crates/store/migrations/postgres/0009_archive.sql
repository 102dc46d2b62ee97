-- Parquet files that hold the oldest part of a shard's journal, each over whole blocks, without a gap from transaction 1 on. What they
-- hold is proven before it is deleted here; the blocks stay.
CREATE TABLE archive_file (
    shard          smallint NOT NULL,
    first_seq      bigint NOT NULL,
    last_seq       bigint NOT NULL,
    first_block    bigint NOT NULL,
    last_block     bigint NOT NULL,
    name           text NOT NULL,
    lines          bigint NOT NULL,
    size_bytes     bigint NOT NULL,
    sha256         bytea NOT NULL,
    archived_at_us bigint NOT NULL,
    PRIMARY KEY (shard, first_seq),
    CHECK (last_seq >= first_seq AND last_block >= first_block)
);
