-- The admission feed: what gates are told of each other.

ALTER TABLE gates
    -- Whether it sent rows that contradict others or lack their proof, and nobody has looked into it since.
    ADD COLUMN contested boolean NOT NULL DEFAULT false,
    -- The first of its rows that is not believed, whenever it comes: from there on somebody else may have written them.
    ADD COLUMN retracted_from bigint,
    ADD CONSTRAINT gates_retracted_from_positive CHECK (retracted_from > 0);

UPDATE gates SET contested = true
WHERE EXISTS (SELECT FROM journal WHERE journal.gate = gates.gate AND NOT believed)
   OR EXISTS (SELECT FROM journal_aside WHERE journal_aside.gate = gates.gate);

-- What no batch of the feed says yet: rows of an upload, or with none of them the standing of their gate.
CREATE TABLE feed_changes (
    change bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event bigint NOT NULL,
    gate bigint NOT NULL REFERENCES gates,
    sequences bigint[] NOT NULL,
    -- Since when it waits.
    at timestamptz NOT NULL
);

CREATE INDEX feed_changes_of_event ON feed_changes (event, change);

-- What was published of an event's gates, as signed and served. A row is never changed: what is said of a batch stays. An epoch begins
-- with a snapshot at 0; batches follow.
CREATE TABLE feed_publications (
    event bigint NOT NULL,
    epoch bigint NOT NULL,
    sequence bigint NOT NULL,
    issued_at timestamptz NOT NULL,
    -- What names the batch; zeros where there is none yet.
    hash bytea NOT NULL,
    batch bytea,
    -- Everything up to this batch.
    snapshot bytea,
    PRIMARY KEY (event, epoch, sequence),
    CONSTRAINT feed_publications_epoch_number CHECK (epoch BETWEEN 0 AND 4294967295),
    CONSTRAINT feed_publications_sequence_number CHECK (sequence >= 0),
    CONSTRAINT feed_publications_hash_length CHECK (octet_length(hash) = 32),
    CONSTRAINT feed_publications_batches_follow CHECK ((batch IS NULL) = (sequence = 0)),
    CONSTRAINT feed_publications_say_something CHECK (num_nonnulls(batch, snapshot) > 0)
);

CREATE INDEX feed_publications_snapshots ON feed_publications (event, epoch, sequence) WHERE snapshot IS NOT NULL;
