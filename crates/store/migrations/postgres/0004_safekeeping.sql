-- Secrets of the installation itself, such as what salts the journal's leaves. They were derived from the first version of the
-- master key and outlive it.
CREATE TABLE installation_secret (
    name  text COLLATE "C" NOT NULL PRIMARY KEY,
    -- Sealed.
    value bytea NOT NULL
);

-- What a channel did and these books do not know, because it was done after the backup that they were restored from.
CREATE TABLE lost_effect (
    account      uuid NOT NULL,
    -- Our number at the channel: an attempt's, a capture's or a refund's id.
    number       uuid NOT NULL,
    kind         text NOT NULL,
    -- The attempt that it hangs under; of a payment, its own number.
    trade        uuid NOT NULL,
    status       text NOT NULL,
    channel_no   text NOT NULL,
    amount_minor bigint NOT NULL,
    currency     smallint NOT NULL,
    at_us        bigint NOT NULL,
    found_at_us  bigint NOT NULL,
    PRIMARY KEY (account, number)
);
