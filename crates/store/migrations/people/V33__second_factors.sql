-- The second factor of a person: the secret from which their device makes codes, sealed like other secrets.
CREATE TABLE second_factors (
    person BLOB NOT NULL PRIMARY KEY REFERENCES persons (id),
    sealed TEXT NOT NULL,
    key TEXT NOT NULL, -- the name of the key that it is sealed under
    offered_at INTEGER NOT NULL,
    confirmed_at INTEGER, -- nothing as long as no code has confirmed it, and it binds nobody
    last_step INTEGER NOT NULL -- the step of 30 seconds whose code was taken last: none of it or of before is taken
) STRICT, WITHOUT ROWID;
-- Codes for whoever lost their device, each good once. Their hashes alone are kept.
CREATE TABLE recovery_codes (
    person BLOB NOT NULL REFERENCES persons (id),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    used_at INTEGER,
    PRIMARY KEY (person, hash)
) STRICT, WITHOUT ROWID;
-- Tries to sign in as a person that failed, until the person has been told of them.
CREATE TABLE failed_sign_ins (
    person BLOB NOT NULL PRIMARY KEY REFERENCES persons (id),
    tries INTEGER NOT NULL,
    since INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    last_from TEXT NOT NULL
) STRICT, WITHOUT ROWID;
-- The key by which a browser proves that somebody has signed in with it before. It opens nothing.
CREATE TABLE browser_key (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    key BLOB NOT NULL CHECK (length(key) = 32)
) STRICT;
-- How the person of a session has shown who they are.
ALTER TABLE sessions ADD COLUMN way TEXT NOT NULL DEFAULT 'password';
