-- Applications: what is asked of the center and decided by steps. A stranger's is known by the hash of its tracking secret,
-- a member's by the member.
CREATE TABLE applications (
    id BLOB PRIMARY KEY CHECK (length(id) = 16),
    kind TEXT NOT NULL,
    number TEXT NOT NULL UNIQUE,
    domain TEXT NOT NULL,
    applicant BLOB REFERENCES members (id),
    tracking BLOB CHECK (length(tracking) = 32),
    from_address TEXT NOT NULL, -- empty where a member asks
    form_version INTEGER NOT NULL,
    answers TEXT NOT NULL, -- JSON, by the kind's form
    state TEXT NOT NULL,
    round INTEGER NOT NULL, -- how often it was handed in
    steps TEXT NOT NULL, -- JSON, fixed when it is handed in
    step INTEGER NOT NULL, -- the step whose turn it is, from 0
    decision TEXT NOT NULL, -- JSON; null where there is none
    tenant BLOB REFERENCES tenants (id), -- whose it is, or became with its effect
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    due_at INTEGER, -- when a review should be over
    expires_at INTEGER, -- when the clock ends it
    CHECK ((applicant IS NULL) <> (tracking IS NULL))
) STRICT;
CREATE INDEX applications_by_state ON applications (state, id);
CREATE INDEX applications_by_expiry ON applications (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX drafts_by_address ON applications (from_address) WHERE state = 'draft';
-- What was done with an application, in order; never changed.
CREATE TABLE application_acts (
    application BLOB NOT NULL REFERENCES applications (id),
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    deed TEXT NOT NULL,
    by BLOB REFERENCES members (id), -- a reviewer, or a member who asks
    round INTEGER NOT NULL,
    step INTEGER NOT NULL,
    score INTEGER,
    reason TEXT NOT NULL, -- for the applicant to read
    note TEXT NOT NULL, -- for the center's own people
    changes TEXT NOT NULL, -- JSON: answers as they are granted
    PRIMARY KEY (application, seq)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER application_acts_stay BEFORE UPDATE ON application_acts
BEGIN SELECT RAISE(ABORT, 'acts of applications are only added'); END;
CREATE TRIGGER application_acts_are_kept BEFORE DELETE ON application_acts
BEGIN SELECT RAISE(ABORT, 'acts of applications are only added'); END;
-- The first administrators of tenants that came of applications, and the link by which each sets a first password.
CREATE TABLE first_accounts (
    application BLOB PRIMARY KEY REFERENCES applications (id),
    member BLOB NOT NULL REFERENCES members (id),
    link BLOB CHECK (length(link) = 32), -- the hash of its secret; none where no reviewer asked for one
    link_ends_at INTEGER
) STRICT, WITHOUT ROWID;
