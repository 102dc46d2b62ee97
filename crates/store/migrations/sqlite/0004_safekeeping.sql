-- Secrets of the installation itself, such as what salts the journal's leaves. They were derived from the first version of the
-- master key and outlive it.
CREATE TABLE installation_secret (
    name  TEXT NOT NULL PRIMARY KEY,
    -- Sealed.
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- What a channel did and these books do not know, because it was done after the backup that they were restored from.
CREATE TABLE lost_effect (
    account      BLOB    NOT NULL,
    -- Our number at the channel: an attempt's, a capture's or a refund's id.
    number       BLOB    NOT NULL,
    kind         TEXT    NOT NULL,
    -- The attempt that it hangs under; of a payment, its own number.
    trade        BLOB    NOT NULL,
    status       TEXT    NOT NULL,
    channel_no   TEXT    NOT NULL,
    amount_minor INTEGER NOT NULL,
    currency     INTEGER NOT NULL,
    at_us        INTEGER NOT NULL,
    found_at_us  INTEGER NOT NULL,
    PRIMARY KEY (account, number)
) STRICT, WITHOUT ROWID;
