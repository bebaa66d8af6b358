-- What jobs may ask of a node, as a JSON list of texts; and when it will be out for maintenance: {"from": …, "until": …,
-- "reason": …}, instants as everywhere.
ALTER TABLE nodes ADD COLUMN labels TEXT NOT NULL DEFAULT '[]';
ALTER TABLE nodes ADD COLUMN maintenance TEXT;
-- How many of its idle guaranteed cards an alliance lends to those outside of it; nothing: all of them.
ALTER TABLE alliances ADD COLUMN lending_limit INTEGER CHECK (lending_limit >= 0);
