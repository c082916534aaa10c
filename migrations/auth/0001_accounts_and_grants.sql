-- What auth knows: accounts, what they granted, what was paid for it, what was signed for it.

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are final', TG_TABLE_NAME;
END
$$;

CREATE TABLE accounts (
    account uuid PRIMARY KEY,
    email text NOT NULL CHECK (octet_length(email) BETWEEN 3 AND 254),
    role text NOT NULL CHECK (role IN ('buyer', 'administrator')),
    -- A PHC string: algorithm, parameters and salt travel with the hash.
    password text NOT NULL CHECK (password LIKE '$argon2id$%'),
    created_at timestamptz NOT NULL
);

-- Addresses that differ by case only are one. "C": what is equal must not depend on the database's language.
CREATE UNIQUE INDEX accounts_email ON accounts (lower(email COLLATE "C"));

-- Log-ins that have not succeeded: written before the password is looked at, removed by success and by age.
CREATE TABLE login_attempts (
    attempt bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account uuid NOT NULL REFERENCES accounts,
    at timestamptz NOT NULL
);

CREATE INDEX login_attempts_account ON login_attempts (account, at);

-- The provider's words to auth, each kept whether it pays for a grant or not.
CREATE TABLE payments (
    payment text PRIMARY KEY CHECK (octet_length(payment) BETWEEN 1 AND 255),
    order_id uuid NOT NULL,
    amount bigint NOT NULL CHECK (amount >= 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    paid_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT payments_order UNIQUE (payment, order_id)
);

CREATE INDEX payments_by_order ON payments (order_id);

CREATE TRIGGER payments_final BEFORE UPDATE OR DELETE ON payments
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payments_kept BEFORE TRUNCATE ON payments
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What an account granted for an order, in every field that a ticket of it carries.
CREATE TABLE grants (
    order_id uuid PRIMARY KEY,
    account uuid NOT NULL REFERENCES accounts,
    event bigint NOT NULL CHECK (event BETWEEN 0 AND 4294967295),
    document bytea NOT NULL CHECK (octet_length(document) = 32),
    product integer NOT NULL CHECK (product BETWEEN 0 AND 65535),
    zones bigint NOT NULL CHECK (zones BETWEEN 1 AND 4294967295),
    tickets integer NOT NULL CHECK (tickets BETWEEN 1 AND 65535),
    places smallint NOT NULL CHECK (places BETWEEN 1 AND 255),
    entries smallint NOT NULL CHECK (entries BETWEEN 0 AND 255),
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    created_at timestamptz NOT NULL,
    -- When it ends by itself unless it is paid.
    expires_at timestamptz NOT NULL,
    -- When tickets confirmed that the order is its own: from then on it holds places, and can be paid.
    confirmed_at timestamptz,
    -- The payment that pays for it: one of this order.
    payment text,
    closed_at timestamptz,
    -- Tickets signed so far.
    authorised integer NOT NULL DEFAULT 0,
    CHECK (valid_from < valid_until),
    CHECK (created_at < expires_at),
    CONSTRAINT grants_authorised CHECK (authorised BETWEEN 0 AND tickets),
    CONSTRAINT grants_confirmed_first CHECK (confirmed_at IS NOT NULL OR (payment IS NULL AND authorised = 0)),
    CONSTRAINT grants_authorised_when_paid CHECK (authorised = 0 OR payment IS NOT NULL),
    FOREIGN KEY (payment, order_id) REFERENCES payments (payment, order_id)
);

-- Counting an event's capacity reads nothing but this.
CREATE INDEX grants_capacity ON grants (event, product) INCLUDE (tickets, places, authorised, confirmed_at, closed_at);
CREATE INDEX grants_unpaid ON grants (account, expires_at) WHERE payment IS NULL AND closed_at IS NULL;
CREATE INDEX grants_overdue ON grants (event, expires_at) WHERE payment IS NULL AND closed_at IS NULL;

-- Orders that ended before anything was granted for them: nothing is granted for them any more.
CREATE TABLE ended_orders (
    order_id uuid PRIMARY KEY,
    ended_at timestamptz NOT NULL
);

-- What was signed. A seat's issue has one body, for one order, for ever.
CREATE TABLE authorisations (
    event bigint NOT NULL CHECK (event BETWEEN 0 AND 4294967295),
    slot bigint NOT NULL CHECK (slot BETWEEN 0 AND 4294967295),
    generation smallint NOT NULL CHECK (generation BETWEEN 0 AND 255),
    order_id uuid NOT NULL REFERENCES grants,
    body bytea NOT NULL CHECK (octet_length(body) = 35),
    authorised_at timestamptz NOT NULL,
    CONSTRAINT authorisations_seat PRIMARY KEY (event, slot, generation)
);

CREATE TRIGGER authorisations_final BEFORE UPDATE OR DELETE ON authorisations
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER authorisations_kept BEFORE TRUNCATE ON authorisations
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
