-- Two more things that an administrator can do.
ALTER TABLE audit_log
    DROP CONSTRAINT audit_log_act,
    ADD CONSTRAINT audit_log_act CHECK (act IN (
        'publish-event-document', 'publish-offer', 'close-offer', 'create-gate', 'assign-gate', 'revoke-ticket',
        'block-seat', 'unblock-seat', 'suspend-gate', 'resume-gate', 'acknowledge-finding', 'resolve-finding'
    ));
