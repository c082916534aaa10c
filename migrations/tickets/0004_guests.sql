-- When an issue became its owner's: the order in which gates read the guest list. Those of before became so when their order was issued, or
-- when they replaced the issue before.
ALTER TABLE tickets ADD COLUMN issued_at timestamptz;
UPDATE tickets SET issued_at = orders.ended_at
FROM orders WHERE orders.id = tickets.order_id AND orders.state = 'issued' AND tickets.transfer IS NULL;
UPDATE tickets SET issued_at = replaced.transferred_at
FROM tickets AS replaced
WHERE tickets.transfer IS NOT NULL AND tickets.authority_signature IS NOT NULL
  AND replaced.event = tickets.event AND replaced.slot = tickets.slot AND replaced.generation = tickets.generation - 1;

-- Guests have names: sealed, live and sealed.
CREATE INDEX tickets_guests ON tickets (event, issued_at, slot, generation) WHERE octet_length(body) IN (108, 141);
