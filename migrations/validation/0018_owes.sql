-- A validation that was restored from a backup has forgotten whom gates let in since, until each has told again.
ALTER TABLE gates
    -- Up to which row of its journal the gate has that to do; nothing where it has not. As long as it has not said how far its journal goes, the
    -- last number that a row can have.
    ADD COLUMN owes bigint,
    ADD CONSTRAINT gates_owe_rows CHECK (owes > 0);
