-- An undo is believed by the law that gates take admissions back by. No row of before is judged anew: what other gates were told stays told.

ALTER TABLE journal
    -- The admission of which the row says that its arm turned: it is not taken back. Nothing in rows from before this column.
    ADD COLUMN turned bigint,
    ADD CONSTRAINT journal_turned_for_an_earlier_row CHECK (turned BETWEEN 1 AND sequence - 1);

CREATE INDEX journal_turned ON journal (gate, turned) WHERE turned IS NOT NULL;
