-- What settling finds, what people decide about it, and which rows it has still to look at.

-- When validation was told. What it was told when nobody wrote that down, it was told now.
ALTER TABLE seats
    ADD COLUMN generation_told_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN revoked_at timestamptz;
UPDATE seats SET revoked_at = generation_told_at WHERE revoked;
ALTER TABLE seats
    ALTER COLUMN generation_told_at DROP DEFAULT,
    ADD CONSTRAINT seats_revoked_at_an_instant CHECK (revoked = (revoked_at IS NOT NULL));

ALTER TABLE journal
    -- Of which kind the seat's ticket is, by the proof that the gate brought; not known of rows from before this column.
    ADD COLUMN product integer,
    -- The admission that the row takes back.
    ADD COLUMN undoes bigint,
    -- What it says of the time is to be held against the rows beside it.
    ADD COLUMN clock_doubtful boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT journal_product_number CHECK (product BETWEEN 0 AND 65535),
    ADD CONSTRAINT journal_undoes_an_earlier_row CHECK (undoes BETWEEN 1 AND sequence - 1);
ALTER TABLE journal ALTER COLUMN clock_doubtful DROP DEFAULT;

CREATE INDEX journal_undone ON journal (gate, undoes) WHERE believed AND undoes IS NOT NULL;
CREATE INDEX journal_breaks ON journal (gate, sequence) WHERE after_gap;
CREATE INDEX journal_clocks ON journal (gate, sequence) WHERE clock_doubtful;

-- A fork tells of a seat, too, and is believed as far as its ticket proves it.
ALTER TABLE journal_aside
    ADD COLUMN event bigint,
    ADD COLUMN slot bigint,
    ADD COLUMN generation smallint,
    ADD COLUMN ticket bytea,
    ADD COLUMN proved_places smallint,
    ADD COLUMN product integer,
    ADD COLUMN believed boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT journal_aside_seat_whole CHECK (num_nulls(event, slot, generation) IN (0, 3)),
    ADD CONSTRAINT journal_aside_ticket_length CHECK (octet_length(ticket) <= 1024),
    ADD CONSTRAINT journal_aside_proof_is_kept
        CHECK (proved_places IS NULL OR (ticket IS NOT NULL AND slot IS NOT NULL));
ALTER TABLE journal_aside ALTER COLUMN believed DROP DEFAULT;

CREATE INDEX journal_aside_of_seat ON journal_aside (event, slot) WHERE believed AND slot IS NOT NULL;
CREATE INDEX journal_aside_proofs ON journal_aside (gate, event, slot, generation) WHERE proved_places IS NOT NULL;

-- Who passed, as gates count: what was taken back counts for nothing, at the instant of its entry and not of its end.
CREATE VIEW passages AS
SELECT gate, sequence, event, slot, journal.at, journal.proved_places, journal.product,
       CASE WHEN undone.gate IS NULL THEN journal.passed ELSE 0::smallint END AS passed
FROM journal
LEFT JOIN (
    SELECT DISTINCT gate, undoes AS sequence, event, slot FROM journal WHERE believed AND undoes IS NOT NULL
) AS undone USING (gate, sequence, event, slot)
WHERE journal.believed AND slot IS NOT NULL;

-- What is to be looked at: rows of a gate that arrived, or a seat of which tickets said something. Rows rather than a mark on the seat:
-- uploads do not wait for each other, and what commits while findings are made stays for the next time.
CREATE TABLE finding_marks (
    mark bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event bigint NOT NULL,
    slot bigint,
    gate bigint,
    first bigint,
    last bigint,
    CONSTRAINT finding_marks_seat_or_rows
        CHECK (num_nonnulls(slot, gate) = 1 AND num_nonnulls(gate, first, last) IN (0, 3))
);

CREATE INDEX finding_marks_of_event ON finding_marks (event, mark);

INSERT INTO finding_marks (event, gate, first, last)
SELECT gates.event, journal.gate, min(sequence), max(sequence)
FROM journal JOIN gates USING (gate)
GROUP BY gates.event, journal.gate, sequence / 1000
ORDER BY gates.event, journal.gate, min(sequence);

-- One for each seat and rule, and for each gate, rule and place.
CREATE TABLE findings (
    finding bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event bigint NOT NULL,
    rule text NOT NULL,
    slot bigint,
    gate bigint REFERENCES gates,
    -- The number of the row that marks the place in the gate's journal.
    place bigint,
    found_at timestamptz NOT NULL,
    grown_at timestamptz NOT NULL,
    -- How often it has grown.
    revision bigint NOT NULL,
    evidence jsonb NOT NULL,
    -- Whether it is found today; what was uploaded since may explain it.
    stands boolean NOT NULL,
    -- The state of its last step.
    state text NOT NULL,
    CONSTRAINT findings_once UNIQUE NULLS NOT DISTINCT (event, rule, slot, gate, place),
    CONSTRAINT findings_seat_or_gate CHECK (num_nonnulls(slot, gate) = 1 AND (place IS NULL OR gate IS NOT NULL)),
    CONSTRAINT findings_state CHECK (state IN ('open', 'acknowledged', 'resolved')),
    CONSTRAINT findings_revision_number CHECK (revision BETWEEN 1 AND 4294967295)
);

CREATE INDEX findings_of_event ON findings (event, finding);
CREATE INDEX findings_of_seat ON findings (event, slot) WHERE slot IS NOT NULL;
CREATE INDEX findings_of_gate ON findings (gate) WHERE gate IS NOT NULL;

-- How each finding came to its state, by whom and why.
CREATE TABLE finding_steps (
    step bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    finding bigint NOT NULL REFERENCES findings,
    state text NOT NULL,
    at timestamptz NOT NULL,
    -- Nobody, where settling itself found, explained or found it again.
    account uuid,
    why text NOT NULL,
    CONSTRAINT finding_steps_state CHECK (state IN ('open', 'acknowledged', 'resolved')),
    CONSTRAINT finding_steps_why CHECK (char_length(why) BETWEEN 1 AND 500)
);

CREATE INDEX finding_steps_of_finding ON finding_steps (finding, step);

CREATE FUNCTION finding_steps_only_grow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the steps of findings only grow: % is refused', TG_OP USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER finding_steps_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON finding_steps
    FOR EACH STATEMENT EXECUTE FUNCTION finding_steps_only_grow();
