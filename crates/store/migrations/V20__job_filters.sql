-- The pools in which a job's runs had cards, for lists by pool.
CREATE TABLE job_pools (
    pool BLOB NOT NULL REFERENCES pools (id),
    job BLOB NOT NULL REFERENCES jobs (id),
    PRIMARY KEY (pool, job)
) STRICT, WITHOUT ROWID;
-- A placement begins with the id of its first node.
INSERT OR IGNORE INTO job_pools (pool, job)
SELECT n.pool, r.job FROM runs r JOIN nodes n ON n.id = substr(r.placement, 1, 16);
-- A member's own jobs, newest first.
CREATE INDEX jobs_by_member ON jobs (submitted_by, id);
-- Ids begin with their time, so that people know jobs by their last digits: here the last eight, the last pair first.
CREATE INDEX jobs_by_tail ON jobs (
    hex(substr(id, 16, 1)) || hex(substr(id, 15, 1)) || hex(substr(id, 14, 1)) || hex(substr(id, 13, 1))
);
CREATE INDEX runs_by_tail ON runs (
    hex(substr(id, 16, 1)) || hex(substr(id, 15, 1)) || hex(substr(id, 14, 1)) || hex(substr(id, 13, 1))
);
-- Tasks that were cancelled before their turn: how many, and which, as JSON.
ALTER TABLE jobs ADD COLUMN tasks_dropped INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN dropped TEXT;
-- A job's runs by how they ended, so that the one that failed is found among a million.
CREATE INDEX runs_by_outcome ON runs (job, outcome, task, attempt);
