-- Since when a change waits for the list that says it. What waited when nobody counted waits since now.
ALTER TABLE seat_changes ADD COLUMN at timestamptz NOT NULL DEFAULT now();
ALTER TABLE seat_changes ALTER COLUMN at DROP DEFAULT;
