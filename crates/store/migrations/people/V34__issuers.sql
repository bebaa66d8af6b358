-- Who somebody is at an issuer that signs people in. The key is the issuer and its subject, never an address.
CREATE TABLE identities (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    issuer TEXT NOT NULL, -- its address, as its tokens name it
    subject TEXT NOT NULL,
    person BLOB NOT NULL REFERENCES persons (id),
    email TEXT NOT NULL, -- as the issuer told it last; empty where it did not
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX identities_by_subject ON identities (issuer, subject);
CREATE INDEX identities_by_person ON identities (person);

-- What an issuer said of the sign-in that a session began with.
CREATE TABLE session_origins (
    session BLOB NOT NULL PRIMARY KEY CHECK (length(session) = 16),
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    sid TEXT, -- the session at the issuer
    acr TEXT,
    amr TEXT NOT NULL, -- with spaces between
    auth_time INTEGER,
    id_token TEXT NOT NULL -- given back to the issuer as a hint when its session is to end too
) STRICT, WITHOUT ROWID;
CREATE INDEX session_origins_by_subject ON session_origins (issuer, subject);
CREATE TRIGGER session_origins_end AFTER DELETE ON sessions
BEGIN DELETE FROM session_origins WHERE session = OLD.id; END;

-- Tokens that are good for one use, by their hash, until they have expired.
CREATE TABLE used_tokens (
    hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- By whom a membership is given: nothing for a person's hand, `oidc` or `scim`, with what it is called behind a colon.
ALTER TABLE members ADD COLUMN given_by TEXT;

-- With which a directory keeps the people of a tenant, or of the whole center.
CREATE TABLE scim_tokens (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant BLOB REFERENCES tenants (id), -- nothing: the center
    name TEXT NOT NULL,
    role TEXT NOT NULL, -- of those to whom no group gives one; empty for none
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    made_by BLOB NOT NULL REFERENCES members (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX scim_tokens_by_tenant ON scim_tokens (tenant, id);

-- People as a directory keeps them, each in one tenant's or in the center's own.
CREATE TABLE scim_users (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant BLOB REFERENCES tenants (id),
    person BLOB NOT NULL REFERENCES persons (id),
    user_name TEXT NOT NULL,
    user_name_folded TEXT NOT NULL, -- in small letters, by which it is one of a kind
    external_id TEXT,
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    resource TEXT NOT NULL, -- JSON: what else the directory said
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX scim_users_by_name ON scim_users (COALESCE(tenant, x''), user_name_folded);
CREATE UNIQUE INDEX scim_users_by_person ON scim_users (COALESCE(tenant, x''), person);
CREATE TABLE scim_groups (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant BLOB REFERENCES tenants (id),
    display_name TEXT NOT NULL,
    external_id TEXT,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX scim_groups_by_name ON scim_groups (COALESCE(tenant, x''), display_name);
CREATE TABLE scim_group_users (
    in_group BLOB NOT NULL REFERENCES scim_groups (id),
    user BLOB NOT NULL REFERENCES scim_users (id),
    PRIMARY KEY (in_group, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX scim_group_users_by_user ON scim_group_users (user);
