-- Live tickets: who holds each, and how it passes from one account to another.

-- 32 bytes for each account, sealed under the master key, from which the holder keys follow that auth keeps for it.
CREATE TABLE account_secrets (
    account uuid PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL
);

-- Tickets name keys that follow from it: another secret would take them from their holders.
CREATE TRIGGER account_secrets_final BEFORE UPDATE ON account_secrets
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER account_secrets_kept BEFORE TRUNCATE ON account_secrets
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Public keys of devices that new tickets of an account may name.
CREATE TABLE holder_keys (
    account uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    key bytea NOT NULL CHECK (octet_length(key) = 32),
    added_at timestamptz NOT NULL,
    PRIMARY KEY (account, key)
);

-- The device that holds the tickets of a grant; none: the account itself. It outlives its row in holder_keys.
ALTER TABLE grants ADD COLUMN holder bytea CHECK (octet_length(holder) = 32);

-- Seats that their owners would pass on: one offer a seat, gone once it is accepted or withdrawn.
CREATE TABLE transfer_offers (
    event bigint NOT NULL,
    slot bigint NOT NULL,
    -- The issue that is offered; the last one of a seat cannot be.
    replaces smallint NOT NULL CHECK (replaces < 255),
    owner uuid NOT NULL REFERENCES accounts,
    -- SHA-256 of the code.
    code bytea NOT NULL CHECK (octet_length(code) = 32),
    offered_at timestamptz NOT NULL,
    until timestamptz NOT NULL CHECK (until > offered_at),
    PRIMARY KEY (event, slot),
    CONSTRAINT transfer_offers_code UNIQUE (code),
    FOREIGN KEY (event, slot, replaces) REFERENCES authorisations
);

CREATE INDEX transfer_offers_owner ON transfer_offers (owner);

-- Transfers that were accepted. An issue is replaced once, by one recipient, for ever.
CREATE TABLE transfers (
    transfer uuid PRIMARY KEY,
    event bigint NOT NULL,
    slot bigint NOT NULL,
    replaces smallint NOT NULL CHECK (replaces < 255),
    owner uuid NOT NULL REFERENCES accounts,
    recipient uuid NOT NULL REFERENCES accounts,
    -- The recipient's device that will hold the ticket; none: their account itself.
    holder bytea CHECK (octet_length(holder) = 32),
    code bytea NOT NULL CHECK (octet_length(code) = 32),
    accepted_at timestamptz NOT NULL,
    CHECK (owner <> recipient),
    CONSTRAINT transfers_once UNIQUE (event, slot, replaces),
    CONSTRAINT transfers_code UNIQUE (code),
    FOREIGN KEY (event, slot, replaces) REFERENCES authorisations
);

CREATE INDEX transfers_owner ON transfers (owner, accepted_at);
CREATE INDEX transfers_recipient ON transfers (recipient, accepted_at);

CREATE TRIGGER transfers_final BEFORE UPDATE OR DELETE ON transfers
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transfers_kept BEFORE TRUNCATE ON transfers
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A seat's issue is signed for an order or for a transfer, and live and sealed bodies are longer.
ALTER TABLE authorisations
    ALTER COLUMN order_id DROP NOT NULL,
    ADD COLUMN transfer uuid REFERENCES transfers,
    ADD CONSTRAINT authorisations_transfer UNIQUE (transfer),
    ADD CONSTRAINT authorisations_warrant CHECK (num_nonnulls(order_id, transfer) = 1),
    DROP CONSTRAINT authorisations_body_check,
    ADD CONSTRAINT authorisations_body CHECK (octet_length(body) IN (35, 68, 108, 141));

-- What an account may do so often only: each time is written down, and forgotten by age.
CREATE TABLE attempts (
    attempt bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('presentation', 'wrong-transfer-code')),
    at timestamptz NOT NULL
);

CREATE INDEX attempts_account ON attempts (account, kind, at);
