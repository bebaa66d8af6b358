-- Invoices: asked for by a tenant over statements of closed months, and issued by the tax system, whose numbers come back.
CREATE TABLE invoices (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    serial INTEGER NOT NULL UNIQUE, -- the number of the request, from 1 without gaps
    tenant BLOB NOT NULL REFERENCES tenants (id),
    kind TEXT NOT NULL, -- special or ordinary
    title TEXT NOT NULL, -- the buyer, as registered
    tax_number TEXT NOT NULL,
    rate_bp INTEGER NOT NULL, -- the tax rate in basis points
    email TEXT NOT NULL,
    note TEXT NOT NULL,
    billed_micro_cny INTEGER NOT NULL CHECK (billed_micro_cny > 0), -- the sum of its lines
    amount_fen INTEGER NOT NULL CHECK (amount_fen > 0), -- with the tax
    tax_fen INTEGER NOT NULL,
    state TEXT NOT NULL,
    requested_by BLOB NOT NULL REFERENCES members (id),
    requested_at INTEGER NOT NULL,
    decided_by BLOB REFERENCES members (id), -- who issued, refused or withdrew it
    decided_at INTEGER,
    number TEXT NOT NULL, -- of the tax system, once it is issued
    issued_on TEXT NOT NULL,
    reason TEXT NOT NULL, -- why it was refused or reversed
    reversed_by BLOB REFERENCES members (id),
    reversed_at INTEGER,
    red_number TEXT NOT NULL, -- of the red-letter invoice that reversed it
    confirmation TEXT NOT NULL, -- of the form that the tax system asks for before
    reversed_on TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX invoices_by_tenant ON invoices (tenant, serial);
CREATE INDEX invoices_by_state ON invoices (state, serial);
CREATE UNIQUE INDEX invoices_number ON invoices (number) WHERE number <> '';
CREATE UNIQUE INDEX invoices_red_number ON invoices (red_number) WHERE red_number <> '';
CREATE TRIGGER invoices_never_go BEFORE DELETE ON invoices
BEGIN SELECT RAISE(ABORT, 'invoices are never deleted'); END;
CREATE TRIGGER invoices_added AFTER INSERT ON invoices
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('invoices', NEW.id, 0); END;
CREATE TRIGGER invoices_changed AFTER UPDATE ON invoices
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('invoices', OLD.id, 0); INSERT OR IGNORE INTO unsealed_changes VALUES ('invoices', NEW.id, 0); END;
-- The statements of invoices, with the part of each that is billed.
CREATE TABLE invoice_lines (
    invoice BLOB NOT NULL REFERENCES invoices (id),
    place INTEGER NOT NULL, -- from 1
    statement TEXT NOT NULL REFERENCES statements (number),
    billed_micro_cny INTEGER NOT NULL,
    is_live INTEGER NOT NULL, -- 0 once the invoice was refused, withdrawn or reversed: the statement is free again
    PRIMARY KEY (invoice, place)
) STRICT, WITHOUT ROWID;
-- A statement is in one invoice at most.
CREATE UNIQUE INDEX invoice_lines_live ON invoice_lines (statement) WHERE is_live = 1;
CREATE INDEX invoice_lines_by_statement ON invoice_lines (statement);
CREATE TRIGGER invoice_lines_never_go BEFORE DELETE ON invoice_lines
BEGIN SELECT RAISE(ABORT, 'lines of invoices are never deleted'); END;
CREATE TRIGGER invoice_lines_added AFTER INSERT ON invoice_lines
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('invoice_lines', NEW.invoice, NEW.place); END;
CREATE TRIGGER invoice_lines_changed AFTER UPDATE ON invoice_lines
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('invoice_lines', OLD.invoice, OLD.place); INSERT OR IGNORE INTO unsealed_changes VALUES ('invoice_lines', NEW.invoice, NEW.place); END;
