//! The schema: its migrations, and the connections that know it.

use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt, path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags};

use crate::StoreError;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// How long a statement waits for a lock that another program holds on the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// KiB of pages that the writer keeps in memory.
const WRITER_CACHE_KIB: i64 = 16 * 1024;
const READER_CACHE_KIB: i64 = 4 * 1024;

/// The newest version of the schema that this program knows.
pub(crate) fn known_version() -> i64 {
    embedded::migrations::runner().get_migrations().iter().map(|m| i64::from(m.version())).max().unwrap_or(0)
}

/// Opens the database for writing, makes it if it isn't there, and brings its schema up to date.
pub(crate) fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    // Made before SQLite does, so that nobody else on the machine can read it; its log takes over the mode.
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| StoreError::open(path, &error))?;
    let failed = |error: rusqlite::Error| StoreError::open(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(path, flags).map_err(failed)?;
    conn.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    // A failure to set the journal mode is told by the mode that stays.
    let mode: String =
        conn.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0)).map_err(failed)?;
    if mode != "wal" {
        return Err(StoreError::open(
            path,
            &format!("its journal mode is `{mode}` and can't be set to `wal`"),
        ));
    }
    conn.pragma_update(None, "synchronous", "full").map_err(failed)?;
    conn.pragma_update(None, "foreign_keys", true).map_err(failed)?;
    // What a savepoint would undo is kept in memory: in a file it takes more time than all else that a write does.
    conn.pragma_update(None, "temp_store", "memory").map_err(failed)?;
    conn.pragma_update(None, "cache_size", -WRITER_CACHE_KIB).map_err(failed)?;
    // The writer thread copies the log into the database between commits, not inside one.
    conn.pragma_update(None, "wal_autocheckpoint", 0).map_err(failed)?;
    let found = version(&conn).map_err(failed)?;
    let known = known_version();
    if found > known {
        return Err(StoreError::SchemaTooNew { found, known });
    }
    embedded::migrations::runner()
        .run(&mut conn)
        .map_err(|error| StoreError::Migrate { cause: error.to_string() })?;
    Ok(conn)
}

/// Opens the database, whose schema is known, for reading.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let failed = |error: rusqlite::Error| StoreError::open(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(failed)?;
    conn.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    conn.pragma_update(None, "cache_size", -READER_CACHE_KIB).map_err(failed)?;
    Ok(conn)
}

/// The version of the schema in the database, 0 in an empty one.
pub(crate) fn version(conn: &Connection) -> rusqlite::Result<i64> {
    let tables: i64 = conn.query_row(
        "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'refinery_schema_history'",
        [],
        |row| row.get(0),
    )?;
    if tables == 0 {
        return Ok(0);
    }
    conn.query_row("SELECT COALESCE(MAX(version), 0) FROM refinery_schema_history", [], |row| row.get(0))
}
