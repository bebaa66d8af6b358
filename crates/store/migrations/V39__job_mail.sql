-- The jobs about which mail goes out; what is asked for is in their specification. Most jobs ask for none.
CREATE TABLE job_mail (
    job BLOB NOT NULL PRIMARY KEY REFERENCES jobs (id)
) STRICT, WITHOUT ROWID;
