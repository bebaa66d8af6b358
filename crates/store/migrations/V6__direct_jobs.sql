-- Jobs that somebody handed to Slurm directly: as they were seen there. Each is a job here too, with one run.
CREATE TABLE direct_jobs (
    job BLOB NOT NULL PRIMARY KEY REFERENCES jobs (id),
    seen TEXT NOT NULL -- JSON
) STRICT, WITHOUT ROWID;
