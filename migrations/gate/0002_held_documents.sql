-- What the gate holds of signed documents: each envelope as it was received, to be given on, and what followed from taking it.
CREATE TABLE held_document (
    kind     TEXT    NOT NULL
             CHECK (kind IN ('trust-bundle', 'assignment', 'event-document', 'slot-list', 'slot-delta', 'head')),
    -- Of a slot delta the sequence that it leads to; 0 for every other, of which one is held.
    sequence INTEGER NOT NULL CHECK (sequence >= 0),
    envelope BLOB    NOT NULL,
    -- What a restart has in force again, whether or not those who signed it are still believed. None for a delta, which is taken again,
    -- and for what was stored before there were records.
    record   BLOB,
    -- The content hash that a slot list's record has.
    content  BLOB    CHECK (length(content) = 32),
    PRIMARY KEY (kind, sequence)
) STRICT;

INSERT INTO held_document (kind, sequence, envelope) SELECT kind, 0, bytes FROM document;
DROP TABLE document;

-- The instant, in milliseconds, that has surely passed: below it no clock is believed.
CREATE TABLE clock_floor (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    floor INTEGER NOT NULL CHECK (floor >= 0)
) STRICT;
