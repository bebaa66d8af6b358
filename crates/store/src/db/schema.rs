//! The schema: its migrations, and connections to databases that have it.

use std::{
    cmp::Ordering, collections::BTreeMap, fs::OpenOptions, os::unix::fs::OpenOptionsExt, path::Path,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};

use super::{error::StoreError, sql::Sql, tx::Tx};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// How long a statement waits for a lock that another program holds on the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The pages that the writer keeps in memory, in KiB.
const WRITER_CACHE_KIB: i64 = 16 * 1024;
/// The pages that each reader keeps in memory, in KiB.
const READER_CACHE_KIB: i64 = 4 * 1024;

/// The newest version of the schema that this program knows.
pub(super) fn known_version() -> i64 {
    embedded::migrations::runner().get_migrations().iter().map(|m| i64::from(m.version())).max().unwrap_or(0)
}

/// Opens the database for writing, makes it if it isn't there, and brings its schema up to date. With it comes whether
/// rows waited that are sealed in the transaction that changes them.
pub(super) fn open_writer(path: &Path) -> Result<(Connection, bool), StoreError> {
    // The file is made before SQLite would make it, so that nobody else on the machine can read it; the log
    // gets the same mode.
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
    // SQLite does not fail where it can't set the journal mode: it answers with the mode that stays.
    let mode: String =
        conn.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0)).map_err(failed)?;
    if mode != "wal" {
        return Err(StoreError::open(
            path,
            &format!("its journal mode is `{mode}` and can't be set to `wal`"),
        ));
    }
    conn.pragma_update(None, "synchronous", "full").map_err(failed)?;
    // The undo log of a savepoint stays in memory: in a file it would take more time than all else in a
    // write.
    conn.pragma_update(None, "temp_store", "memory").map_err(failed)?;
    conn.pragma_update(None, "cache_size", -WRITER_CACHE_KIB).map_err(failed)?;
    // The writer thread copies the log into the database between commits, not inside one.
    conn.pragma_update(None, "wal_autocheckpoint", 0).map_err(failed)?;
    let found = version(&conn).map_err(failed)?;
    let known = known_version();
    if found > known {
        return Err(StoreError::SchemaTooNew { found, known });
    }
    let was_touched = has_unsealed_changes(&conn).map_err(failed)?;
    // A migration that makes a table anew takes the old one away while others refer to it, which can only be without these
    // checks, and outside of its transaction.
    conn.pragma_update(None, "foreign_keys", false).map_err(failed)?;
    migrate(&mut conn)?;
    if found < known {
        check_references(&conn)?;
    }
    conn.pragma_update(None, "foreign_keys", true).map_err(failed)?;
    Ok((conn, was_touched))
}

/// Opens the database, whose schema is known, for reading.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let failed = |error: rusqlite::Error| StoreError::open(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(failed)?;
    conn.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    conn.pragma_update(None, "cache_size", -READER_CACHE_KIB).map_err(failed)?;
    Ok(conn)
}

/// Opens a copy of a database, which nothing else has open, to be read from the first to the last row.
pub fn open_copy(path: &Path) -> Result<Tx, StoreError> {
    let failed = |error: rusqlite::Error| StoreError::open(path, &error);
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    // A copy may lie where nothing can be written, and then nothing can be kept beside it.
    let is_alone = !Path::new(&log).exists();
    let text = path.to_str().ok_or_else(|| StoreError::open(path, &"its path is not UTF-8"))?;
    let escaped = text.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let uri = format!("file:{escaped}?mode=ro{}", if is_alone { "&immutable=1" } else { "" });
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(uri, flags).map_err(failed)?;
    conn.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    conn.pragma_update(None, "cache_size", -READER_CACHE_KIB).map_err(failed)?;
    let (found, known) = (version(&conn).map_err(failed)?, known_version());
    match found.cmp(&known) {
        Ordering::Greater => return Err(StoreError::SchemaTooNew { found, known }),
        Ordering::Less => {
            let cause = format!(
                "its schema has version {found}, and this program reads version {known}: use the program that wrote it"
            );
            return Err(StoreError::open(path, &cause));
        }
        Ordering::Equal => {}
    }
    let tx = Tx::new(conn);
    tx.control("BEGIN").map_err(failed)?;
    Ok(tx)
}

/// In which tables, indexes and triggers a database differs from one of the newest schema, in words.
pub fn differences(tx: &Tx) -> Result<Vec<String>, StoreError> {
    let failed = |error: rusqlite::Error| StoreError::of_statement("sqlite_master", &[], &error);
    let mut fresh = Connection::open_in_memory().map_err(failed)?;
    migrate(&mut fresh)?;
    let (wanted, found) = (objects(&fresh).map_err(failed)?, objects(tx.conn()).map_err(failed)?);
    let mut told = Vec::new();
    for (name, sql) in &wanted {
        match found.get(name) {
            None => told.push(format!("{name} is missing")),
            Some(other) if other != sql => told.push(format!("{name} is not as the program made it")),
            Some(_) => {}
        }
    }
    let more = found.keys().filter(|name| !wanted.contains_key(*name));
    told.extend(more.map(|name| format!("{name} is not of the program's making")));
    Ok(told)
}

/// All that a schema has: `trigger audit_never_goes` with the statement that makes it.
fn objects(conn: &Connection) -> rusqlite::Result<BTreeMap<String, String>> {
    let all =
        "SELECT type || ' ' || name, COALESCE(sql, '') FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'";
    conn.prepare(all)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Prepares statements on an empty database of the newest schema. Fails at the first that is not valid there.
pub fn prepare(statements: &[Sql]) -> Result<(), StoreError> {
    let mut conn =
        Connection::open_in_memory().map_err(|error| StoreError::open(Path::new(":memory:"), &error))?;
    migrate(&mut conn)?;
    let tx = Tx::new(conn);
    statements.iter().try_for_each(|sql| tx.prepare(*sql))
}

fn migrate(conn: &mut Connection) -> Result<(), StoreError> {
    let done = embedded::migrations::runner().run(conn);
    done.map(|_| ()).map_err(|error| StoreError::Migrate { cause: error.to_string() })
}

/// Refuses a database in which a row refers to one that is not there.
fn check_references(conn: &Connection) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| StoreError::Migrate { cause: error.to_string() };
    let mut check = conn.prepare("PRAGMA foreign_key_check").map_err(failed)?;
    let mut rows = check.query([]).map_err(failed)?;
    match rows.next().map_err(failed)? {
        None => Ok(()),
        Some(row) => {
            let (from, to): (String, String) = (row.get(0).map_err(failed)?, row.get(2).map_err(failed)?);
            let cause = format!("a row of {from} refers to one of {to} that is not there");
            Err(StoreError::Migrate { cause })
        }
    }
}

fn has_unsealed_changes(conn: &Connection) -> rusqlite::Result<bool> {
    let table =
        "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'unsealed_changes')";
    let row = "SELECT EXISTS (SELECT 1 FROM unsealed_changes)";
    Ok(conn.query_row(table, [], |row| row.get(0))? && conn.query_row(row, [], |row| row.get(0))?)
}

/// The version of the schema in the database, 0 in an empty one.
pub(super) fn version(conn: &Connection) -> rusqlite::Result<i64> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_that_the_schema_does_not_know_is_not_prepared() {
        let good = Sql::new("jobs", &[], "SELECT id FROM jobs WHERE state = ?1");
        let bad = Sql::new("jobs", &[], "SELECT flavour FROM jobs");
        assert_eq!(prepare(&[good]), Ok(()));
        let refused = prepare(&[good, bad]).unwrap_err().to_string();
        assert!(refused.contains("`jobs`") && refused.contains("flavour"), "{refused}");
    }
}
