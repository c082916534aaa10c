-- Each kind has workers of its own: what waits of one kind must not be read past by those of another.
DROP INDEX outbox_due;
CREATE INDEX outbox_due ON outbox (kind, next_at, id) WHERE done_at IS NULL;
