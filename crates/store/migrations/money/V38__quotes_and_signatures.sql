-- Quotes: what the center offers a tenant, or an applicant who is none yet, at the prices of a book and until an instant.
CREATE TABLE quotes (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    number TEXT NOT NULL UNIQUE,
    tenant BLOB REFERENCES tenants (id), -- nothing as long as its applicant is no tenant
    application BLOB REFERENCES applications (id),
    domain TEXT NOT NULL, -- whose prices
    kind TEXT NOT NULL, -- of the contract that comes of it
    lines TEXT NOT NULL, -- JSON
    amount_micro_cny INTEGER NOT NULL CHECK (amount_micro_cny >= 0),
    credit_limit_micro_cny INTEGER NOT NULL CHECK (credit_limit_micro_cny >= 0),
    price_book BLOB NOT NULL REFERENCES price_books (id),
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    valid_until INTEGER NOT NULL,
    note TEXT NOT NULL, -- for the reader of the quote
    state TEXT NOT NULL,
    drawn_by BLOB NOT NULL REFERENCES members (id),
    drawn_at INTEGER NOT NULL,
    granted_by BLOB REFERENCES members (id), -- who granted a discount that the drawer may not give alone
    granted_at INTEGER,
    sent_by BLOB REFERENCES members (id),
    sent_at INTEGER,
    ended_by BLOB REFERENCES members (id), -- who accepted or withdrew it; nothing: an applicant, or the clock
    ended_at INTEGER,
    contract BLOB REFERENCES contracts (id), -- that was drafted from it
    CHECK (tenant IS NOT NULL OR application IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX quotes_by_tenant ON quotes (tenant, id);
CREATE INDEX quotes_by_application ON quotes (application, id) WHERE application IS NOT NULL;
CREATE INDEX quotes_open ON quotes (valid_until, id) WHERE state = 'sent';
CREATE TRIGGER quotes_never_go BEFORE DELETE ON quotes
BEGIN SELECT RAISE(ABORT, 'quotes are never deleted'); END;
CREATE TRIGGER quotes_keep_their_price BEFORE UPDATE OF id, number, application, domain, kind, lines, amount_micro_cny, credit_limit_micro_cny, price_book, starts_at, ends_at, valid_until, note, drawn_by, drawn_at ON quotes
BEGIN SELECT RAISE(ABORT, 'what a quote offers is never changed'); END;
CREATE TRIGGER quotes_end_once BEFORE UPDATE OF state ON quotes WHEN OLD.state NOT IN ('draft', 'sent') AND NEW.state <> OLD.state
BEGIN SELECT RAISE(ABORT, 'the end of a quote is never changed'); END;
CREATE TRIGGER quotes_added AFTER INSERT ON quotes
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('quotes', NEW.id, 0); END;
CREATE TRIGGER quotes_changed AFTER UPDATE ON quotes
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('quotes', OLD.id, 0); INSERT OR IGNORE INTO unsealed_changes VALUES ('quotes', NEW.id, 0); END;

-- Which contract goes on where another one ends.
CREATE TABLE renewals (
    contract BLOB NOT NULL PRIMARY KEY REFERENCES contracts (id),
    renews BLOB NOT NULL REFERENCES contracts (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX renewals_by_contract ON renewals (renews);
CREATE TRIGGER renewals_never_change BEFORE UPDATE ON renewals
BEGIN SELECT RAISE(ABORT, 'renewals are append-only: they are never changed'); END;
CREATE TRIGGER renewals_never_go BEFORE DELETE ON renewals
BEGIN SELECT RAISE(ABORT, 'renewals are append-only: they are never deleted'); END;
CREATE TRIGGER renewals_added AFTER INSERT ON renewals
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('renewals', NEW.contract, 0); END;

-- The texts of contracts and of their amendments, in both languages, as they were frozen. The digest is of both.
CREATE TABLE contract_texts (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    contract BLOB NOT NULL REFERENCES contracts (id),
    version INTEGER NOT NULL CHECK (version > 0),
    amendment BLOB REFERENCES amendments (id), -- nothing: the contract's own
    zh TEXT NOT NULL,
    en TEXT NOT NULL,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    made_by BLOB REFERENCES members (id), -- nothing: the center, for an applicant
    made_at INTEGER NOT NULL,
    UNIQUE (contract, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX contract_texts_by_amendment ON contract_texts (amendment) WHERE amendment IS NOT NULL;
CREATE TRIGGER contract_texts_never_change BEFORE UPDATE ON contract_texts
BEGIN SELECT RAISE(ABORT, 'the texts of contracts are append-only: they are never changed'); END;
CREATE TRIGGER contract_texts_never_go BEFORE DELETE ON contract_texts
BEGIN SELECT RAISE(ABORT, 'the texts of contracts are append-only: they are never deleted'); END;
CREATE TRIGGER contract_texts_added AFTER INSERT ON contract_texts
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('contract_texts', NEW.id, 0); END;

-- Who signed a text for which side, with what they confirmed it by.
CREATE TABLE signatures (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    text BLOB NOT NULL REFERENCES contract_texts (id),
    side TEXT NOT NULL CHECK (side IN ('center', 'tenant')),
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32), -- what was signed
    person BLOB NOT NULL REFERENCES persons (id),
    member BLOB NOT NULL REFERENCES members (id),
    role TEXT NOT NULL,
    login TEXT NOT NULL,
    name TEXT NOT NULL,
    factor TEXT NOT NULL,
    from_address TEXT NOT NULL,
    at INTEGER NOT NULL,
    UNIQUE (text, side)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER signatures_never_change BEFORE UPDATE ON signatures
BEGIN SELECT RAISE(ABORT, 'signatures are append-only: they are never changed'); END;
CREATE TRIGGER signatures_never_go BEFORE DELETE ON signatures
BEGIN SELECT RAISE(ABORT, 'signatures are append-only: they are never deleted'); END;
CREATE TRIGGER signatures_added AFTER INSERT ON signatures
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('signatures', NEW.id, 0); END;
