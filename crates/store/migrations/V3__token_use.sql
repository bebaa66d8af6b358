-- When a token was last shown, to within some minutes; nothing where it never was.
ALTER TABLE tokens ADD COLUMN last_used_at INTEGER;
