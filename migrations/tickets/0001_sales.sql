-- What is sold. `taken` counts persons in reserved and paid orders; the constraint is the stock's last line of defence.
CREATE TABLE offers (
    id uuid PRIMARY KEY,
    event bigint NOT NULL,
    product integer NOT NULL,
    name_en text NOT NULL,
    name_fr text NOT NULL,
    price_minor bigint NOT NULL CHECK (price_minor > 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    persons smallint NOT NULL CHECK (persons BETWEEN 1 AND 255),
    one_code boolean NOT NULL,
    stock integer NOT NULL CHECK (stock > 0),
    taken integer NOT NULL DEFAULT 0,
    sales_from timestamptz NOT NULL,
    sales_until timestamptz NOT NULL,
    published_at timestamptz NOT NULL,
    CONSTRAINT offers_never_oversold CHECK (taken BETWEEN 0 AND stock),
    CONSTRAINT offers_sales_window CHECK (sales_from < sales_until)
);
CREATE INDEX offers_by_event ON offers (event);

-- An order's state and the instants that belong to it.
CREATE TABLE orders (
    id uuid PRIMARY KEY,
    account uuid NOT NULL,
    idempotency_key text NOT NULL,
    offer uuid NOT NULL REFERENCES offers,
    quantity smallint NOT NULL CHECK (quantity > 0),
    persons integer NOT NULL CHECK (persons > 0),
    terms jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    state text NOT NULL,
    reserved_until timestamptz NOT NULL,
    payment_page text,
    payment text,
    paid_at timestamptz,
    ended_at timestamptz,
    why text,
    CONSTRAINT orders_idempotency UNIQUE (account, idempotency_key),
    CONSTRAINT orders_state CHECK (
        CASE state
            WHEN 'reserved' THEN paid_at IS NULL AND payment IS NULL AND ended_at IS NULL
            WHEN 'paid' THEN paid_at IS NOT NULL AND payment IS NOT NULL AND ended_at IS NULL
            WHEN 'issued' THEN paid_at IS NOT NULL AND payment IS NOT NULL AND ended_at IS NOT NULL
            WHEN 'expired' THEN paid_at IS NULL AND payment IS NULL AND ended_at IS NOT NULL
            WHEN 'refund-due' THEN paid_at IS NOT NULL AND payment IS NOT NULL AND ended_at IS NOT NULL AND why IS NOT NULL
            ELSE false
        END
    )
);
CREATE INDEX orders_reserved ON orders (reserved_until) WHERE state = 'reserved';
CREATE INDEX orders_by_offer ON orders (offer);

-- Every payment the provider told of, once; one that bought nothing is owed back.
CREATE TABLE payments (
    payment text PRIMARY KEY,
    order_id uuid NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    received_at timestamptz NOT NULL,
    refund_due_because text
);
CREATE INDEX payments_by_order ON payments (order_id);

-- Slots not yet used, in random order. A block of new ones is added when too few are left.
CREATE TABLE slot_blocks (
    event bigint PRIMARY KEY,
    next_slot bigint NOT NULL CHECK (next_slot BETWEEN 0 AND 4294967296)
);
CREATE TABLE free_slots (
    event bigint NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY,
    slot bigint NOT NULL CHECK (slot BETWEEN 0 AND 4294967295),
    PRIMARY KEY (event, position),
    CONSTRAINT free_slots_once UNIQUE (event, slot)
);

-- Bodies are stored with the issuer's signature before auth is asked, and never change afterwards.
CREATE TABLE tickets (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES orders,
    number smallint NOT NULL CHECK (number > 0),
    event bigint NOT NULL,
    slot bigint NOT NULL,
    generation smallint NOT NULL CHECK (generation BETWEEN 1 AND 255),
    body bytea NOT NULL CHECK (octet_length(body) = 35),
    issuer_signature bytea NOT NULL CHECK (octet_length(issuer_signature) = 64),
    authority_signature bytea CHECK (octet_length(authority_signature) = 64),
    revoked_at timestamptz,
    CONSTRAINT tickets_number UNIQUE (order_id, number),
    CONSTRAINT tickets_slot_once UNIQUE (event, slot, generation)
);
