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
