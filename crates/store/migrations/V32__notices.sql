-- Notices 通知: what happens reaches whom it concerns. The events themselves are the outbox: this says up to which event
-- everything was handed on. What happened before there were notices is nobody's notice.
CREATE TABLE notice_cursor (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL
) STRICT;
INSERT INTO notice_cursor SELECT 1, COALESCE(MAX(seq), 0) FROM events;
-- The inboxes of members.
CREATE TABLE notices (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    member BLOB NOT NULL REFERENCES members (id),
    event INTEGER NOT NULL,
    topic TEXT NOT NULL,
    at INTEGER NOT NULL,
    data TEXT NOT NULL, -- JSON, the event's
    href TEXT NOT NULL, -- the page that it is about; empty where there is none
    read_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX notices_once ON notices (member, event, topic);
CREATE INDEX notices_unread ON notices (member) WHERE read_at IS NULL;
CREATE INDEX notices_read ON notices (read_at) WHERE read_at IS NOT NULL;
-- What persons want otherwise than by default.
CREATE TABLE notice_wishes (
    person BLOB NOT NULL REFERENCES persons (id),
    topic TEXT NOT NULL,
    channel TEXT NOT NULL,
    is_wanted INTEGER NOT NULL CHECK (is_wanted IN (0, 1)),
    PRIMARY KEY (person, topic, channel)
) STRICT, WITHOUT ROWID;
CREATE TABLE notice_manners (
    person BLOB NOT NULL PRIMARY KEY REFERENCES persons (id),
    lang TEXT, -- none: both languages
    daily_at INTEGER, -- the hour of the center's zone at which mail comes; none: at once
    quiet_from INTEGER, -- hours of the center's zone
    quiet_until INTEGER
) STRICT, WITHOUT ROWID;
-- Notices that wait for the next mail to a person.
CREATE TABLE mail_items (
    person BLOB NOT NULL REFERENCES persons (id),
    event INTEGER NOT NULL,
    topic TEXT NOT NULL,
    at INTEGER NOT NULL,
    data TEXT NOT NULL,
    href TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    PRIMARY KEY (person, event, topic)
) STRICT, WITHOUT ROWID;
CREATE INDEX mail_items_by_due ON mail_items (due_at);
-- Mails: those that wait, and for a time those that went or could not.
CREATE TABLE mails (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    once TEXT UNIQUE, -- what it is about, where it may be sent once only
    person BLOB REFERENCES persons (id),
    address TEXT NOT NULL,
    purpose TEXT NOT NULL,
    data TEXT NOT NULL, -- JSON: what the words are made of
    path TEXT NOT NULL, -- the page that it leads to
    sealed TEXT, -- the end of that path, where it is a secret
    sealing_key TEXT NOT NULL,
    lang TEXT,
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    state TEXT NOT NULL,
    answer TEXT NOT NULL, -- what the relay said last
    ended_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX mails_waiting ON mails (due_at) WHERE state = 'waiting';
CREATE INDEX mails_ended ON mails (ended_at) WHERE ended_at IS NOT NULL;
-- Keys that sign links, by what the links are for.
CREATE TABLE link_keys (
    purpose TEXT NOT NULL PRIMARY KEY,
    bytes BLOB NOT NULL CHECK (length(bytes) = 32)
) STRICT, WITHOUT ROWID;
-- Endpoints elsewhere that events are posted to: webhooks and chat bots, of a tenant or of the center.
CREATE TABLE endpoints (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant BLOB REFERENCES tenants (id), -- nothing: the center
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    shown TEXT NOT NULL, -- the address, without what is secret of it
    sealed TEXT NOT NULL, -- JSON, sealed: address and secrets
    sealing_key TEXT NOT NULL,
    old_until INTEGER, -- until when the secret before this one signs as well
    kinds TEXT NOT NULL, -- JSON: kinds of events
    lang TEXT NOT NULL,
    is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
    why TEXT NOT NULL, -- why the center disabled it
    failures INTEGER NOT NULL, -- in a row
    rest_until INTEGER,
    created_by BLOB NOT NULL REFERENCES members (id),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX endpoints_by_tenant ON endpoints (tenant, id);
CREATE TABLE deliveries (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    endpoint BLOB NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
    event INTEGER, -- none: a test
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    status INTEGER, -- of the last answer
    answer TEXT NOT NULL, -- the beginning of the last answer, or why there was none
    tried_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX deliveries_once ON deliveries (endpoint, event) WHERE event IS NOT NULL;
CREATE INDEX deliveries_waiting ON deliveries (endpoint, due_at) WHERE state = 'waiting';
CREATE INDEX deliveries_ended ON deliveries (tried_at) WHERE state <> 'waiting';
-- Links by which a person who forgot a password sets another; of the link's secret the hash alone is kept.
CREATE TABLE password_resets (
    hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    person BLOB NOT NULL REFERENCES persons (id),
    made_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX password_resets_by_person ON password_resets (person);
-- Warnings about contracts that were given. Each is given once for what it is about: the funds, or the end of the term.
CREATE TABLE contract_warnings (
    contract BLOB NOT NULL REFERENCES contracts (id),
    warning TEXT NOT NULL,
    threshold INTEGER NOT NULL,
    basis INTEGER NOT NULL,
    told_at INTEGER NOT NULL,
    PRIMARY KEY (contract, warning, threshold, basis)
) STRICT, WITHOUT ROWID;
-- The secret ends of strangers' links to their applications, sealed, for mails that tell of moves.
CREATE TABLE application_links (
    application BLOB NOT NULL PRIMARY KEY REFERENCES applications (id),
    sealed TEXT NOT NULL,
    sealing_key TEXT NOT NULL
) STRICT, WITHOUT ROWID;
