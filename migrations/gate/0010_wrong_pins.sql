-- Wrong PINs count where they were entered, so that nobody elsewhere waits for them.
CREATE TABLE wrong (
    -- 0 is the box itself, any other number a tablet's.
    desk  INTEGER PRIMARY KEY CHECK (desk >= 0),
    -- How many that are not forgotten, and when the last one was, in milliseconds.
    wrong INTEGER NOT NULL CHECK (wrong >= 0),
    last  INTEGER NOT NULL
) STRICT;

INSERT INTO wrong SELECT 0, run, last FROM wrong_pins;
DROP TABLE wrong_pins;
ALTER TABLE wrong RENAME TO wrong_pins;
