-- What is due no more of fees, found without a look at all entries.
CREATE INDEX transfers_cancelled ON transfers (debit_contract, amount) WHERE cause = 'fee_cancelled';
-- Changes of active contracts: drawn up by one, decided by another, with the terms as they are after them.
CREATE TABLE amendments (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    contract BLOB NOT NULL REFERENCES contracts (id),
    effective TEXT NOT NULL, -- when it takes effect, once it is approved
    kind TEXT NOT NULL, -- JSON
    ends_at INTEGER NOT NULL,
    queue TEXT NOT NULL, -- JSON
    reason TEXT NOT NULL,
    state TEXT NOT NULL,
    drawn_by BLOB NOT NULL REFERENCES members (id),
    drawn_at INTEGER NOT NULL,
    decided_by BLOB REFERENCES members (id),
    decided_at INTEGER,
    from_at INTEGER, -- from when on it holds, once it is approved
    note TEXT NOT NULL -- why it was refused
) STRICT, WITHOUT ROWID;
CREATE INDEX amendments_by_contract ON amendments (contract, id);
-- One is decided and in force before the next is drawn up.
CREATE UNIQUE INDEX amendments_open ON amendments (contract) WHERE state IN ('proposed', 'approved');
CREATE INDEX amendments_coming ON amendments (from_at, id) WHERE state = 'approved';
CREATE TRIGGER amendments_never_go BEFORE DELETE ON amendments
BEGIN SELECT RAISE(ABORT, 'amendments are never deleted'); END;
-- The terms of contracts, each from an instant on: first those on which it became active, then those of its amendments.
CREATE TABLE contract_versions (
    contract BLOB NOT NULL REFERENCES contracts (id),
    number INTEGER NOT NULL CHECK (number > 0),
    amendment BLOB REFERENCES amendments (id),
    from_at INTEGER NOT NULL,
    kind TEXT NOT NULL, -- JSON
    ends_at INTEGER NOT NULL,
    queue TEXT NOT NULL, -- JSON
    PRIMARY KEY (contract, number)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER contract_versions_never_change BEFORE UPDATE ON contract_versions
BEGIN SELECT RAISE(ABORT, 'the versions of a contract are append-only: they are never changed'); END;
CREATE TRIGGER contract_versions_never_go BEFORE DELETE ON contract_versions
BEGIN SELECT RAISE(ABORT, 'the versions of a contract are append-only: they are never deleted'); END;
CREATE TRIGGER amendments_added AFTER INSERT ON amendments
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('amendments', NEW.id, 0); END;
CREATE TRIGGER amendments_changed AFTER UPDATE ON amendments
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('amendments', OLD.id, 0); INSERT OR IGNORE INTO unsealed_changes VALUES ('amendments', NEW.id, 0); END;
CREATE TRIGGER contract_versions_added AFTER INSERT ON contract_versions
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('contract_versions', NEW.contract, NEW.number); END;
-- Contracts of before have the terms that they have. A fee of which a part was earned already began with its term.
INSERT INTO contract_versions SELECT c.id, 1, NULL,
    CASE WHEN EXISTS (SELECT 1 FROM transfers t WHERE t.debit_contract = c.id AND t.cause = 'term')
    THEN min(c.starts_at, e.at) ELSE e.at END, c.kind, c.ends_at, c.queue
    FROM contracts c JOIN (SELECT contract, min(at) AS at FROM contract_events WHERE action = 'activate' GROUP BY contract) e
    ON e.contract = c.id;
