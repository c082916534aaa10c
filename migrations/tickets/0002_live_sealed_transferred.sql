-- What opens an event's sealed names, sealed under the master key for (event, generation). A gate's assignment holds at most 16.
CREATE TABLE event_secrets (
    event bigint NOT NULL,
    generation smallint NOT NULL CHECK (generation BETWEEN 1 AND 16),
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (event, generation)
);

-- Who the tickets of an order are for, sealed under the master key for (order, number). Deleted by the transaction that ends the order.
CREATE TABLE order_names (
    order_id uuid NOT NULL REFERENCES orders,
    number smallint NOT NULL CHECK (number > 0),
    sealed bytea NOT NULL,
    PRIMARY KEY (order_id, number)
);

-- What an Idempotency-Key is held against once the names are gone: their hash, sealed under the master key for the order.
ALTER TABLE orders ADD COLUMN names_hash bytea;

-- A ticket has its slot first and its body later. Its owner is the order's account, until a transfer replaces it.
ALTER TABLE tickets
    ADD COLUMN account uuid,
    ADD COLUMN transfer uuid,
    ADD COLUMN transferred_at timestamptz,
    ALTER COLUMN body DROP NOT NULL,
    ALTER COLUMN issuer_signature DROP NOT NULL,
    DROP CONSTRAINT tickets_body_check,
    DROP CONSTRAINT tickets_number;
UPDATE tickets SET account = orders.account FROM orders WHERE orders.id = tickets.order_id;
ALTER TABLE tickets
    ALTER COLUMN account SET NOT NULL,
    -- Static, live, sealed, live and sealed.
    ADD CONSTRAINT tickets_body CHECK (octet_length(body) IN (35, 68, 108, 141)),
    ADD CONSTRAINT tickets_signed CHECK (
        (body IS NULL) = (issuer_signature IS NULL) AND (body IS NOT NULL OR authority_signature IS NULL)
    ),
    ADD CONSTRAINT tickets_number UNIQUE (order_id, number, generation),
    ADD CONSTRAINT tickets_transfer UNIQUE (transfer);
