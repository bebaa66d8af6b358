-- Programmes of vouchers: what an authority pays for, as data.
CREATE TABLE programmes (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    slug TEXT NOT NULL UNIQUE,
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL,
    authority TEXT NOT NULL,
    level TEXT NOT NULL,
    year INTEGER NOT NULL,
    mode TEXT NOT NULL,
    pot_micro_cny INTEGER NOT NULL CHECK (pot_micro_cny > 0), -- the most that is put into its pot
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    terms TEXT NOT NULL, -- JSON
    created_by BLOB NOT NULL REFERENCES members (id),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER programmes_never_change BEFORE UPDATE ON programmes
BEGIN SELECT RAISE(ABORT, 'a programme is never changed: another one takes its place'); END;
CREATE TRIGGER programmes_never_go BEFORE DELETE ON programmes
BEGIN SELECT RAISE(ABORT, 'a programme is never deleted'); END;
-- Money for pots: proposed by one, booked or refused by another.
CREATE TABLE fundings (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    programme BLOB NOT NULL REFERENCES programmes (id),
    amount_micro_cny INTEGER NOT NULL CHECK (amount_micro_cny > 0),
    reference TEXT NOT NULL UNIQUE, -- of the authority's document; trimmed, in small letters
    state TEXT NOT NULL,
    proposed_by BLOB NOT NULL REFERENCES members (id),
    proposed_at INTEGER NOT NULL,
    decided_by BLOB REFERENCES members (id),
    decided_at INTEGER,
    note TEXT NOT NULL -- why it was refused
) STRICT, WITHOUT ROWID;
CREATE INDEX fundings_by_programme ON fundings (programme, id);
CREATE TRIGGER fundings_never_go BEFORE DELETE ON fundings
BEGIN SELECT RAISE(ABORT, 'fundings are never deleted'); END;
CREATE TABLE vouchers (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    number TEXT NOT NULL UNIQUE,
    programme BLOB NOT NULL REFERENCES programmes (id),
    tenant BLOB NOT NULL REFERENCES tenants (id),
    contract BLOB NOT NULL REFERENCES contracts (id),
    mode TEXT NOT NULL, -- the programme's: deduct or reimburse
    application BLOB NOT NULL UNIQUE REFERENCES applications (id),
    amount_micro_cny INTEGER NOT NULL CHECK (amount_micro_cny > 0), -- what it was asked for
    year_total_micro_cny INTEGER NOT NULL, -- all that its tenant asked for in the year, as the rule was looked up by it
    facility_kind TEXT NOT NULL,
    usage TEXT NOT NULL, -- as declared
    tenant_size TEXT NOT NULL, -- as declared
    declared_by BLOB NOT NULL REFERENCES members (id),
    rule INTEGER NOT NULL, -- of the programme's, from 1
    rate_bp INTEGER NOT NULL,
    combined_bp INTEGER NOT NULL,
    face_micro_cny INTEGER NOT NULL CHECK (face_micro_cny > 0),
    pools TEXT NOT NULL, -- JSON: whose runs it pays for
    granted_at INTEGER NOT NULL,
    from_at INTEGER, -- when the pot gave its face; nothing while it waits
    until_at INTEGER NOT NULL,
    closes_at INTEGER NOT NULL, -- when what is left of it goes back: claims come later than what they are about
    state TEXT NOT NULL,
    ended_at INTEGER, -- when it expired or was revoked
    reason TEXT NOT NULL -- why it was revoked
) STRICT, WITHOUT ROWID;
CREATE INDEX vouchers_by_programme ON vouchers (programme, id);
CREATE INDEX vouchers_by_contract ON vouchers (contract, until_at, id);
CREATE INDEX vouchers_by_tenant ON vouchers (tenant, id);
CREATE INDEX vouchers_by_state ON vouchers (state, closes_at);
CREATE TRIGGER vouchers_never_go BEFORE DELETE ON vouchers
BEGIN SELECT RAISE(ABORT, 'vouchers are never deleted'); END;
-- The charges of which vouchers pay a share, less what was given back of them; what they have paid of them, and by how many
-- entries. Derived: the transfers are the truth.
CREATE TABLE voucher_bases (
    voucher BLOB NOT NULL PRIMARY KEY REFERENCES vouchers (id),
    base_micro_cny INTEGER NOT NULL,
    redeemed_micro_cny INTEGER NOT NULL CHECK (redeemed_micro_cny >= 0),
    entries INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- Claims on closed months.
CREATE TABLE claims (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    number TEXT NOT NULL UNIQUE,
    voucher BLOB NOT NULL REFERENCES vouchers (id),
    month TEXT NOT NULL,
    statement TEXT NOT NULL REFERENCES statements (number),
    eligible_micro_cny INTEGER NOT NULL,
    amount_micro_cny INTEGER NOT NULL CHECK (amount_micro_cny > 0),
    evidence TEXT NOT NULL, -- JSON
    state TEXT NOT NULL,
    reference TEXT NOT NULL, -- of the payment; empty before
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX claims_by_voucher ON claims (voucher, id);
CREATE INDEX claims_by_state ON claims (state, id);
CREATE UNIQUE INDEX claims_once ON claims (voucher, month) WHERE state NOT IN ('rejected', 'recovered');
CREATE TRIGGER claims_never_go BEFORE DELETE ON claims
BEGIN SELECT RAISE(ABORT, 'claims are never deleted'); END;
-- What was done with claims, in order.
CREATE TABLE claim_acts (
    claim BLOB NOT NULL REFERENCES claims (id),
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    by BLOB NOT NULL REFERENCES members (id),
    state TEXT NOT NULL, -- where it led
    note TEXT NOT NULL,
    PRIMARY KEY (claim, seq)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER claim_acts_never_change BEFORE UPDATE ON claim_acts
BEGIN SELECT RAISE(ABORT, 'acts of claims are only added'); END;
CREATE TRIGGER claim_acts_never_go BEFORE DELETE ON claim_acts
BEGIN SELECT RAISE(ABORT, 'acts of claims are only added'); END;
-- What decides about money is sealed at once.
CREATE TRIGGER programmes_added AFTER INSERT ON programmes
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('programmes', NEW.id, 0); END;
CREATE TRIGGER fundings_added AFTER INSERT ON fundings
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('fundings', NEW.id, 0); END;
CREATE TRIGGER fundings_changed AFTER UPDATE ON fundings
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('fundings', NEW.id, 0); END;
CREATE TRIGGER vouchers_added AFTER INSERT ON vouchers
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('vouchers', NEW.id, 0); END;
CREATE TRIGGER vouchers_changed AFTER UPDATE ON vouchers
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('vouchers', NEW.id, 0); END;
CREATE TRIGGER claims_added AFTER INSERT ON claims
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('claims', NEW.id, 0); END;
CREATE TRIGGER claims_changed AFTER UPDATE ON claims
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('claims', NEW.id, 0); END;
CREATE TRIGGER claim_acts_added AFTER INSERT ON claim_acts
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('claim_acts', NEW.claim, NEW.seq); END;
