-- What staff hold back at one gate is found as long as nobody has decided about it. Holds in rows from before this column are not found.

ALTER TABLE journal
    -- Whether the row holds its seat back at its gate, or no longer; nothing where it does neither.
    ADD COLUMN held boolean,
    ADD CONSTRAINT journal_held_lets_nobody_in CHECK (held IS NULL OR persons = 0);
