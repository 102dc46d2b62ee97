-- Partners, certificates of keys, and who asked for a row.

-- Who is above a partner never changes: there is no cycle.
CREATE TABLE partner (
    id            uuid NOT NULL PRIMARY KEY,
    parent        uuid CHECK (parent <> id),
    name          text NOT NULL,
    created_at_us bigint NOT NULL
);

ALTER TABLE merchant ADD COLUMN partner uuid;

-- A key is a merchant's or a partner's.
CREATE TABLE api_key_of_owner (
    id             uuid NOT NULL PRIMARY KEY,
    merchant       uuid,
    partner        uuid,
    name           text NOT NULL,
    bearer_hash    bytea,
    public_key_pem text,
    certificate    bytea,
    permissions    bytea NOT NULL,
    ip_allow       bytea NOT NULL,
    expires_at_us  bigint,
    revoked_at_us  bigint,
    -- Days before the end of the newest notice that the owner was given; 0 for its revocation.
    noticed_days   integer,
    created_by     uuid,
    changed_by     uuid,
    created_at_us  bigint NOT NULL,
    sequence       bigint NOT NULL,
    CHECK ((merchant IS NULL) <> (partner IS NULL))
);
-- Keys that were revoked before there were notices of it are old news.
INSERT INTO api_key_of_owner (id, merchant, name, bearer_hash, public_key_pem, permissions, ip_allow, expires_at_us,
    revoked_at_us, noticed_days, created_at_us, sequence)
    SELECT id, merchant, name, bearer_hash, public_key_pem, permissions, ip_allow, expires_at_us, revoked_at_us,
    CASE WHEN revoked_at_us IS NULL THEN NULL ELSE 0 END, created_at_us, sequence FROM api_key;
DROP TABLE api_key;
ALTER TABLE api_key_of_owner RENAME TO api_key;
CREATE UNIQUE INDEX api_key_bearer ON api_key (bearer_hash) WHERE bearer_hash IS NOT NULL;

ALTER TABLE endpoint ADD COLUMN created_by uuid;
ALTER TABLE endpoint ADD COLUMN changed_by uuid;

-- The key whose request made the row. A payment's stands in its details.
ALTER TABLE payment ADD COLUMN ended_by uuid;
ALTER TABLE attempt ADD COLUMN acting_key uuid;
ALTER TABLE capture ADD COLUMN acting_key uuid;
ALTER TABLE refund ADD COLUMN acting_key uuid;
