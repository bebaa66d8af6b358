-- The price book that was in force when a run was planned; nothing where there was none, and for runs of before.
ALTER TABLE runs ADD COLUMN price_book BLOB REFERENCES price_books (id);
-- The longest time that a run's use is charged for; nothing where its limit is another's.
ALTER TABLE runs ADD COLUMN charged_at_most_ms INTEGER;
-- Up to when the use of a run that has ended is charged; nothing: to its end.
ALTER TABLE runs ADD COLUMN charged_until INTEGER;
-- How much of the use of a run that the center cut short is waived. Books of before waived all of it.
ALTER TABLE price_books ADD COLUMN waivers TEXT NOT NULL DEFAULT '{"lost_percent":100,"preempted_percent":100}'; -- JSON
-- The closed month that an entry corrects, as 2026-11.
ALTER TABLE transfers ADD COLUMN corrects TEXT;
-- Payments: each reference once in the center, whatever contract it was for; trimmed, in small letters.
CREATE TABLE payments (
    reference TEXT NOT NULL PRIMARY KEY,
    contract BLOB NOT NULL REFERENCES contracts (id),
    purpose TEXT NOT NULL, -- of its balance, or of its fee
    given_as TEXT NOT NULL, -- the reference as it was given
    amount_micro_cny INTEGER NOT NULL CHECK (amount_micro_cny >= 0),
    card_ms INTEGER NOT NULL CHECK (card_ms >= 0),
    bank TEXT NOT NULL,
    paid_on TEXT NOT NULL, -- a date, 2026-11-30; empty where nobody said
    payer TEXT NOT NULL,
    booked_at INTEGER NOT NULL,
    booked_by BLOB REFERENCES members (id) -- nothing for those of before
) STRICT, WITHOUT ROWID;
CREATE INDEX payments_by_contract ON payments (contract, booked_at);
INSERT OR IGNORE INTO payments SELECT lower(trim(substr(key, instr(key, '/top-up/') + 14))), credit_contract, 'balance',
    substr(key, instr(key, '/top-up/') + 14), amount, 0, '', '', '', at, NULL
    FROM transfers WHERE key LIKE '%/top-up/money/%';
INSERT OR IGNORE INTO payments SELECT lower(trim(substr(key, instr(key, '/top-up/') + 13))), credit_contract, 'balance',
    substr(key, instr(key, '/top-up/') + 13), 0, amount, '', '', '', at, NULL
    FROM transfers WHERE key LIKE '%/top-up/time/%';
-- Activating a contract took its fee for paid.
INSERT INTO payments SELECT key, credit_contract, 'fee', 'activation', amount, 0, '', '', '', at, NULL
    FROM transfers WHERE key LIKE '%/fee-in';
CREATE TRIGGER payments_never_change BEFORE UPDATE ON payments
BEGIN SELECT RAISE(ABORT, 'payments are append-only: they are never changed'); END;
CREATE TRIGGER payments_never_go BEFORE DELETE ON payments
BEGIN SELECT RAISE(ABORT, 'payments are append-only: they are never deleted'); END;
-- Entries by which people put right what was booked: proposed by one, decided by another.
CREATE TABLE corrections (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    kind TEXT NOT NULL,
    contract BLOB NOT NULL REFERENCES contracts (id),
    other_contract BLOB REFERENCES contracts (id), -- where money is moved to
    amount_micro_cny INTEGER NOT NULL CHECK (amount_micro_cny > 0),
    corrects TEXT NOT NULL, -- the payment, run, entry or month that is put right
    reason TEXT NOT NULL,
    reference TEXT NOT NULL, -- the bank's for money that leaves; else empty
    state TEXT NOT NULL,
    proposed_by BLOB NOT NULL REFERENCES members (id),
    proposed_at INTEGER NOT NULL,
    decided_by BLOB REFERENCES members (id),
    decided_at INTEGER,
    note TEXT NOT NULL -- why it was refused
) STRICT, WITHOUT ROWID;
CREATE INDEX corrections_by_contract ON corrections (contract, id);
CREATE INDEX corrections_by_state ON corrections (state, id);
CREATE TRIGGER corrections_never_go BEFORE DELETE ON corrections
BEGIN SELECT RAISE(ABORT, 'corrections are never deleted'); END;
-- Months that are closed: nothing is posted into them any more.
CREATE TABLE periods (
    month TEXT NOT NULL PRIMARY KEY, -- 2026-11
    from_at INTEGER NOT NULL,
    until_at INTEGER NOT NULL,
    closed_at INTEGER NOT NULL,
    closed_by BLOB NOT NULL REFERENCES members (id)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER periods_never_change BEFORE UPDATE ON periods
BEGIN SELECT RAISE(ABORT, 'a closed period is never changed'); END;
CREATE TRIGGER periods_never_open BEFORE DELETE ON periods
BEGIN SELECT RAISE(ABORT, 'a closed period never opens again'); END;
-- The statements of closed months, as they were given out: the bytes, and their SHA-256.
CREATE TABLE statements (
    number TEXT NOT NULL PRIMARY KEY,
    month TEXT NOT NULL REFERENCES periods (month),
    contract BLOB NOT NULL REFERENCES contracts (id),
    body TEXT NOT NULL, -- JSON
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    UNIQUE (contract, month)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER statements_never_change BEFORE UPDATE ON statements
BEGIN SELECT RAISE(ABORT, 'a statement that was given out is never changed'); END;
CREATE TRIGGER statements_never_go BEFORE DELETE ON statements
BEGIN SELECT RAISE(ABORT, 'a statement that was given out is never deleted'); END;
-- The settings by which the center counts, and since when each value is in force.
CREATE TABLE settings_in_force (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL
) STRICT;
CREATE TRIGGER settings_in_force_never_change BEFORE UPDATE ON settings_in_force
BEGIN SELECT RAISE(ABORT, 'the history of settings is append-only'); END;
CREATE TRIGGER settings_in_force_never_go BEFORE DELETE ON settings_in_force
BEGIN SELECT RAISE(ABORT, 'the history of settings is append-only'); END;
