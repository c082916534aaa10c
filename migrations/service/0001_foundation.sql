-- What every service's database holds besides the service's own tables.

-- Private keys, sealed under the service's master key; the associated data binds service, role and public key.
CREATE TABLE sealed_keys (
    public_key bytea PRIMARY KEY CHECK (octet_length(public_key) = 32),
    role text NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE INDEX sealed_keys_role ON sealed_keys (role, created_at DESC);

-- Effects that follow a commit: written in the transaction that decides them, carried out by a worker.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    key text NOT NULL,
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_at timestamptz NOT NULL,
    last_error text,
    done_at timestamptz,
    CONSTRAINT outbox_once UNIQUE (kind, key)
);

CREATE INDEX outbox_due ON outbox (next_at, id) WHERE done_at IS NULL;
