-- What applicants add to their applications: scans of licences, letters, approvals. It goes when an application is withdrawn or
-- has expired, and stays with what was decided.
CREATE TABLE attachments (
    application BLOB NOT NULL REFERENCES applications (id),
    number INTEGER NOT NULL, -- from 1, within its application
    name TEXT NOT NULL,
    kind TEXT NOT NULL, -- by its first bytes
    bytes INTEGER NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32), -- SHA-256
    added_at INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (application, number)
) STRICT;
