-- A claim is ended by its question and its seat, by a proved row. The number of a row alone, which is anybody's guess, ended whatever was asked
-- by it later.

CREATE TABLE claims_ended (
    gate bigint NOT NULL REFERENCES gates,
    -- As the row that asked has it. Its end may be told before the question arrives.
    attempt bytea NOT NULL,
    event bigint NOT NULL,
    slot bigint NOT NULL,
    generation smallint NOT NULL,
    PRIMARY KEY (gate, attempt, event, slot, generation),
    CONSTRAINT claims_ended_attempt_length CHECK (octet_length(attempt) = 16)
);

INSERT INTO claims_ended (gate, attempt, event, slot, generation)
SELECT gate, attempt, event, slot, generation FROM claims JOIN claim_ends USING (gate, sequence);

DROP TABLE claim_ends;
