-- For forgetting what was done long ago.
CREATE INDEX outbox_done ON outbox (done_at) WHERE done_at IS NOT NULL;
