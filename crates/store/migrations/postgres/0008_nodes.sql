-- Nodes that serve this database, by the database's own clock in microseconds. One that is silent for some seconds is gone.
CREATE TABLE node (
    id bigint NOT NULL PRIMARY KEY,
    beat_at_us bigint NOT NULL
) WITH (fillfactor = 50);

-- Which node does the background work of a shard: what came due, sealing, statements, webhooks. The fence rises when it changes
-- hands.
CREATE TABLE work_lease (
    shard smallint NOT NULL PRIMARY KEY,
    node bigint NOT NULL,
    fence bigint NOT NULL,
    until_us bigint NOT NULL
) WITH (fillfactor = 50);
