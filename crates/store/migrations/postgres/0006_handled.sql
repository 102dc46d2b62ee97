-- When a person said that it was dealt with, real time. It stays: a request that comes again must still find it.
ALTER TABLE lost_effect ADD COLUMN handled_at_us bigint;
ALTER TABLE channel_notice ADD COLUMN handled_at_us bigint;
