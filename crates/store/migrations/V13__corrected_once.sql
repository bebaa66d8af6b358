-- A payment is taken back once at most, and the bank's reference of money that leaves is given once. What a center of
-- before has twice stays as it is.
CREATE INDEX corrections_of ON corrections (corrects);
CREATE TRIGGER corrections_reverse_once BEFORE INSERT ON corrections WHEN NEW.kind = 'reversal' AND EXISTS
    (SELECT 1 FROM corrections WHERE corrects = NEW.corrects AND kind = 'reversal' AND state <> 'refused')
BEGIN SELECT RAISE(ABORT, 'a payment is reversed once'); END;
CREATE TRIGGER corrections_pay_out_once BEFORE INSERT ON corrections WHEN NEW.kind = 'pay_out' AND EXISTS
    (SELECT 1 FROM corrections
     WHERE lower(reference) = lower(NEW.reference) AND kind = 'pay_out' AND state <> 'refused')
BEGIN SELECT RAISE(ABORT, 'a reference pays out once'); END;

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
