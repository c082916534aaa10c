-- What a gate sent while it was suspended counts once it is resumed, as far as it is proved. What came before this column stays as it was judged.

ALTER TABLE journal
    ADD COLUMN withheld boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT journal_withheld_is_not_believed CHECK (NOT (withheld AND believed));
ALTER TABLE journal ALTER COLUMN withheld DROP DEFAULT;

ALTER TABLE journal_aside
    ADD COLUMN withheld boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT journal_aside_withheld_is_not_believed CHECK (NOT (withheld AND believed));
ALTER TABLE journal_aside ALTER COLUMN withheld DROP DEFAULT;

CREATE INDEX journal_withheld ON journal (gate, sequence) WHERE withheld;
