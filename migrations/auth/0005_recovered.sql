-- Issues of seats that auth signed, as its own signatures prove, and whose grant or transfer was lost when the database was restored from a
-- backup: nothing else is signed for them, and they count.
CREATE TABLE recovered_issues (
    event bigint NOT NULL CHECK (event BETWEEN 0 AND 4294967295),
    slot bigint NOT NULL CHECK (slot BETWEEN 0 AND 4294967295),
    generation smallint NOT NULL CHECK (generation BETWEEN 0 AND 255),
    product integer NOT NULL CHECK (product BETWEEN 0 AND 65535),
    places smallint NOT NULL CHECK (places BETWEEN 1 AND 255),
    body bytea NOT NULL CHECK (octet_length(body) IN (35, 68, 108, 141)),
    recovered_at timestamptz NOT NULL,
    PRIMARY KEY (event, slot, generation)
);

-- Counting an event's capacity reads nothing but this.
CREATE INDEX recovered_issues_capacity ON recovered_issues (event, product) INCLUDE (places) WHERE generation = 1;

CREATE TRIGGER recovered_issues_final BEFORE UPDATE OR DELETE ON recovered_issues
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER recovered_issues_kept BEFORE TRUNCATE ON recovered_issues
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
