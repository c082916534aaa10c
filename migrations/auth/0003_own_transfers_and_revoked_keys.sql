-- Whoever lost the device that holds a ticket accepts their own offer with another.
ALTER TABLE transfers DROP CONSTRAINT transfers_check;

-- Bodies signed in place of those that name a revoked key, which no gate believes. What was written down before stays on the record.
CREATE TABLE reauthorisations (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event bigint NOT NULL,
    slot bigint NOT NULL,
    generation smallint NOT NULL,
    body bytea NOT NULL CHECK (octet_length(body) IN (35, 68, 108, 141)),
    authorised_at timestamptz NOT NULL,
    FOREIGN KEY (event, slot, generation) REFERENCES authorisations
);

CREATE INDEX reauthorisations_seat ON reauthorisations (event, slot, generation, position DESC);

CREATE TRIGGER reauthorisations_final BEFORE UPDATE OR DELETE ON reauthorisations
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER reauthorisations_kept BEFORE TRUNCATE ON reauthorisations
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Each issue with the body that counts.
CREATE VIEW issues AS
SELECT event, slot, generation, order_id, transfer,
       coalesce((SELECT again.body FROM reauthorisations AS again
                 WHERE (again.event, again.slot, again.generation)
                     = (first.event, first.slot, first.generation)
                 ORDER BY again.position DESC LIMIT 1), first.body) AS body
FROM authorisations AS first;
