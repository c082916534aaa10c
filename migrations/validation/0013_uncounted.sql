-- Rows that let somebody pass and count for nothing: forgiven, or out without an entry. They are few, and figures look at each.
CREATE INDEX journal_uncounted ON journal (event, gate) WHERE believed AND persons > 0 AND passed = 0;
