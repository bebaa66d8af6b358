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
