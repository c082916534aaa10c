-- Where the journal begins when its first rows were pruned: the last of them, and the chain after it. Rows go on from there.
CREATE TABLE journal_anchor (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    sequence INTEGER NOT NULL CHECK (sequence > 0),
    hash     BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

-- Texts that validation has, and that go when names have to.
CREATE INDEX journal_texts ON journal (sequence) WHERE ticket IS NOT NULL AND outcome IN ('stored', 'known');
