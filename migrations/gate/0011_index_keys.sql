-- Each of these ends in the sequence by itself, which is the row's id. Led by it as well, an entry would say it twice, and no start could compare
-- the one by which entries are found.
DROP INDEX journal_unsettled;
DROP INDEX journal_contested;
DROP INDEX journal_texts;
CREATE INDEX journal_unsettled ON journal (outcome) WHERE outcome IS NULL;
CREATE INDEX journal_contested ON journal (outcome) WHERE outcome IN ('fork', 'unreadable', 'unproved');
CREATE INDEX journal_texts ON journal (outcome) WHERE ticket IS NOT NULL AND outcome IN ('stored', 'known', 'fork', 'unproved');
