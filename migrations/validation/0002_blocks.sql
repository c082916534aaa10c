-- Seats that an administrator holds back. The block is the seat's, beside what tickets report: it outlives a re-issue, and a revoked
-- seat keeps the one it had.
ALTER TABLE seats
    -- Why, by the number that slot lists use; nothing when the seat is not blocked.
    ADD COLUMN blocked smallint,
    -- When it was last decided whether it is: an earlier decision that arrives later changes nothing.
    ADD COLUMN block_decided_at timestamptz,
    ADD CONSTRAINT seats_block_reason CHECK (blocked IN (0, 1, 2, 4, 5)),
    ADD CONSTRAINT seats_block_was_decided CHECK (blocked IS NULL OR block_decided_at IS NOT NULL);
