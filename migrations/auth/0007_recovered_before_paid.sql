-- A grant whose payment was lost when the database was restored from a backup: what auth had signed for it, as its own signatures prove, is
-- counted, and what is signed from now on still waits for the payment.
ALTER TABLE grants
    -- Of those signed so far, the ones that were known again before the payment was.
    ADD COLUMN recovered integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT grants_recovered CHECK (recovered BETWEEN 0 AND authorised),
    DROP CONSTRAINT grants_authorised_when_paid,
    ADD CONSTRAINT grants_authorised_when_paid CHECK (authorised = recovered OR payment IS NOT NULL);
