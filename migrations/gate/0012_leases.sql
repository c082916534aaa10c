-- Until when this gate may serve each event that it was ever assigned, as far as it was told: before that the seats it let in are not forgotten, though
-- it serves another event meanwhile.
CREATE TABLE leases (
    event INTEGER PRIMARY KEY,
    -- Milliseconds.
    until INTEGER NOT NULL
) STRICT;
