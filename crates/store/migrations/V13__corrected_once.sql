-- The reversal of a payment of card time alone moves no money: its amount is nothing.
CREATE TABLE corrections_by_any_amount (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    kind TEXT NOT NULL,
    contract BLOB NOT NULL REFERENCES contracts (id),
    other_contract BLOB REFERENCES contracts (id), -- where money is moved to
    amount_micro_cny INTEGER NOT NULL CHECK (amount_micro_cny > 0 OR (kind = 'reversal' AND amount_micro_cny = 0)),
    corrects TEXT NOT NULL, -- a payment's reference, a run, an entry's number, a month or the contract's number
    reason TEXT NOT NULL,
    reference TEXT NOT NULL, -- the bank's for money that leaves; else empty
    state TEXT NOT NULL,
    proposed_by BLOB NOT NULL REFERENCES members (id),
    proposed_at INTEGER NOT NULL,
    decided_by BLOB REFERENCES members (id),
    decided_at INTEGER,
    note TEXT NOT NULL -- why it was refused
) STRICT, WITHOUT ROWID;
INSERT INTO corrections_by_any_amount SELECT * FROM corrections;
DROP TABLE corrections;
ALTER TABLE corrections_by_any_amount RENAME TO corrections;
CREATE INDEX corrections_by_contract ON corrections (contract, id);
CREATE INDEX corrections_by_state ON corrections (state, id);
CREATE INDEX corrections_of ON corrections (corrects);
CREATE TRIGGER corrections_never_go BEFORE DELETE ON corrections
BEGIN SELECT RAISE(ABORT, 'corrections are never deleted'); END;
CREATE TRIGGER corrections_added AFTER INSERT ON corrections
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('corrections', NEW.id, 0); END;
CREATE TRIGGER corrections_changed AFTER UPDATE ON corrections
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('corrections', NEW.id, 0); END;

-- A payment is taken back once at most, and the bank's reference of money that leaves is given once. What a center of
-- before has twice stays as it is.
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
