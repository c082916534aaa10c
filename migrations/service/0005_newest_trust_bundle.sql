-- The newest trust bundle that the service was started with: it starts with no older one, and with no other of that version.
CREATE TABLE newest_trust_bundle (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    version bigint NOT NULL,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32)
);
