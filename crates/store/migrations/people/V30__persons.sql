-- A person 人员, who signs in. What they may do is said by their memberships.
CREATE TABLE persons (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    login TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    email TEXT NOT NULL, -- empty where nobody said
    is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
    created_at INTEGER NOT NULL,
    kept_by BLOB REFERENCES tenants (id), -- the tenant whose administrators may name them and set their password
    password_hash TEXT
) STRICT, WITHOUT ROWID;
-- Each member of before is a person of their own, with the same bytes as an id.
INSERT INTO persons (id, login, name, email, is_enabled, created_at, kept_by, password_hash)
SELECT id, login, name, '', 1, created_at, tenant, password_hash FROM members;

-- A person's place in a tenant, or among the center's own people, who have no tenant.
CREATE TABLE members_of_persons (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    person BLOB NOT NULL REFERENCES persons (id),
    tenant BLOB REFERENCES tenants (id),
    role TEXT NOT NULL,
    is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
    created_at INTEGER NOT NULL,
    chosen_at INTEGER -- when the person last signed in as this member, or changed over to it, in a browser
) STRICT, WITHOUT ROWID;
INSERT INTO members_of_persons (id, person, tenant, role, is_enabled, created_at)
SELECT id, id, tenant, role, is_enabled, created_at FROM members;
DROP TABLE members;
ALTER TABLE members_of_persons RENAME TO members;
CREATE INDEX members_by_tenant ON members (tenant, id);
CREATE INDEX members_by_person ON members (person, id);
CREATE UNIQUE INDEX members_once_in_a_tenant ON members (person, tenant) WHERE tenant IS NOT NULL;
CREATE UNIQUE INDEX members_once_in_the_center ON members (person) WHERE tenant IS NULL;

-- Members as they are seen: with what the person of each says.
CREATE VIEW memberships AS
SELECT m.id, m.person, m.tenant, p.login, p.name, m.role, m.is_enabled AND p.is_enabled AS is_enabled, m.created_at,
    m.chosen_at
FROM members m JOIN persons p ON p.id = m.person;

-- From where a browser was signed in, and what it said of itself; nothing for those of before.
ALTER TABLE sessions ADD COLUMN from_address TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN program TEXT NOT NULL DEFAULT '';

-- An invitation by link: whoever has the link becomes a member, once. Of the link's token the hash alone is kept.
CREATE TABLE invitations (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant BLOB REFERENCES tenants (id), -- nothing: the center
    email TEXT NOT NULL,
    role TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    invited_by BLOB NOT NULL REFERENCES members (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER, -- when it was taken, or taken back
    taken_by BLOB REFERENCES members (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX invitations_by_tenant ON invitations (tenant, id);

-- Persons and members are in the chain: who a member is, and what they may do.
CREATE TRIGGER persons_added AFTER INSERT ON persons
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('persons', NEW.id, 0); END;
CREATE TRIGGER persons_changed AFTER UPDATE OF id, login, is_enabled, created_at ON persons
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('persons', OLD.id, 0); INSERT OR IGNORE INTO unsealed_changes VALUES ('persons', NEW.id, 0); END;
CREATE TRIGGER persons_removed AFTER DELETE ON persons
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('persons', OLD.id, 0); END;
CREATE TRIGGER members_added AFTER INSERT ON members
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('members', NEW.id, 0); END;
CREATE TRIGGER members_changed AFTER UPDATE OF id, person, tenant, role, is_enabled, created_at ON members
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('members', OLD.id, 0); INSERT OR IGNORE INTO unsealed_changes VALUES ('members', NEW.id, 0); END;
CREATE TRIGGER members_removed AFTER DELETE ON members
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('members', OLD.id, 0); END;
INSERT INTO unsealed_changes SELECT 'persons', id, 0 FROM persons;
INSERT OR IGNORE INTO unsealed_changes SELECT 'members', id, 0 FROM members;
