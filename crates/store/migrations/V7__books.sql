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
-- A payment's reference is the center's, whatever contract it was for; trimmed, in small letters.
CREATE TABLE payments (
    reference TEXT NOT NULL PRIMARY KEY,
    contract BLOB NOT NULL REFERENCES contracts (id),
    given_as TEXT NOT NULL, -- the reference as it was given
    amount_micro_cny INTEGER NOT NULL,
    card_ms INTEGER NOT NULL,
    booked_at INTEGER NOT NULL,
    booked_by BLOB NOT NULL REFERENCES members (id)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER payments_never_change BEFORE UPDATE ON payments
BEGIN SELECT RAISE(ABORT, 'payments are append-only: they are never changed'); END;
CREATE TRIGGER payments_never_go BEFORE DELETE ON payments
BEGIN SELECT RAISE(ABORT, 'payments are append-only: they are never deleted'); END;
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
