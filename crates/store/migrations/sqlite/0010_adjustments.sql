-- Money that one merchant gives to another, to correct what was booked. In the giver's shard; few, so never partitioned, and never
-- archived.
CREATE TABLE adjustment (
    shard         INTEGER NOT NULL,
    id            BLOB    NOT NULL,
    merchant      BLOB    NOT NULL,
    receiver      BLOB    NOT NULL,
    amount_minor  INTEGER NOT NULL CHECK (amount_minor > 0),
    currency      INTEGER NOT NULL,
    corrects      TEXT    NOT NULL,
    reason        TEXT    NOT NULL,
    proposed_by   TEXT    NOT NULL,
    decided_by    TEXT,
    status        TEXT    NOT NULL,
    job_due_at_us INTEGER,
    job_owner     INTEGER NOT NULL,
    job_fence     INTEGER NOT NULL,
    job_tries     INTEGER NOT NULL,
    created_at_us INTEGER NOT NULL,
    updated_at_us INTEGER NOT NULL,
    sequence      INTEGER NOT NULL,
    PRIMARY KEY (shard, id),
    CHECK (merchant <> receiver),
    CHECK (decided_by <> proposed_by),
    CHECK ((decided_by IS NULL) = (status = 'proposed'))
) STRICT, WITHOUT ROWID;
CREATE INDEX adjustment_open ON adjustment (shard, id) WHERE status IN ('proposed', 'in_transit');
CREATE INDEX adjustment_due ON adjustment (shard, job_due_at_us) WHERE job_due_at_us IS NOT NULL;

-- The receiver's half of an adjustment, in the receiver's shard: what was booked once is booked no second time.
CREATE TABLE arrival (
    shard         INTEGER NOT NULL,
    adjustment    BLOB    NOT NULL,
    merchant      BLOB    NOT NULL,
    amount_minor  INTEGER NOT NULL CHECK (amount_minor > 0),
    currency      INTEGER NOT NULL,
    arrived_at_us INTEGER NOT NULL,
    PRIMARY KEY (shard, adjustment)
) STRICT, WITHOUT ROWID;
