-- The organisers' event documents as received; nothing is believed from here without its signatures.
CREATE TABLE event_documents (
    event bigint NOT NULL,
    version bigint NOT NULL,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    bytes bytea NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (event, version),
    CONSTRAINT event_documents_hash UNIQUE (hash)
);
