-- Partners, certificates of keys, and who asked for a row.

-- Who is above a partner never changes: there is no cycle.
CREATE TABLE partner (
    id            BLOB    NOT NULL PRIMARY KEY,
    parent        BLOB    CHECK (parent <> id),
    name          TEXT    NOT NULL,
    created_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE merchant ADD COLUMN partner BLOB;

-- A key is a merchant's or a partner's.
CREATE TABLE api_key_of_owner (
    id             BLOB    NOT NULL PRIMARY KEY,
    merchant       BLOB,
    partner        BLOB,
    name           TEXT    NOT NULL,
    bearer_hash    BLOB,
    public_key_pem TEXT,
    certificate    BLOB,
    permissions    BLOB    NOT NULL,
    ip_allow       BLOB    NOT NULL,
    expires_at_us  INTEGER,
    revoked_at_us  INTEGER,
    -- Days before the end of the newest notice that the owner was given; 0 for its revocation.
    noticed_days   INTEGER,
    created_by     BLOB,
    changed_by     BLOB,
    created_at_us  INTEGER NOT NULL,
    sequence       INTEGER NOT NULL,
    CHECK ((merchant IS NULL) <> (partner IS NULL))
) STRICT, WITHOUT ROWID;
-- Keys that were revoked before there were notices of it are old news.
INSERT INTO api_key_of_owner (id, merchant, name, bearer_hash, public_key_pem, permissions, ip_allow, expires_at_us,
    revoked_at_us, noticed_days, created_at_us, sequence)
    SELECT id, merchant, name, bearer_hash, public_key_pem, permissions, ip_allow, expires_at_us, revoked_at_us,
    CASE WHEN revoked_at_us IS NULL THEN NULL ELSE 0 END, created_at_us, sequence FROM api_key;
DROP TABLE api_key;
ALTER TABLE api_key_of_owner RENAME TO api_key;
CREATE UNIQUE INDEX api_key_bearer ON api_key (bearer_hash) WHERE bearer_hash IS NOT NULL;

ALTER TABLE endpoint ADD COLUMN created_by BLOB;
ALTER TABLE endpoint ADD COLUMN changed_by BLOB;

-- The key whose request made the row. A payment's stands in its details.
ALTER TABLE payment ADD COLUMN ended_by BLOB;
ALTER TABLE attempt ADD COLUMN acting_key BLOB;
ALTER TABLE capture ADD COLUMN acting_key BLOB;
ALTER TABLE refund ADD COLUMN acting_key BLOB;
