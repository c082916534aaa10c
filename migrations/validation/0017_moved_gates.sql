-- A gate is moved from one event to another. What it did at the one stays that event's.

-- Which event a version is for; until now a gate had one.
ALTER TABLE assignments ADD COLUMN event bigint;
UPDATE assignments SET event = gates.event FROM gates WHERE gates.gate = assignments.gate;
ALTER TABLE assignments ALTER COLUMN event SET NOT NULL;
CREATE INDEX assignments_of_event ON assignments (event, gate);

-- When an administrator decided what it serves, if anybody did since it was made.
ALTER TABLE gates ADD COLUMN assignment_decided_at timestamptz;
