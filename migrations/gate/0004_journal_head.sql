-- How far the journal goes, apart from its rows: a tail that is cut off, or lost with a damaged page, is missed.
CREATE TABLE journal_head (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    -- The last row; none once it is known that rows are missing which this gate wrote. Then no row follows.
    sequence INTEGER CHECK (sequence >= 0)
) STRICT;

INSERT INTO journal_head (id, sequence) SELECT 1, coalesce(max(sequence), 0) FROM journal;
