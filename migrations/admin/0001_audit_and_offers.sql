-- What administrators did, and what they asked to sell.

-- Who did what, when, to what: the intent before the act, the outcome after it as a row of its own that names the intent.
CREATE TABLE audit_log (
    entry bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    intent bigint,
    account uuid NOT NULL,
    at timestamptz NOT NULL,
    act text NOT NULL,
    subject text NOT NULL,
    detail jsonb NOT NULL,
    outcome text NOT NULL,
    CONSTRAINT audit_log_intent FOREIGN KEY (intent) REFERENCES audit_log (entry),
    -- An act has one outcome.
    CONSTRAINT audit_log_one_outcome UNIQUE (intent),
    CONSTRAINT audit_log_act
        CHECK (act IN ('publish-event-document', 'publish-offer', 'create-gate', 'revoke-ticket')),
    CONSTRAINT audit_log_outcome CHECK (outcome IN ('intended', 'done', 'refused', 'unknown')),
    CONSTRAINT audit_log_intent_first CHECK ((outcome = 'intended') = (intent IS NULL))
);

CREATE FUNCTION audit_log_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log only grows: % is refused', TG_OP USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER audit_log_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_only_grows();

-- The offer that a request means: the same key of the same account is the same offer, however often it is sent.
CREATE TABLE offer_requests (
    account uuid NOT NULL,
    idempotency_key text NOT NULL,
    offer uuid NOT NULL,
    request jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (account, idempotency_key),
    CONSTRAINT offer_requests_key_length CHECK (octet_length(idempotency_key) BETWEEN 1 AND 100),
    CONSTRAINT offer_requests_offer UNIQUE (offer)
);
