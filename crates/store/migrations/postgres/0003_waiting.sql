-- What a person must look at, found without reading a table: rows that the channel or a person has the last word on. None of them is
-- touched by a payment that goes well.
CREATE INDEX attempt_unknown ON attempt (shard, created_at_us) WHERE status = 'unknown';
CREATE INDEX payment_held ON payment (shard, updated_at_us) WHERE status = 'processing' AND status_reason = 'amount_mismatch';
CREATE INDEX refund_attention ON refund (shard, updated_at_us) WHERE status = 'requires_attention';
