-- What a job asked for; nothing where it left that to the center.
ALTER TABLE jobs ADD COLUMN time_limit_ms INTEGER;
