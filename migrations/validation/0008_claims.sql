-- What gates ask before they admit, and what they were answered.

CREATE TABLE claims (
    gate bigint NOT NULL REFERENCES gates,
    -- What the gate calls its question, however often it asks.
    attempt bytea NOT NULL,
    -- The row of its journal by which it asks. It may come before the question, after it, or never.
    sequence bigint NOT NULL,
    event bigint NOT NULL,
    slot bigint NOT NULL,
    generation smallint NOT NULL,
    asked smallint NOT NULL,
    -- Persons who may enter; none where it was refused.
    granted smallint NOT NULL,
    -- What the gate was told of the others.
    others jsonb NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT claims_once PRIMARY KEY (gate, attempt),
    CONSTRAINT claims_attempt_length CHECK (octet_length(attempt) = 16),
    CONSTRAINT claims_sequence_positive CHECK (sequence > 0),
    CONSTRAINT claims_asked_number CHECK (asked BETWEEN 1 AND 255),
    CONSTRAINT claims_granted_as_asked CHECK (granted BETWEEN 0 AND asked)
);

CREATE INDEX claims_granted ON claims (event, slot) WHERE granted > 0;

-- The claims that a gate's journal has ended, by the row that asked. Kept apart from the claims: the end may be told before the question arrives,
-- and no upload waits for a claim.
CREATE TABLE claim_ends (
    gate bigint NOT NULL REFERENCES gates,
    sequence bigint NOT NULL,
    PRIMARY KEY (gate, sequence)
);

-- With `journal_admissions`, all that believed rows say of a seat.
CREATE INDEX journal_remarks ON journal (event, slot) WHERE believed AND persons = 0 AND slot IS NOT NULL;
