-- Which version of the master key new values of a shard are sealed with. Every commit names it where it takes its numbers:
-- one that went out is refused, whatever its process knew.
ALTER TABLE shard_head ADD COLUMN key_version INTEGER NOT NULL DEFAULT 1;
UPDATE shard_head SET key_version = COALESCE(
    (SELECT CAST(substr(value, 1, instr(value, ':') - 1) AS INTEGER) FROM installation WHERE name = 'master_key_check_next'),
    (SELECT CAST(substr(value, 1, instr(value, ':') - 1) AS INTEGER) FROM installation WHERE name = 'master_key_check'),
    1);
