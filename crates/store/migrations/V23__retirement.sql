-- Nodes that were retired or removed, and pools that were retired. Their rows stay, since runs and stretches name them.
ALTER TABLE nodes ADD COLUMN gone_at INTEGER;
ALTER TABLE pools ADD COLUMN retired_at INTEGER;
