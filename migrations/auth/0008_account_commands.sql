-- Accounts are closed, and passwords set, by commands on the server, each of them on the record.
ALTER TABLE accounts
    ADD COLUMN closed_at timestamptz,
    -- Auth's tokens of log-ins before it are exchanged for no others.
    ADD COLUMN sessions_from timestamptz;

-- The address of a closed account is free. "C": what is equal must not depend on the database's language.
DROP INDEX accounts_email;
CREATE UNIQUE INDEX accounts_email ON accounts (lower(email COLLATE "C")) WHERE closed_at IS NULL;

CREATE TABLE account_commands (
    command bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account uuid NOT NULL REFERENCES accounts,
    at timestamptz NOT NULL,
    act text NOT NULL,
    CONSTRAINT account_commands_act CHECK (act IN ('add-administrator', 'remove-administrator', 'set-password'))
);

CREATE TRIGGER account_commands_final BEFORE UPDATE OR DELETE ON account_commands
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER account_commands_kept BEFORE TRUNCATE ON account_commands
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
