-- The whole schema. It is written from the migrations, which are what counts; change it by a new one.
--
-- Ids are 16-byte UUIDs of version 7, so their order is the order of creation. Instants are microseconds UTC, use is
-- card-milliseconds, money is micro-CNY. Codes are those of the domain's `code()`.

CREATE TABLE alliances (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    slug TEXT NOT NULL UNIQUE,
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL,
    -- How many of its idle guaranteed cards an alliance lends to those outside of it; nothing: all of them.
    lending_limit INTEGER CHECK (lending_limit >= 0)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER alliances_added AFTER INSERT ON alliances
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('alliances', NEW.id, 0); END;
CREATE TRIGGER alliances_changed AFTER UPDATE ON alliances
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('alliances', OLD.id, 0); INSERT OR IGNORE INTO unsealed_changes VALUES ('alliances', NEW.id, 0); END;
CREATE TRIGGER alliances_removed AFTER DELETE ON alliances
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('alliances', OLD.id, 0); END;

CREATE TABLE tenants (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    slug TEXT NOT NULL UNIQUE,
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL,
    domain TEXT NOT NULL,
    alliance BLOB REFERENCES alliances (id),
    uid_index INTEGER NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    -- Whom statements are made out to, as it is registered; empty where nobody said.
    legal_name TEXT NOT NULL DEFAULT '',
    -- The unified social credit code; empty where there is none or nobody said.
    tax_number TEXT NOT NULL DEFAULT '' CHECK (tax_number = '' OR length(tax_number) = 18),
    -- A tax number of another kind, where there is no such code.
    other_tax_number TEXT NOT NULL DEFAULT '' CHECK (tax_number = '' OR other_tax_number = '')
) STRICT, WITHOUT ROWID;
CREATE TRIGGER tenants_added AFTER INSERT ON tenants
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('tenants', NEW.id, 0); END;
CREATE TRIGGER tenants_changed AFTER UPDATE ON tenants
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('tenants', OLD.id, 0); INSERT OR IGNORE INTO unsealed_changes VALUES ('tenants', NEW.id, 0); END;
CREATE TRIGGER tenants_removed AFTER DELETE ON tenants
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('tenants', OLD.id, 0); END;

CREATE TABLE tokens (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    member BLOB NOT NULL REFERENCES members (id),
    name TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    -- When a token was last shown, to within some minutes; nothing where it never was.
    last_used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_by_member ON tokens (member, id);

CREATE TABLE sessions (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    member BLOB NOT NULL REFERENCES members (id),
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    csrf TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- From where a browser was signed in, and what it said of itself; nothing for those of before.
    from_address TEXT NOT NULL DEFAULT '',
    program TEXT NOT NULL DEFAULT '',
    -- How the person of a session has shown who they are.
    way TEXT NOT NULL DEFAULT 'password'
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_member ON sessions (member, id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
CREATE TRIGGER session_origins_end AFTER DELETE ON sessions
BEGIN DELETE FROM session_origins WHERE session = OLD.id; END;

CREATE TABLE pools (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name TEXT NOT NULL UNIQUE,
    model TEXT NOT NULL, -- JSON
    retired_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE TRIGGER pools_added AFTER INSERT ON pools
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('pools', NEW.id, 0); END;
CREATE TRIGGER pools_changed AFTER UPDATE ON pools
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('pools', OLD.id, 0); INSERT OR IGNORE INTO unsealed_changes VALUES ('pools', NEW.id, 0); END;
CREATE TRIGGER pools_removed AFTER DELETE ON pools
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('pools', OLD.id, 0); END;

CREATE TABLE nodes (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    pool BLOB NOT NULL REFERENCES pools (id),
    name TEXT NOT NULL UNIQUE,
    cards INTEGER NOT NULL CHECK (cards BETWEEN 1 AND 64),
    rings TEXT NOT NULL, -- JSON: a number for each ring, whose bits are its cards
    is_virtual INTEGER NOT NULL CHECK (is_virtual IN (0, 1)),
    switch TEXT NOT NULL,
    since INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    -- What jobs may ask of a node, as a JSON list of texts; and when it will be out for maintenance: {"from": …, "until": …,
    -- "reason": …}, instants as everywhere.
    labels TEXT NOT NULL DEFAULT '[]',
    maintenance TEXT,
    -- Nodes that were retired or removed, and pools that were retired. Their rows stay, since runs and stretches name them.
    gone_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE TRIGGER nodes_added AFTER INSERT ON nodes
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('nodes', NEW.id, 0); END;
CREATE TRIGGER nodes_changed AFTER UPDATE OF id, pool, name, cards, is_virtual, since ON nodes
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('nodes', OLD.id, 0); INSERT OR IGNORE INTO unsealed_changes VALUES ('nodes', NEW.id, 0); END;
CREATE TRIGGER nodes_removed AFTER DELETE ON nodes
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('nodes', OLD.id, 0); END;

-- A node's life: each stretch begins where the one before ended, the last is open.
CREATE TABLE node_stretches (
    node BLOB NOT NULL REFERENCES nodes (id),
    from_at INTEGER NOT NULL,
    until_at INTEGER CHECK (until_at > from_at),
    cards INTEGER NOT NULL,
    condition TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (node, from_at)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX node_stretches_open ON node_stretches (node) WHERE until_at IS NULL;
CREATE TRIGGER node_stretches_added AFTER INSERT ON node_stretches
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('node_stretches', NEW.node, NEW.from_at); END;
CREATE TRIGGER node_stretches_changed AFTER UPDATE ON node_stretches
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('node_stretches', OLD.node, OLD.from_at); INSERT OR IGNORE INTO unsealed_changes VALUES ('node_stretches', NEW.node, NEW.from_at); END;
CREATE TRIGGER node_stretches_removed AFTER DELETE ON node_stretches
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('node_stretches', OLD.node, OLD.from_at); END;

CREATE TABLE contracts (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant BLOB NOT NULL REFERENCES tenants (id),
    number TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL, -- JSON, the numbers of the kind included
    pools TEXT NOT NULL, -- JSON: ids
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    queue TEXT NOT NULL, -- JSON
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX contracts_by_tenant ON contracts (tenant, id);
CREATE TRIGGER contracts_added AFTER INSERT ON contracts
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('contracts', NEW.id, 0); END;
CREATE TRIGGER contracts_changed AFTER UPDATE ON contracts
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('contracts', OLD.id, 0); INSERT OR IGNORE INTO unsealed_changes VALUES ('contracts', NEW.id, 0); END;
CREATE TRIGGER contracts_removed AFTER DELETE ON contracts
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('contracts', OLD.id, 0); END;

CREATE TABLE contract_events (
    seq INTEGER PRIMARY KEY,
    contract BLOB NOT NULL REFERENCES contracts (id),
    at INTEGER NOT NULL,
    actor BLOB REFERENCES members (id),
    action TEXT NOT NULL,
    reason TEXT NOT NULL,
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL
) STRICT;
CREATE INDEX contract_events_by_contract ON contract_events (contract, seq);
CREATE TRIGGER contract_events_never_change BEFORE UPDATE ON contract_events
BEGIN SELECT RAISE(ABORT, 'the history of a contract is append-only'); END;
CREATE TRIGGER contract_events_never_go BEFORE DELETE ON contract_events
BEGIN SELECT RAISE(ABORT, 'the history of a contract is append-only'); END;
CREATE TRIGGER contract_events_added AFTER INSERT ON contract_events
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('contract_events', NEW.seq, 0); END;

CREATE TABLE price_books (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name TEXT NOT NULL UNIQUE,
    effective_from INTEGER NOT NULL,
    prices TEXT NOT NULL, -- JSON
    waivers TEXT NOT NULL DEFAULT '{"lost_percent":100,
    "preempted_percent":100}'
) STRICT, WITHOUT ROWID;
CREATE TRIGGER price_books_never_change BEFORE UPDATE ON price_books
BEGIN SELECT RAISE(ABORT, 'a price book is never changed: a new version takes its place'); END;
CREATE TRIGGER price_books_never_go BEFORE DELETE ON price_books
BEGIN SELECT RAISE(ABORT, 'a price book is never deleted'); END;
CREATE TRIGGER price_books_added AFTER INSERT ON price_books
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('price_books', NEW.id, 0); END;

CREATE TABLE projects (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant BLOB NOT NULL REFERENCES tenants (id),
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    contract BLOB REFERENCES contracts (id),
    created_at INTEGER NOT NULL,
    UNIQUE (tenant, slug)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER projects_added AFTER INSERT ON projects
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('projects', NEW.id, 0); END;
CREATE TRIGGER projects_changed AFTER UPDATE ON projects
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('projects', OLD.id, 0); INSERT OR IGNORE INTO unsealed_changes VALUES ('projects', NEW.id, 0); END;
CREATE TRIGGER projects_removed AFTER DELETE ON projects
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('projects', OLD.id, 0); END;

-- What a list shows of a job. What was asked for word by word is in job_specs, so that lists read narrow rows.
CREATE TABLE jobs (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant BLOB NOT NULL REFERENCES tenants (id),
    domain TEXT NOT NULL, -- the tenant's, for lists by domain
    project BLOB NOT NULL REFERENCES projects (id),
    contract BLOB NOT NULL REFERENCES contracts (id),
    submitted_by BLOB NOT NULL REFERENCES members (id),
    submitted_at INTEGER NOT NULL,
    name TEXT NOT NULL,
    nodes INTEGER NOT NULL,
    cards_per_node INTEGER NOT NULL,
    card_model TEXT,
    class TEXT NOT NULL,
    state TEXT NOT NULL, -- the state, or how it ended
    stop_cause TEXT,
    started_at INTEGER, -- when its first run began
    ended_at INTEGER,
    tasks_total INTEGER NOT NULL,
    tasks_next INTEGER NOT NULL,
    tasks_to_retry INTEGER NOT NULL,
    tasks_running INTEGER NOT NULL,
    tasks_succeeded INTEGER NOT NULL,
    tasks_failed INTEGER NOT NULL,
    tasks_stopped INTEGER NOT NULL,
    used_card_ms INTEGER NOT NULL,
    charged_micro_cny INTEGER NOT NULL,
    -- What a job asked for; nothing where it left that to the center.
    time_limit_ms INTEGER,
    -- Tasks that were cancelled before their turn: how many, and which, as JSON.
    tasks_dropped INTEGER NOT NULL DEFAULT 0,
    dropped TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_by_tenant ON jobs (tenant, id);
CREATE INDEX jobs_by_tenant_state ON jobs (tenant, state, id);
CREATE INDEX jobs_by_state ON jobs (state, id);
CREATE INDEX jobs_by_domain ON jobs (domain, id);
CREATE INDEX jobs_by_project ON jobs (project, id);
CREATE INDEX jobs_by_contract ON jobs (contract, id);
CREATE INDEX jobs_active ON jobs (id) WHERE ended_at IS NULL;
CREATE INDEX jobs_by_member ON jobs (submitted_by, id);
CREATE INDEX jobs_by_tail ON jobs (
    hex(substr(id, 16, 1)) || hex(substr(id, 15, 1)) || hex(substr(id, 14, 1)) || hex(substr(id, 13, 1))
);
CREATE INDEX jobs_by_end ON jobs (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX jobs_by_tenant_end ON jobs (tenant, ended_at) WHERE ended_at IS NOT NULL;
CREATE TRIGGER jobs_are_unsealed AFTER INSERT ON jobs
BEGIN INSERT INTO unsealed (kind, key) VALUES ('jobs', NEW.id); END;

CREATE TABLE job_specs (
    job BLOB NOT NULL PRIMARY KEY REFERENCES jobs (id),
    spec TEXT NOT NULL -- JSON
) STRICT, WITHOUT ROWID;

-- How many jobs each tenant has in each state; changed with the jobs, in the same transaction.
CREATE TABLE job_counts (
    tenant BLOB NOT NULL REFERENCES tenants (id),
    state TEXT NOT NULL,
    jobs INTEGER NOT NULL CHECK (jobs >= 0),
    PRIMARY KEY (tenant, state)
) STRICT, WITHOUT ROWID;

-- Tasks to be tried again, with the attempt that comes.
CREATE TABLE job_retries (
    job BLOB NOT NULL REFERENCES jobs (id),
    task INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    PRIMARY KEY (job, task)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    job BLOB NOT NULL REFERENCES jobs (id),
    tenant BLOB NOT NULL REFERENCES tenants (id),
    contract BLOB NOT NULL REFERENCES contracts (id),
    task INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    placement BLOB NOT NULL, -- for each node 16 bytes of its id and 8 bytes of its cards, big-endian
    rate_micro_cny INTEGER NOT NULL,
    is_granted INTEGER NOT NULL CHECK (is_granted IN (0, 1)),
    planned_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    stop_cause TEXT,
    stop_at INTEGER,
    outcome TEXT,
    outcome_number INTEGER NOT NULL,
    used_card_ms INTEGER NOT NULL, -- as far as it is metered
    charged_micro_cny INTEGER NOT NULL, price_book BLOB REFERENCES price_books (id), charged_at_most_ms INTEGER, charged_until INTEGER,
    CHECK ((ended_at IS NULL) = (outcome IS NULL)),
    CHECK (ended_at >= started_at)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX runs_by_attempt ON runs (job, task, attempt);
CREATE INDEX runs_by_job ON runs (job, id);
CREATE INDEX runs_active ON runs (id) WHERE ended_at IS NULL;
CREATE INDEX runs_by_start ON runs (started_at, ended_at) WHERE started_at IS NOT NULL;
CREATE INDEX runs_by_tail ON runs (
    hex(substr(id, 16, 1)) || hex(substr(id, 15, 1)) || hex(substr(id, 14, 1)) || hex(substr(id, 13, 1))
);
CREATE INDEX runs_by_outcome ON runs (job, outcome, task, attempt);
CREATE TRIGGER runs_are_unsealed AFTER UPDATE OF ended_at ON runs WHEN OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL
BEGIN INSERT INTO unsealed (kind, key) VALUES ('runs', NEW.id); END;
CREATE TRIGGER runs_that_come_ended_are_unsealed AFTER INSERT ON runs WHEN NEW.ended_at IS NOT NULL
BEGIN INSERT INTO unsealed (kind, key) VALUES ('runs', NEW.id); END;

-- One row: the longest that any ended run took. It bounds the search for the runs of an interval.
CREATE TABLE run_bounds (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    longest_us INTEGER NOT NULL
) STRICT;

-- The ledger. `cash`, `revenue`, `capacity` and `delivered` are the center's; `contract` goes with a contract's id.
CREATE TABLE transfers (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL CHECK (length(id) = 16),
    key TEXT NOT NULL UNIQUE,
    at INTEGER NOT NULL,
    unit TEXT NOT NULL CHECK (unit IN ('card_ms', 'micro_cny')),
    debit TEXT NOT NULL,
    debit_contract BLOB REFERENCES contracts (id),
    credit TEXT NOT NULL,
    credit_contract BLOB REFERENCES contracts (id),
    amount INTEGER NOT NULL CHECK (amount > 0),
    cause TEXT NOT NULL,
    run BLOB REFERENCES runs (id), corrects TEXT,
    CHECK ((debit = 'contract') = (debit_contract IS NOT NULL)),
    CHECK ((credit = 'contract') = (credit_contract IS NOT NULL)),
    CHECK (debit <> credit OR (debit_contract IS NOT NULL AND debit_contract <> credit_contract))
) STRICT;
CREATE INDEX transfers_by_debit ON transfers (debit_contract, at, seq) WHERE debit_contract IS NOT NULL;
CREATE INDEX transfers_by_credit ON transfers (credit_contract, at, seq) WHERE credit_contract IS NOT NULL;
CREATE INDEX transfers_by_run ON transfers (run, seq) WHERE run IS NOT NULL;
CREATE INDEX transfers_cancelled ON transfers (debit_contract, amount) WHERE cause = 'fee_cancelled';
CREATE TRIGGER transfers_never_change BEFORE UPDATE ON transfers
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: transfers are never changed'); END;
CREATE TRIGGER transfers_never_go BEFORE DELETE ON transfers
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: transfers are never deleted'); END;
CREATE TRIGGER entries_added AFTER INSERT ON transfers WHEN NEW.cause NOT IN ('use', 'refund', 'waiver')
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('entries', NEW.seq, 0); END;

-- Sums of the transfers up to one of them, so that a balance need not add up all. Derived: the transfers are the truth.
CREATE TABLE ledger_sums (
    account TEXT NOT NULL,
    contract BLOB NOT NULL, -- empty for the center's accounts
    unit TEXT NOT NULL,
    debits INTEGER NOT NULL,
    credits INTEGER NOT NULL,
    PRIMARY KEY (account, contract, unit)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger_checkpoint (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    upto_seq INTEGER NOT NULL
) STRICT;

CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    tenant BLOB,
    job BLOB,
    run BLOB,
    kind TEXT NOT NULL,
    data TEXT NOT NULL -- JSON
) STRICT;
CREATE INDEX events_by_tenant ON events (tenant, seq) WHERE tenant IS NOT NULL;
CREATE INDEX events_by_job ON events (job, seq) WHERE job IS NOT NULL;

CREATE TABLE audit (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    at INTEGER NOT NULL,
    actor BLOB,
    actor_login TEXT NOT NULL,
    role TEXT NOT NULL,
    tenant BLOB,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    from_address TEXT NOT NULL,
    detail TEXT NOT NULL -- JSON
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_by_tenant ON audit (tenant, id) WHERE tenant IS NOT NULL;
CREATE INDEX audit_by_actor ON audit (actor, id) WHERE actor IS NOT NULL;
CREATE INDEX audit_by_action ON audit (action, id);
CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only: its lines are never changed'); END;
CREATE TRIGGER audit_never_goes BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only: its lines are never deleted'); END;
CREATE TRIGGER audit_is_unsealed AFTER INSERT ON audit
BEGIN INSERT INTO unsealed (kind, key) VALUES ('audit', NEW.id); END;

-- Answers given, so that a request that is sent again is not done again.
CREATE TABLE idempotency (
    seq INTEGER PRIMARY KEY,
    member BLOB NOT NULL,
    key TEXT NOT NULL,
    request_hash BLOB NOT NULL CHECK (length(request_hash) = 32),
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX idempotency_by_key ON idempotency (member, key);
CREATE INDEX idempotency_by_age ON idempotency (created_at);

-- What each project's runs used and were charged, by the day (UTC) on which it was metered. Changed with the ledger, in
-- the same transaction; the ledger is the truth.
CREATE TABLE use_by_day (
    day INTEGER NOT NULL, -- days since 1970-01-01
    tenant BLOB NOT NULL REFERENCES tenants (id),
    project BLOB NOT NULL REFERENCES projects (id),
    runs INTEGER NOT NULL, -- that ended on that day
    used_card_ms INTEGER NOT NULL,
    charged_micro_cny INTEGER NOT NULL,
    PRIMARY KEY (day, tenant, project)
) STRICT, WITHOUT ROWID;

-- Jobs that somebody handed to Slurm directly: as they were seen there. Each is a job here too, with one run.
CREATE TABLE direct_jobs (
    job BLOB NOT NULL PRIMARY KEY REFERENCES jobs (id),
    seen TEXT NOT NULL -- JSON
) STRICT, WITHOUT ROWID;

-- Payments: each reference once in the center, whatever contract it was for; trimmed, in small letters.
CREATE TABLE payments (
    reference TEXT NOT NULL PRIMARY KEY,
    contract BLOB NOT NULL REFERENCES contracts (id),
    purpose TEXT NOT NULL, -- of its balance, or of its fee
    given_as TEXT NOT NULL, -- the reference as it was given
    amount_micro_cny INTEGER NOT NULL CHECK (amount_micro_cny >= 0),
    card_ms INTEGER NOT NULL CHECK (card_ms >= 0),
    bank TEXT NOT NULL,
    paid_on TEXT NOT NULL, -- a date, 2026-11-30; empty where nobody said
    payer TEXT NOT NULL,
    booked_at INTEGER NOT NULL,
    booked_by BLOB REFERENCES members (id) -- nothing for those of before
) STRICT, WITHOUT ROWID;
CREATE INDEX payments_by_contract ON payments (contract, booked_at);
CREATE TRIGGER payments_never_change BEFORE UPDATE ON payments
BEGIN SELECT RAISE(ABORT, 'payments are append-only: they are never changed'); END;
CREATE TRIGGER payments_never_go BEFORE DELETE ON payments
BEGIN SELECT RAISE(ABORT, 'payments are append-only: they are never deleted'); END;
CREATE TRIGGER payments_added AFTER INSERT ON payments
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('payments', NEW.reference, 0); END;

-- Months that are closed: nothing is posted into them any more.
CREATE TABLE periods (
    month TEXT NOT NULL PRIMARY KEY, -- 2026-11
    from_at INTEGER NOT NULL,
    until_at INTEGER NOT NULL,
    closed_at INTEGER NOT NULL,
    closed_by BLOB NOT NULL REFERENCES members (id)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER periods_never_change BEFORE UPDATE ON periods
BEGIN SELECT RAISE(ABORT, 'a closed period is never changed'); END;
CREATE TRIGGER periods_never_open BEFORE DELETE ON periods
BEGIN SELECT RAISE(ABORT, 'a closed period never opens again'); END;
CREATE TRIGGER periods_added AFTER INSERT ON periods
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('periods', NEW.month, 0); END;

-- The statements of closed months, as they were given out: the bytes, and their SHA-256.
CREATE TABLE statements (
    number TEXT NOT NULL PRIMARY KEY,
    month TEXT NOT NULL REFERENCES periods (month),
    contract BLOB NOT NULL REFERENCES contracts (id),
    body TEXT NOT NULL, -- JSON
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    UNIQUE (contract, month)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER statements_never_change BEFORE UPDATE ON statements
BEGIN SELECT RAISE(ABORT, 'a statement that was given out is never changed'); END;
CREATE TRIGGER statements_never_go BEFORE DELETE ON statements
BEGIN SELECT RAISE(ABORT, 'a statement that was given out is never deleted'); END;
CREATE TRIGGER statements_added AFTER INSERT ON statements
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('statements', NEW.number, 0); END;

-- The settings by which the center counts, and since when each value is in force.
CREATE TABLE settings_in_force (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL
) STRICT;
CREATE TRIGGER settings_in_force_never_change BEFORE UPDATE ON settings_in_force
BEGIN SELECT RAISE(ABORT, 'the history of settings is append-only'); END;
CREATE TRIGGER settings_in_force_never_go BEFORE DELETE ON settings_in_force
BEGIN SELECT RAISE(ABORT, 'the history of settings is append-only'); END;
CREATE TRIGGER settings_in_force_added AFTER INSERT ON settings_in_force
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('settings_in_force', NEW.seq, 0); END;

-- The chain: each link has the SHA-256 of what it covers and of the link before, so that nothing of the past can be
-- changed without changing every later link. docs/books.md says byte by byte what a digest is made of.
CREATE TABLE chain (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    previous BLOB NOT NULL CHECK (length(previous) = 32),
    digest BLOB NOT NULL CHECK (length(digest) = 32)
) STRICT;
CREATE TRIGGER chain_never_changes BEFORE UPDATE ON chain
BEGIN SELECT RAISE(ABORT, 'the chain is append-only: its links are never changed'); END;
CREATE TRIGGER chain_never_goes BEFORE DELETE ON chain
BEGIN SELECT RAISE(ABORT, 'the chain is append-only: its links are never deleted'); END;

-- What a link covers: rows of one kind.
CREATE TABLE chain_parts (
    link INTEGER NOT NULL REFERENCES chain (seq),
    kind TEXT NOT NULL,
    columns TEXT NOT NULL, -- those that are covered, with commas between
    first_row INTEGER NOT NULL, -- 0 where rows have no order of their own
    last_row INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    items BLOB NOT NULL, -- what tells one row from the other when the digest is another
    PRIMARY KEY (link, kind)
) STRICT;
CREATE TRIGGER chain_parts_never_change BEFORE UPDATE ON chain_parts
BEGIN SELECT RAISE(ABORT, 'the chain is append-only: its links are never changed'); END;
CREATE TRIGGER chain_parts_never_go BEFORE DELETE ON chain_parts
BEGIN SELECT RAISE(ABORT, 'the chain is append-only: its links are never deleted'); END;

-- The chain's head at an instant, as it was signed and given out.
CREATE TABLE roots (
    number INTEGER PRIMARY KEY,
    link INTEGER NOT NULL REFERENCES chain (seq),
    at INTEGER NOT NULL,
    occasion TEXT NOT NULL,
    line TEXT NOT NULL, -- JSON, as it is in the file of roots
    pushed_at INTEGER
) STRICT;
CREATE TRIGGER roots_never_change BEFORE UPDATE OF number, link, at, occasion, line ON roots
BEGIN SELECT RAISE(ABORT, 'a root is never changed'); END;
CREATE TRIGGER roots_never_go BEFORE DELETE ON roots
BEGIN SELECT RAISE(ABORT, 'a root is never deleted'); END;

-- Rows that no link covers yet, in the order of their commits. The center takes them some seconds later.
CREATE TABLE unsealed (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    key BLOB NOT NULL
) STRICT;

-- Rows that were changed in this transaction, and are sealed before it is committed: outside of a transaction it is empty.
CREATE TABLE unsealed_changes (
    kind TEXT NOT NULL,
    key ANY NOT NULL,
    part ANY NOT NULL, -- the second column of the key, or 0
    PRIMARY KEY (kind, key, part)
) STRICT, WITHOUT ROWID;

-- Entries by which people put right what was booked: proposed by one, decided by another.
CREATE TABLE "corrections" (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    kind TEXT NOT NULL,
    contract BLOB NOT NULL REFERENCES contracts (id),
    other_contract BLOB REFERENCES contracts (id), -- where money is moved to
    amount_micro_cny INTEGER NOT NULL CHECK (amount_micro_cny > 0 OR (kind = 'reversal' AND amount_micro_cny = 0)),
    corrects TEXT NOT NULL, -- a payment's reference, a run, an entry's number, a month or the contract's number
    reason TEXT NOT NULL,
    reference TEXT NOT NULL, -- the bank's for money that leaves; else empty
    state TEXT NOT NULL,
    proposed_by BLOB NOT NULL REFERENCES members (id),
    proposed_at INTEGER NOT NULL,
    decided_by BLOB REFERENCES members (id),
    decided_at INTEGER,
    note TEXT NOT NULL -- why it was refused
) STRICT, WITHOUT ROWID;
CREATE INDEX corrections_by_contract ON corrections (contract, id);
CREATE INDEX corrections_by_state ON corrections (state, id);
CREATE INDEX corrections_of ON corrections (corrects);
CREATE TRIGGER corrections_never_go BEFORE DELETE ON corrections
BEGIN SELECT RAISE(ABORT, 'corrections are never deleted'); END;
CREATE TRIGGER corrections_added AFTER INSERT ON corrections
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('corrections', NEW.id, 0); END;
CREATE TRIGGER corrections_changed AFTER UPDATE ON corrections
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('corrections', NEW.id, 0); END;
CREATE TRIGGER corrections_reverse_once BEFORE INSERT ON corrections WHEN NEW.kind = 'reversal' AND EXISTS
    (SELECT 1 FROM corrections WHERE corrects = NEW.corrects AND kind = 'reversal' AND state <> 'refused')
BEGIN SELECT RAISE(ABORT, 'a payment is reversed once'); END;
CREATE TRIGGER corrections_pay_out_once BEFORE INSERT ON corrections WHEN NEW.kind = 'pay_out' AND EXISTS
    (SELECT 1 FROM corrections
     WHERE lower(reference) = lower(NEW.reference) AND kind = 'pay_out' AND state <> 'refused')
BEGIN SELECT RAISE(ABORT, 'a reference pays out once'); END;

-- Rows that something else than the center has changed, found in front of the center's next change. They are never put
-- right: who audits the books asks what was done, and why.
CREATE TABLE foreign_changes (
    seq INTEGER NOT NULL PRIMARY KEY,
    found_at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    key ANY NOT NULL,
    part ANY NOT NULL
) STRICT;
CREATE TRIGGER foreign_changes_never_change BEFORE UPDATE ON foreign_changes
BEGIN SELECT RAISE(ABORT, 'a foreign change is never changed'); END;
CREATE TRIGGER foreign_changes_never_go BEFORE DELETE ON foreign_changes
BEGIN SELECT RAISE(ABORT, 'a foreign change is never deleted'); END;
CREATE TRIGGER foreign_changes_are_unsealed AFTER INSERT ON foreign_changes
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('foreign_changes', NEW.seq, 0); END;

-- Changes of active contracts: drawn up by one, decided by another, with the terms as they are after them.
CREATE TABLE amendments (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    contract BLOB NOT NULL REFERENCES contracts (id),
    effective TEXT NOT NULL, -- when it takes effect, once it is approved
    kind TEXT NOT NULL, -- JSON
    ends_at INTEGER NOT NULL,
    queue TEXT NOT NULL, -- JSON
    reason TEXT NOT NULL,
    state TEXT NOT NULL,
    drawn_by BLOB NOT NULL REFERENCES members (id),
    drawn_at INTEGER NOT NULL,
    decided_by BLOB REFERENCES members (id),
    decided_at INTEGER,
    from_at INTEGER, -- from when on it holds, once it is approved
    note TEXT NOT NULL -- why it was refused
) STRICT, WITHOUT ROWID;
CREATE INDEX amendments_by_contract ON amendments (contract, id);
CREATE UNIQUE INDEX amendments_open ON amendments (contract) WHERE state IN ('proposed', 'approved');
CREATE INDEX amendments_coming ON amendments (from_at, id) WHERE state = 'approved';
CREATE TRIGGER amendments_never_go BEFORE DELETE ON amendments
BEGIN SELECT RAISE(ABORT, 'amendments are never deleted'); END;
CREATE TRIGGER amendments_added AFTER INSERT ON amendments
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('amendments', NEW.id, 0); END;
CREATE TRIGGER amendments_changed AFTER UPDATE ON amendments
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('amendments', OLD.id, 0); INSERT OR IGNORE INTO unsealed_changes VALUES ('amendments', NEW.id, 0); END;

-- The terms of contracts, each from an instant on: first those on which it became active, then those of its amendments.
CREATE TABLE contract_versions (
    contract BLOB NOT NULL REFERENCES contracts (id),
    number INTEGER NOT NULL CHECK (number > 0),
    amendment BLOB REFERENCES amendments (id),
    from_at INTEGER NOT NULL,
    kind TEXT NOT NULL, -- JSON
    ends_at INTEGER NOT NULL,
    queue TEXT NOT NULL, -- JSON
    PRIMARY KEY (contract, number)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER contract_versions_never_change BEFORE UPDATE ON contract_versions
BEGIN SELECT RAISE(ABORT, 'the versions of a contract are append-only: they are never changed'); END;
CREATE TRIGGER contract_versions_never_go BEFORE DELETE ON contract_versions
BEGIN SELECT RAISE(ABORT, 'the versions of a contract are append-only: they are never deleted'); END;
CREATE TRIGGER contract_versions_added AFTER INSERT ON contract_versions
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('contract_versions', NEW.contract, NEW.number); END;

-- Why runs and jobs ended as they did, where their outcome alone does not tell.
CREATE TABLE reasons (
    of BLOB NOT NULL PRIMARY KEY CHECK (length(of) = 16), -- a run, or a job
    reason TEXT NOT NULL -- JSON
) STRICT, WITHOUT ROWID;

-- The pools in which a job's runs had cards, for lists by pool.
CREATE TABLE job_pools (
    pool BLOB NOT NULL REFERENCES pools (id),
    job BLOB NOT NULL REFERENCES jobs (id),
    PRIMARY KEY (pool, job)
) STRICT, WITHOUT ROWID;

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

-- The past that was generated for a demo: whatever was asked for or posted before `until_at` never happened.
CREATE TABLE generated_past (
    from_at INTEGER NOT NULL,
    until_at INTEGER NOT NULL,
    seed INTEGER NOT NULL -- of the dice that it was thrown with
) STRICT;

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
CREATE TRIGGER persons_added AFTER INSERT ON persons
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('persons', NEW.id, 0); END;
CREATE TRIGGER persons_changed AFTER UPDATE OF id, login, is_enabled, created_at ON persons
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('persons', OLD.id, 0); INSERT OR IGNORE INTO unsealed_changes VALUES ('persons', NEW.id, 0); END;
CREATE TRIGGER persons_removed AFTER DELETE ON persons
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('persons', OLD.id, 0); END;

CREATE TABLE "members" (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    person BLOB NOT NULL REFERENCES persons (id),
    tenant BLOB REFERENCES tenants (id),
    role TEXT NOT NULL,
    is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
    created_at INTEGER NOT NULL,
    chosen_at INTEGER, -- when the person last signed in as this member, or changed over to it, in a browser
    -- By whom a membership is given: nothing for a person's hand, `oidc` or `scim`, with what it is called behind a colon.
    given_by TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_tenant ON members (tenant, id);
CREATE INDEX members_by_person ON members (person, id);
CREATE UNIQUE INDEX members_once_in_a_tenant ON members (person, tenant) WHERE tenant IS NOT NULL;
CREATE UNIQUE INDEX members_once_in_the_center ON members (person) WHERE tenant IS NULL;
CREATE TRIGGER members_added AFTER INSERT ON members
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('members', NEW.id, 0); END;
CREATE TRIGGER members_changed AFTER UPDATE OF id, person, tenant, role, is_enabled, created_at ON members
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('members', OLD.id, 0); INSERT OR IGNORE INTO unsealed_changes VALUES ('members', NEW.id, 0); END;
CREATE TRIGGER members_removed AFTER DELETE ON members
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('members', OLD.id, 0); END;

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

-- Notices 通知: what happens reaches whom it concerns. The events themselves are the outbox: this says up to which event
-- everything was handed on. What happened before there were notices is nobody's notice.
CREATE TABLE notice_cursor (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL
) STRICT;

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

-- Tokens that are good for one use, by their hash, until they have expired.
CREATE TABLE used_tokens (
    hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

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
CREATE TRIGGER programmes_added AFTER INSERT ON programmes
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('programmes', NEW.id, 0); END;

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
CREATE TRIGGER fundings_added AFTER INSERT ON fundings
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('fundings', NEW.id, 0); END;
CREATE TRIGGER fundings_changed AFTER UPDATE ON fundings
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('fundings', NEW.id, 0); END;

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
CREATE TRIGGER vouchers_added AFTER INSERT ON vouchers
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('vouchers', NEW.id, 0); END;
CREATE TRIGGER vouchers_changed AFTER UPDATE ON vouchers
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('vouchers', NEW.id, 0); END;

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
CREATE TRIGGER claims_added AFTER INSERT ON claims
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('claims', NEW.id, 0); END;
CREATE TRIGGER claims_changed AFTER UPDATE ON claims
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('claims', NEW.id, 0); END;

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
CREATE TRIGGER claim_acts_added AFTER INSERT ON claim_acts
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('claim_acts', NEW.claim, NEW.seq); END;

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
CREATE UNIQUE INDEX invoice_lines_live ON invoice_lines (statement) WHERE is_live = 1;
CREATE INDEX invoice_lines_by_statement ON invoice_lines (statement);
CREATE TRIGGER invoice_lines_never_go BEFORE DELETE ON invoice_lines
BEGIN SELECT RAISE(ABORT, 'lines of invoices are never deleted'); END;
CREATE TRIGGER invoice_lines_added AFTER INSERT ON invoice_lines
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('invoice_lines', NEW.invoice, NEW.place); END;
CREATE TRIGGER invoice_lines_changed AFTER UPDATE ON invoice_lines
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('invoice_lines', OLD.invoice, OLD.place); INSERT OR IGNORE INTO unsealed_changes VALUES ('invoice_lines', NEW.invoice, NEW.place); END;

-- A budget 预算: how much the jobs of a project, or of a member, may use in a month or in all. What is spent of it is in the
-- ledger and nowhere else.
CREATE TABLE budgets (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant BLOB NOT NULL REFERENCES tenants (id),
    project BLOB REFERENCES projects (id),
    member BLOB REFERENCES members (id),
    span TEXT NOT NULL CHECK (span IN ('month', 'total')),
    from_at INTEGER, -- the beginning of the day from which a total counts
    unit TEXT NOT NULL CHECK (unit IN ('card_ms', 'micro_cny')),
    most INTEGER NOT NULL CHECK (most > 0),
    alerts TEXT NOT NULL, -- the shares that are told of: [50,80,100]
    hard_stop INTEGER NOT NULL CHECK (hard_stop IN (0, 1)),
    created_at INTEGER NOT NULL,
    created_by BLOB NOT NULL REFERENCES members (id),
    ended_at INTEGER, -- when somebody took it away
    CHECK ((project IS NULL) <> (member IS NULL)),
    CHECK ((span = 'total') = (from_at IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX budgets_by_tenant ON budgets (tenant, id);
CREATE UNIQUE INDEX budgets_of_project ON budgets (project, span, unit) WHERE ended_at IS NULL AND project IS NOT NULL;
CREATE UNIQUE INDEX budgets_of_member ON budgets (member, span, unit) WHERE ended_at IS NULL AND member IS NOT NULL;

-- A share of a budget that was reached, and of which people were told: once a stretch of time, and once more where the budget
-- was raised above it.
CREATE TABLE budget_alerts (
    budget BLOB NOT NULL REFERENCES budgets (id),
    from_at INTEGER NOT NULL, -- when the stretch begins
    share INTEGER NOT NULL CHECK (share BETWEEN 1 AND 100),
    at INTEGER NOT NULL,
    spent INTEGER NOT NULL,
    most INTEGER NOT NULL,
    is_over INTEGER NOT NULL CHECK (is_over IN (0, 1)), -- it is not reached any more, and will be told of anew
    PRIMARY KEY (budget, from_at, share, at)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX budget_alerts_once ON budget_alerts (budget, from_at, share) WHERE is_over = 0;

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

-- The jobs about which mail goes out; what is asked for is in their specification. Most jobs ask for none.
CREATE TABLE job_mail (
    job BLOB NOT NULL PRIMARY KEY REFERENCES jobs (id)
) STRICT, WITHOUT ROWID;

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

-- Members as they are seen: with what the person of each says.
CREATE VIEW memberships AS
SELECT m.id, m.person, m.tenant, p.login, p.name, m.role, m.is_enabled AND p.is_enabled AS is_enabled, m.created_at,
    m.chosen_at
FROM members m JOIN persons p ON p.id = m.person;
