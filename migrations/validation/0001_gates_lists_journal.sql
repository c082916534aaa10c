-- Gates, what they are told, and what they tell.

-- An entrance. Its enrolment code is spent when it has a key; of the code's secret only SHA-256 is here.
CREATE TABLE gates (
    gate bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event bigint NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL,
    code_hash bytea NOT NULL,
    code_until timestamptz NOT NULL,
    public_key bytea,
    -- X25519: what event secrets are wrapped for.
    wrapping_key bytea,
    enrolled_at timestamptz,
    last_seen timestamptz,
    CONSTRAINT gates_number CHECK (gate BETWEEN 1 AND 4294967295),
    CONSTRAINT gates_event_number CHECK (event BETWEEN 0 AND 4294967295),
    CONSTRAINT gates_name_length CHECK (octet_length(name) BETWEEN 1 AND 100),
    CONSTRAINT gates_code_hash_length CHECK (octet_length(code_hash) = 32),
    CONSTRAINT gates_code UNIQUE (code_hash),
    CONSTRAINT gates_key_length CHECK (octet_length(public_key) = 32),
    CONSTRAINT gates_wrapping_key_length CHECK (octet_length(wrapping_key) = 32),
    CONSTRAINT gates_enrolled_with_keys CHECK (num_nulls(public_key, wrapping_key, enrolled_at) IN (0, 3))
);

CREATE INDEX gates_of_event ON gates (event, gate);

-- What a gate is to do, as signed; the newest version is served.
CREATE TABLE assignments (
    gate bigint NOT NULL REFERENCES gates,
    version bigint NOT NULL,
    hash bytea NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (gate, version),
    CONSTRAINT assignments_version_number CHECK (version BETWEEN 1 AND 4294967295),
    CONSTRAINT assignments_hash_length CHECK (octet_length(hash) = 32)
);

-- What gates were asked to sign and have not signed yet.
CREATE TABLE login_nonces (
    nonce bytea PRIMARY KEY,
    gate bigint NOT NULL REFERENCES gates,
    until timestamptz NOT NULL,
    CONSTRAINT login_nonces_length CHECK (octet_length(nonce) = 32)
);

CREATE INDEX login_nonces_until ON login_nonces (until);

-- Sessions of gates: SHA-256 of the token.
CREATE TABLE gate_sessions (
    token_hash bytea PRIMARY KEY,
    gate bigint NOT NULL REFERENCES gates,
    until timestamptz NOT NULL,
    CONSTRAINT gate_sessions_hash_length CHECK (octet_length(token_hash) = 32)
);

CREATE INDEX gate_sessions_until ON gate_sessions (until);

-- Tickets' last word about each seat.
CREATE TABLE seats (
    event bigint NOT NULL,
    slot bigint NOT NULL,
    generation smallint NOT NULL,
    revoked boolean NOT NULL,
    PRIMARY KEY (event, slot),
    CONSTRAINT seats_event_number CHECK (event BETWEEN 0 AND 4294967295),
    -- What a slot list holds.
    CONSTRAINT seats_slot_fits_a_list CHECK (slot BETWEEN 0 AND 15999999),
    CONSTRAINT seats_generation_number CHECK (generation BETWEEN 0 AND 255)
);

-- A row for each change of a seat that no slot list says yet. Rows rather than a mark on the event: reports do not wait for each
-- other, and a change that commits while a list is being made stays for the next one.
CREATE TABLE seat_changes (
    change bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event bigint NOT NULL
);

CREATE INDEX seat_changes_of_event ON seat_changes (event);

-- Slot lists as signed and served.
CREATE TABLE slot_lists (
    event bigint NOT NULL,
    sequence bigint NOT NULL,
    issued_at timestamptz NOT NULL,
    hash bytea NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (event, sequence),
    CONSTRAINT slot_lists_sequence_positive CHECK (sequence > 0),
    CONSTRAINT slot_lists_hash_length CHECK (octet_length(hash) = 32)
);

-- Journal rows as gates wrote them; the columns after `chain` repeat what their bytes say, for the figures.
CREATE TABLE journal (
    gate bigint NOT NULL REFERENCES gates,
    sequence bigint NOT NULL,
    row bytea NOT NULL,
    -- The hash after this row.
    chain bytea NOT NULL,
    -- The row before it is not here, or is another one than the chain says.
    after_gap boolean NOT NULL,
    at timestamptz NOT NULL,
    event bigint,
    slot bigint,
    generation smallint,
    persons smallint NOT NULL,
    -- The ticket's text as it came with the row.
    ticket bytea,
    -- Persons for whom that text proved to be a ticket of this seat.
    proved_places smallint,
    -- Nothing in the row is left for the gate alone to say.
    believed boolean NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (gate, sequence),
    CONSTRAINT journal_sequence_positive CHECK (sequence > 0),
    CONSTRAINT journal_row_length CHECK (octet_length(row) BETWEEN 1 AND 512),
    CONSTRAINT journal_chain_length CHECK (octet_length(chain) = 32),
    CONSTRAINT journal_seat_whole CHECK (num_nulls(event, slot, generation) IN (0, 3)),
    CONSTRAINT journal_persons_number CHECK (persons BETWEEN 0 AND 255),
    CONSTRAINT journal_persons_by_ticket CHECK (persons = 0 OR slot IS NOT NULL),
    CONSTRAINT journal_ticket_length CHECK (octet_length(ticket) <= 1024),
    CONSTRAINT journal_proof_is_kept CHECK (proved_places IS NULL OR (ticket IS NOT NULL AND slot IS NOT NULL))
);

-- The proof of a seat that an earlier row of the gate brought.
CREATE INDEX journal_proofs ON journal (gate, event, slot, generation) INCLUDE (proved_places)
    WHERE proved_places IS NOT NULL;

-- The first admission of each seat.
CREATE INDEX journal_admissions ON journal (event, slot, at, gate, sequence) INCLUDE (persons)
    WHERE believed AND persons > 0;

CREATE INDEX journal_unproved ON journal (gate) WHERE NOT believed;

-- What gates sent that cannot stand in a journal, for people to look at.
CREATE TABLE journal_aside (
    gate bigint NOT NULL REFERENCES gates,
    -- As the upload numbered it: any 64 bits.
    sequence numeric(20) NOT NULL,
    row bytea NOT NULL,
    row_hash bytea GENERATED ALWAYS AS (sha256(row)) STORED,
    reason text NOT NULL,
    detail text NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT journal_aside_once PRIMARY KEY (gate, sequence, row_hash),
    CONSTRAINT journal_aside_reason CHECK (reason IN ('fork', 'unreadable'))
);
