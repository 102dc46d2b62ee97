-- Money that one merchant gives to another, to correct what was booked. In the giver's shard; few, so never partitioned, and never
-- archived. A row that is in transit is the job of booking the receiver's half: it calls nobody, so it needs no owner and no fence.
CREATE TABLE adjustment (
    shard         INTEGER NOT NULL,
    id            BLOB    NOT NULL,
    merchant      BLOB    NOT NULL,
    receiver      BLOB    NOT NULL,
    amount_minor  INTEGER NOT NULL CHECK (amount_minor > 0),
    currency      INTEGER NOT NULL,
    corrects      BLOB    NOT NULL,
    details       BLOB    NOT NULL,
    proposed_by   TEXT    NOT NULL,
    decided_by    TEXT,
    status        TEXT    NOT NULL,
    due_at_us     INTEGER,
    created_at_us INTEGER NOT NULL,
    updated_at_us INTEGER NOT NULL,
    sequence      INTEGER NOT NULL,
    PRIMARY KEY (shard, id),
    CHECK (merchant <> receiver),
    CHECK (decided_by <> proposed_by OR status = 'rejected'),
    CHECK ((decided_by IS NULL) = (status = 'proposed')),
    CHECK ((due_at_us IS NULL) = (status <> 'in_transit'))
) STRICT, WITHOUT ROWID;
CREATE INDEX adjustment_open ON adjustment (shard, id) WHERE status IN ('proposed', 'in_transit');
CREATE INDEX adjustment_corrects ON adjustment (shard, corrects);
CREATE INDEX adjustment_due ON adjustment (shard, due_at_us) WHERE due_at_us IS NOT NULL;

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
