-- What was done about a ticket beside a scan's verdict, repeated as the other columns are.
ALTER TABLE journal ADD COLUMN act TEXT
    CHECK (act IN ('undo', 'actuated', 'overrule', 'claim', 'claimed', 'hold', 'release'));

-- All that bears on what may be done with a seat. Ends in the sequence by itself, which is the row's id.
DROP INDEX journal_passages;
CREATE INDEX journal_history ON journal (event, slot) WHERE persons > 0 OR act IS NOT NULL;
CREATE INDEX journal_holds ON journal (event, slot) WHERE act = 'hold';

-- Admissions of which it is not known yet that people passed: put down with the admission, taken away with whatever tells how it ended.
CREATE TABLE unfinished (
    sequence INTEGER PRIMARY KEY CHECK (sequence > 0),
    -- Whether the agent ended before it was told.
    cut_off  INTEGER NOT NULL DEFAULT 0 CHECK (cut_off IN (0, 1))
) STRICT;

-- Who may overrule this gate. Journal rows have the number; the name never leaves the box.
CREATE TABLE supervisor (
    number INTEGER PRIMARY KEY CHECK (number BETWEEN 1 AND 65535),
    name   TEXT    NOT NULL,
    -- argon2id of the PIN with the gate's salt, so that one computation knows whose it is, and no two have the same. None of somebody who
    -- was removed: rows still have the number.
    pin    BLOB    UNIQUE CHECK (length(pin) = 32)
) STRICT;

CREATE TABLE pin_salt (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    salt BLOB    NOT NULL CHECK (length(salt) = 16)
) STRICT;

-- Wrong PINs in a row, and when the last one was, in milliseconds.
CREATE TABLE wrong_pins (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    run  INTEGER NOT NULL CHECK (run >= 0),
    last INTEGER NOT NULL
) STRICT;
