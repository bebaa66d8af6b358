-- A payment is taken back once at most.
CREATE UNIQUE INDEX corrections_reversed ON corrections (corrects) WHERE kind = 'reversal' AND state <> 'refused';

-- Rows that something else than the center has changed, found in front of the center's next change. They are never put
-- right: who audits the books asks what was done, and why.
CREATE TABLE foreign_changes (
    seq INTEGER NOT NULL PRIMARY KEY,
    found_at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    key ANY NOT NULL,
    part ANY NOT NULL
) STRICT;
CREATE TRIGGER foreign_changes_never_change BEFORE UPDATE ON foreign_changes
BEGIN SELECT RAISE(ABORT, 'a foreign change is never changed'); END;
CREATE TRIGGER foreign_changes_never_go BEFORE DELETE ON foreign_changes
BEGIN SELECT RAISE(ABORT, 'a foreign change is never deleted'); END;
CREATE TRIGGER foreign_changes_are_unsealed AFTER INSERT ON foreign_changes
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('foreign_changes', NEW.seq, 0); END;
