-- An offer that nothing is ordered of any more; orders that were placed before go on.
ALTER TABLE offers ADD COLUMN closed_at timestamptz;
