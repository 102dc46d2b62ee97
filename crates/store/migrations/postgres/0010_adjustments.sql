-- Money that one merchant gives to another, to correct what was booked. In the giver's shard; few, so never partitioned, and never
-- archived. A row that is in transit is the job of booking the receiver's half: it calls nobody, so it needs no owner and no fence.
CREATE TABLE adjustment (
    shard         smallint NOT NULL,
    id            uuid NOT NULL,
    merchant      uuid NOT NULL,
    receiver      uuid NOT NULL,
    amount_minor  bigint NOT NULL CHECK (amount_minor > 0),
    currency      smallint NOT NULL,
    corrects      uuid NOT NULL,
    details       bytea NOT NULL,
    proposed_by   text NOT NULL,
    decided_by    text,
    status        text NOT NULL,
    due_at_us     bigint,
    created_at_us bigint NOT NULL,
    updated_at_us bigint NOT NULL,
    sequence      bigint NOT NULL,
    PRIMARY KEY (shard, id),
    CHECK (merchant <> receiver),
    CHECK (decided_by <> proposed_by OR status = 'rejected'),
    CHECK ((decided_by IS NULL) = (status = 'proposed')),
    CHECK ((due_at_us IS NULL) = (status <> 'in_transit'))
);
CREATE INDEX adjustment_open ON adjustment (shard, id) WHERE status IN ('proposed', 'in_transit');
CREATE INDEX adjustment_corrects ON adjustment (shard, corrects);
CREATE INDEX adjustment_due ON adjustment (shard, due_at_us) WHERE due_at_us IS NOT NULL;

-- The receiver's half of an adjustment, in the receiver's shard: what was booked once is booked no second time.
CREATE TABLE arrival (
    shard         smallint NOT NULL,
    adjustment    uuid NOT NULL,
    merchant      uuid NOT NULL,
    amount_minor  bigint NOT NULL CHECK (amount_minor > 0),
    currency      smallint NOT NULL,
    arrived_at_us bigint NOT NULL,
    PRIMARY KEY (shard, adjustment)
);
