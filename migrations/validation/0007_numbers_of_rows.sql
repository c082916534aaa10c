-- Rows are numbered up to 2^53 - 1, and every number of a row that is stored has a next. One beyond it stands in no journal: what was taken
-- before there was a bound is kept aside as it came, and what followed from it is looked at again.

INSERT INTO finding_marks (event, slot)
SELECT DISTINCT event, slot FROM journal WHERE sequence > 9007199254740991 AND believed AND slot IS NOT NULL;

INSERT INTO finding_marks (event, gate, first, last)
SELECT gates.event, gate, max(sequence), max(sequence) FROM journal JOIN gates USING (gate)
WHERE sequence > 9007199254740991 GROUP BY gates.event, gate;

WITH contested AS (
    UPDATE gates SET contested = true
    WHERE gate IN (SELECT gate FROM journal WHERE sequence > 9007199254740991) RETURNING event, gate
)
INSERT INTO feed_changes (event, gate, sequences, at) SELECT event, gate, '{}', now() FROM contested;

WITH beyond AS (
    DELETE FROM journal WHERE sequence > 9007199254740991 RETURNING gate, sequence, row, received_at
)
INSERT INTO journal_aside (gate, sequence, row, reason, detail, believed, received_at)
SELECT gate, sequence, row, 'unreadable', 'no journal counts so far', false, received_at FROM beyond
ON CONFLICT ON CONSTRAINT journal_aside_once DO NOTHING;

ALTER TABLE journal ADD CONSTRAINT journal_sequence_has_a_next CHECK (sequence <= 9007199254740991);

-- What could not be settled rests until then, and what was marked with it does not.
ALTER TABLE finding_marks ADD COLUMN rests_until timestamptz;
