-- Why runs and jobs ended as they did, where their outcome alone does not tell.
CREATE TABLE reasons (
    of BLOB NOT NULL PRIMARY KEY CHECK (length(of) = 16), -- a run, or a job
    reason TEXT NOT NULL -- JSON
) STRICT, WITHOUT ROWID;
