-- Nodes that serve this database, by the database's own clock in microseconds. One that is silent for some seconds is gone.
CREATE TABLE node (
    id INTEGER NOT NULL PRIMARY KEY,
    beat_at_us INTEGER NOT NULL
) STRICT;

-- Which node does the background work of a shard: what came due, sealing, statements, webhooks. The fence rises when it changes
-- hands.
CREATE TABLE work_lease (
    shard INTEGER NOT NULL PRIMARY KEY,
    node INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    until_us INTEGER NOT NULL
) STRICT;
