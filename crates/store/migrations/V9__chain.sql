-- The chain: each link has the SHA-256 of what it covers and of the link before, so that nothing of the past can be
-- changed without changing every later link. docs/books.md says byte by byte what a digest is made of.
CREATE TABLE chain (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    previous BLOB NOT NULL CHECK (length(previous) = 32),
    digest BLOB NOT NULL CHECK (length(digest) = 32)
) STRICT;
CREATE TRIGGER chain_never_changes BEFORE UPDATE ON chain
BEGIN SELECT RAISE(ABORT, 'the chain is append-only: its links are never changed'); END;
CREATE TRIGGER chain_never_goes BEFORE DELETE ON chain
BEGIN SELECT RAISE(ABORT, 'the chain is append-only: its links are never deleted'); END;
-- What a link covers: rows of one kind.
CREATE TABLE chain_parts (
    link INTEGER NOT NULL REFERENCES chain (seq),
    kind TEXT NOT NULL,
    columns TEXT NOT NULL, -- those that are covered, with commas between
    first_row INTEGER NOT NULL, -- 0 where rows have no order of their own
    last_row INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    items BLOB NOT NULL, -- what tells one row from the other when the digest is another
    PRIMARY KEY (link, kind)
) STRICT;
CREATE TRIGGER chain_parts_never_change BEFORE UPDATE ON chain_parts
BEGIN SELECT RAISE(ABORT, 'the chain is append-only: its links are never changed'); END;
CREATE TRIGGER chain_parts_never_go BEFORE DELETE ON chain_parts
BEGIN SELECT RAISE(ABORT, 'the chain is append-only: its links are never deleted'); END;
-- The chain's head at an instant, as it was signed and given out.
CREATE TABLE roots (
    number INTEGER PRIMARY KEY,
    link INTEGER NOT NULL REFERENCES chain (seq),
    at INTEGER NOT NULL,
    occasion TEXT NOT NULL,
    line TEXT NOT NULL, -- JSON, as it is in the file of roots
    pushed_at INTEGER
) STRICT;
CREATE TRIGGER roots_never_change BEFORE UPDATE OF number, link, at, occasion, line ON roots
BEGIN SELECT RAISE(ABORT, 'a root is never changed'); END;
CREATE TRIGGER roots_never_go BEFORE DELETE ON roots
BEGIN SELECT RAISE(ABORT, 'a root is never deleted'); END;
-- Rows that no link covers yet, in the order of their commits. The center takes them some seconds later.
CREATE TABLE unsealed (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    key BLOB NOT NULL
) STRICT;
CREATE TRIGGER audit_is_unsealed AFTER INSERT ON audit
BEGIN INSERT INTO unsealed (kind, key) VALUES ('audit', NEW.id); END;
CREATE TRIGGER runs_are_unsealed AFTER UPDATE OF ended_at ON runs WHEN OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL
BEGIN INSERT INTO unsealed (kind, key) VALUES ('runs', NEW.id); END;
CREATE TRIGGER runs_that_come_ended_are_unsealed AFTER INSERT ON runs WHEN NEW.ended_at IS NOT NULL
BEGIN INSERT INTO unsealed (kind, key) VALUES ('runs', NEW.id); END;
-- Rows that were changed in this transaction, and are sealed before it is committed: outside of a transaction it is empty.
CREATE TABLE unsealed_changes (
    kind TEXT NOT NULL,
    key ANY NOT NULL,
    part ANY NOT NULL, -- the second column of the key, or 0
    PRIMARY KEY (kind, key, part)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER contracts_added AFTER INSERT ON contracts
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('contracts', NEW.id, 0); END;
CREATE TRIGGER contracts_changed AFTER UPDATE ON contracts
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('contracts', OLD.id, 0); INSERT OR IGNORE INTO unsealed_changes VALUES ('contracts', NEW.id, 0); END;
CREATE TRIGGER contracts_removed AFTER DELETE ON contracts
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('contracts', OLD.id, 0); END;
CREATE TRIGGER contract_events_added AFTER INSERT ON contract_events
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('contract_events', NEW.seq, 0); END;
CREATE TRIGGER price_books_added AFTER INSERT ON price_books
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('price_books', NEW.id, 0); END;
CREATE TRIGGER payments_added AFTER INSERT ON payments
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('payments', NEW.reference, 0); END;
CREATE TRIGGER corrections_added AFTER INSERT ON corrections
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('corrections', NEW.id, 0); END;
CREATE TRIGGER corrections_changed AFTER UPDATE ON corrections
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('corrections', NEW.id, 0); END;
CREATE TRIGGER settings_in_force_added AFTER INSERT ON settings_in_force
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('settings_in_force', NEW.seq, 0); END;
CREATE TRIGGER periods_added AFTER INSERT ON periods
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('periods', NEW.month, 0); END;
CREATE TRIGGER statements_added AFTER INSERT ON statements
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('statements', NEW.number, 0); END;
CREATE TRIGGER node_stretches_added AFTER INSERT ON node_stretches
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('node_stretches', NEW.node, NEW.from_at); END;
CREATE TRIGGER node_stretches_changed AFTER UPDATE ON node_stretches
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('node_stretches', OLD.node, OLD.from_at); INSERT OR IGNORE INTO unsealed_changes VALUES ('node_stretches', NEW.node, NEW.from_at); END;
CREATE TRIGGER node_stretches_removed AFTER DELETE ON node_stretches
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('node_stretches', OLD.node, OLD.from_at); END;
CREATE TRIGGER pools_added AFTER INSERT ON pools
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('pools', NEW.id, 0); END;
CREATE TRIGGER pools_changed AFTER UPDATE ON pools
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('pools', OLD.id, 0); INSERT OR IGNORE INTO unsealed_changes VALUES ('pools', NEW.id, 0); END;
CREATE TRIGGER pools_removed AFTER DELETE ON pools
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('pools', OLD.id, 0); END;
CREATE TRIGGER nodes_added AFTER INSERT ON nodes
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('nodes', NEW.id, 0); END;
CREATE TRIGGER nodes_changed AFTER UPDATE OF id, pool, name, cards, is_virtual, since ON nodes
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('nodes', OLD.id, 0); INSERT OR IGNORE INTO unsealed_changes VALUES ('nodes', NEW.id, 0); END;
CREATE TRIGGER nodes_removed AFTER DELETE ON nodes
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('nodes', OLD.id, 0); END;
CREATE TRIGGER tenants_added AFTER INSERT ON tenants
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('tenants', NEW.id, 0); END;
CREATE TRIGGER tenants_changed AFTER UPDATE ON tenants
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('tenants', OLD.id, 0); INSERT OR IGNORE INTO unsealed_changes VALUES ('tenants', NEW.id, 0); END;
CREATE TRIGGER tenants_removed AFTER DELETE ON tenants
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('tenants', OLD.id, 0); END;
CREATE TRIGGER members_added AFTER INSERT ON members
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('members', NEW.id, 0); END;
CREATE TRIGGER members_changed AFTER UPDATE OF id, tenant, login, role, is_enabled, created_at ON members
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('members', OLD.id, 0); INSERT OR IGNORE INTO unsealed_changes VALUES ('members', NEW.id, 0); END;
CREATE TRIGGER members_removed AFTER DELETE ON members
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('members', OLD.id, 0); END;
CREATE TRIGGER projects_added AFTER INSERT ON projects
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('projects', NEW.id, 0); END;
CREATE TRIGGER projects_changed AFTER UPDATE ON projects
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('projects', OLD.id, 0); INSERT OR IGNORE INTO unsealed_changes VALUES ('projects', NEW.id, 0); END;
CREATE TRIGGER projects_removed AFTER DELETE ON projects
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('projects', OLD.id, 0); END;
CREATE TRIGGER entries_added AFTER INSERT ON transfers WHEN NEW.cause NOT IN ('use', 'refund', 'waiver')
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('entries', NEW.seq, 0); END;
-- What was there before there was a chain.
INSERT INTO unsealed (kind, key) SELECT 'audit', id FROM audit ORDER BY id;
INSERT INTO unsealed (kind, key) SELECT 'runs', id FROM runs WHERE ended_at IS NOT NULL ORDER BY id;
INSERT INTO unsealed_changes SELECT 'entries', seq, 0 FROM transfers WHERE cause NOT IN ('use', 'refund', 'waiver');
INSERT INTO unsealed_changes SELECT 'contracts', id, 0 FROM contracts;
INSERT INTO unsealed_changes SELECT 'contract_events', seq, 0 FROM contract_events;
INSERT INTO unsealed_changes SELECT 'price_books', id, 0 FROM price_books;
INSERT INTO unsealed_changes SELECT 'payments', reference, 0 FROM payments;
INSERT INTO unsealed_changes SELECT 'corrections', id, 0 FROM corrections;
INSERT INTO unsealed_changes SELECT 'settings_in_force', seq, 0 FROM settings_in_force;
INSERT INTO unsealed_changes SELECT 'periods', month, 0 FROM periods;
INSERT INTO unsealed_changes SELECT 'statements', number, 0 FROM statements;
INSERT INTO unsealed_changes SELECT 'node_stretches', node, from_at FROM node_stretches;
INSERT INTO unsealed_changes SELECT 'pools', id, 0 FROM pools;
INSERT INTO unsealed_changes SELECT 'nodes', id, 0 FROM nodes;
INSERT INTO unsealed_changes SELECT 'tenants', id, 0 FROM tenants;
INSERT INTO unsealed_changes SELECT 'members', id, 0 FROM members;
INSERT INTO unsealed_changes SELECT 'projects', id, 0 FROM projects;
