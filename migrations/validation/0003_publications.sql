-- Slot lists as snapshots and the steps between them, heads, trust bundles, suspended gates, people who leave.

-- Raised when the database was restored from a backup: gates that hold later lists of the epoch before take the new ones. Lists that
-- were published whole, before there were steps, belong to the epoch before this one.
CREATE TABLE slot_list_epoch (
    epoch bigint NOT NULL,
    one boolean PRIMARY KEY DEFAULT true,
    CONSTRAINT slot_list_epoch_number CHECK (epoch BETWEEN 0 AND 4294967295),
    CONSTRAINT slot_list_epoch_is_one CHECK (one)
);

INSERT INTO slot_list_epoch (epoch) SELECT CASE WHEN EXISTS (SELECT FROM slot_lists) THEN 1 ELSE 0 END;

-- Only the last hundred whole lists were kept, and nobody reads them any more.
DROP TABLE slot_lists;

-- What was published of an event's seats, as signed and served. A row is never changed: what is said of a revision stays.
CREATE TABLE slot_publications (
    event bigint NOT NULL,
    epoch bigint NOT NULL,
    sequence bigint NOT NULL,
    issued_at timestamptz NOT NULL,
    -- What names all that the list says at this revision.
    content bytea NOT NULL,
    -- The step from the revision before.
    delta bytea,
    -- All of it.
    snapshot bytea,
    PRIMARY KEY (event, epoch, sequence),
    CONSTRAINT slot_publications_epoch_number CHECK (epoch BETWEEN 0 AND 4294967295),
    CONSTRAINT slot_publications_sequence_positive CHECK (sequence > 0),
    CONSTRAINT slot_publications_content_length CHECK (octet_length(content) = 32),
    CONSTRAINT slot_publications_say_something CHECK (num_nonnulls(delta, snapshot) > 0)
);

CREATE INDEX slot_publications_snapshots ON slot_publications (event, epoch, sequence) WHERE snapshot IS NOT NULL;

-- Which seat has changed, so that a publisher reads no other. A mark that named none stands for all seats of its event.
ALTER TABLE seat_changes ADD COLUMN slot bigint;

INSERT INTO seat_changes (event, slot)
SELECT seats.event, seats.slot FROM seats WHERE seats.event IN (SELECT event FROM seat_changes);

DELETE FROM seat_changes WHERE slot IS NULL;

ALTER TABLE seat_changes ALTER COLUMN slot SET NOT NULL;

DROP INDEX seat_changes_of_event;
CREATE INDEX seat_changes_of_event ON seat_changes (event, change);

-- The newest head of each gate, as signed and served.
CREATE TABLE heads (
    gate bigint PRIMARY KEY REFERENCES gates,
    bytes bytea NOT NULL
);

-- The trust bundles that this service was started with: how a gate follows from root to root.
CREATE TABLE trust_bundles (
    version bigint PRIMARY KEY,
    hash bytea NOT NULL,
    -- The fingerprint of the roots that it names.
    roots bytea NOT NULL,
    bytes bytea NOT NULL,
    CONSTRAINT trust_bundles_version_number CHECK (version BETWEEN 0 AND 4294967295),
    CONSTRAINT trust_bundles_hash_length CHECK (octet_length(hash) = 32),
    CONSTRAINT trust_bundles_roots_length CHECK (octet_length(roots) = 32),
    CONSTRAINT trust_bundles_hash UNIQUE (hash)
);

ALTER TABLE gates
    -- Whether the gate is to admit nobody for now.
    ADD COLUMN suspended boolean NOT NULL DEFAULT false,
    -- When that was last decided: an earlier decision that arrives later changes nothing.
    ADD COLUMN suspension_decided_at timestamptz;

-- Persons who came in by the row, or less than nothing: who left. What is forgiven, or leaves without an entry, counts for nothing.
ALTER TABLE journal ADD COLUMN passed smallint;
UPDATE journal SET passed = persons;
ALTER TABLE journal
    ALTER COLUMN passed SET NOT NULL,
    ADD CONSTRAINT journal_passed_persons CHECK (abs(passed) IN (0, persons));

-- Who is inside, seat by seat, as time went.
DROP INDEX journal_admissions;
CREATE INDEX journal_passages ON journal (event, slot, at, gate, sequence) INCLUDE (passed, proved_places)
    WHERE believed AND slot IS NOT NULL;
