-- Secrets: values that runs get and that nobody reads. The owner is the tenant, the project or the person, by the scope.
-- Nothing here can be read without the key, which is a file beside the database and in no backup.
CREATE TABLE secrets (
    owner BLOB NOT NULL CHECK (length(owner) = 16),
    name TEXT NOT NULL,
    tenant BLOB NOT NULL REFERENCES tenants (id),
    scope TEXT NOT NULL,
    sealed TEXT NOT NULL, -- base64: 12 bytes of nonce, then the ciphertext with its tag
    key TEXT NOT NULL, -- the name of the key
    changed_by BLOB NOT NULL REFERENCES members (id),
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (owner, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX secrets_by_tenant ON secrets (tenant, name);
