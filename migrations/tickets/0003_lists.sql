-- A buyer's orders and tickets, the newest first.
CREATE INDEX orders_by_account ON orders (account, created_at DESC, id DESC);

-- In which order tickets were made: what a transfer makes of an old order is new to its recipient.
ALTER TABLE tickets ADD COLUMN position bigint GENERATED ALWAYS AS IDENTITY;
CREATE INDEX tickets_by_account ON tickets (account, position DESC);
