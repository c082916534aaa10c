-- What a gate vouched for while it was suspended counts once it is resumed, as what it proved does.
ALTER TABLE vouched ADD COLUMN withheld boolean NOT NULL DEFAULT false;
ALTER TABLE vouched ALTER COLUMN withheld DROP DEFAULT;
