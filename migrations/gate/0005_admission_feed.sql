-- The admission feed is held beside the other documents: its snapshot, and the batches since.
CREATE TABLE held (
    kind     TEXT    NOT NULL
             CHECK (kind IN ('trust-bundle', 'assignment', 'event-document', 'slot-list', 'slot-delta', 'admission-feed',
                             'feed-batch', 'head')),
    -- Of a slot delta or a batch the sequence that it leads to; 0 for every other, of which one is held.
    sequence INTEGER NOT NULL CHECK (sequence >= 0),
    envelope BLOB    NOT NULL,
    -- What a restart has in force again, whether or not those who signed it are still believed. None for a step, which is taken again,
    -- and for what was stored before there were records.
    record   BLOB,
    -- The content hash that a slot list's record has.
    content  BLOB    CHECK (length(content) = 32),
    PRIMARY KEY (kind, sequence)
) STRICT;

INSERT INTO held SELECT * FROM held_document;
DROP TABLE held_document;
ALTER TABLE held RENAME TO held_document;
