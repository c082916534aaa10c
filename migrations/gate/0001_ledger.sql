-- What the gate did. `row` is the only truth; the columns beside it repeat what it says, so that facts are found by index, and every
-- start compares them with it.
CREATE TABLE journal (
    sequence   INTEGER PRIMARY KEY CHECK (sequence > 0),
    row        BLOB    NOT NULL,
    -- The chain after this row.
    hash       BLOB    NOT NULL CHECK (length(hash) = 32),
    persons    INTEGER NOT NULL,
    -- Whether the ticket was proved in full, so that its generation counts.
    proved     INTEGER NOT NULL CHECK (proved IN (0, 1)),
    -- Only of verified tickets.
    event      INTEGER,
    slot       INTEGER,
    generation INTEGER,
    -- The ticket's text, in the first row of its seat and generation: what lets validation believe the rows after it.
    ticket     TEXT,
    -- What validation answered; none until it did.
    outcome    TEXT    CHECK (outcome IN ('stored', 'known', 'fork', 'unreadable', 'unproved'))
) STRICT;

CREATE INDEX journal_seats ON journal (event, slot, generation) WHERE slot IS NOT NULL;
CREATE INDEX journal_proved ON journal (event, slot, generation) WHERE proved = 1;
-- Ends in the sequence by itself, which is the row's id.
CREATE INDEX journal_passages ON journal (event, slot) WHERE persons > 0;
CREATE INDEX journal_unsettled ON journal (sequence) WHERE outcome IS NULL;
CREATE INDEX journal_contested ON journal (sequence) WHERE outcome IN ('fork', 'unreadable', 'unproved');

-- The signed documents in force, as they were received. Their signatures are checked again at every start.
CREATE TABLE document (
    kind  TEXT PRIMARY KEY CHECK (kind IN ('trust-bundle', 'assignment', 'event-document', 'slot-list')),
    bytes BLOB NOT NULL
) STRICT;
