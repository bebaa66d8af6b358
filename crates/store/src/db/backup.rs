//! Backups while the center runs.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Instant,
};

use rusqlite::{Connection, OpenFlags, backup::Backup, backup::StepResult};

use super::{error::StoreError, schema};

/// A backup that is on disk and was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupReport {
    pub path: PathBuf,
    pub bytes: u64,
    pub schema_version: i64,
    /// The number of the last event in it.
    pub last_event: i64,
    pub elapsed_ms: u64,
}

/// Copies the database at `from` to the new file `to`.
pub(super) fn run(from: &Path, to: &Path) -> Result<BackupReport, StoreError> {
    let began_at = Instant::now();
    let failed = |cause: String| StoreError::Backup { path: to.to_owned(), cause };
    if to.symlink_metadata().is_ok() {
        return Err(failed("there is a file of this name already".into()));
    }
    // The copy has another name until it is whole, so that a crash leaves nothing that looks like a backup.
    let mut partial = to.as_os_str().to_owned();
    partial.push(format!(".partial-{}", std::process::id()));
    let partial = PathBuf::from(partial);
    let result = copy(from, &partial)
        .map_err(|cause| failed(cause.to_string()))
        .and_then(|()| check(&partial).map_err(|error| failed(error.to_string())))
        .and_then(|checked| {
            sync(&partial).and_then(|()| publish(&partial, to)).map_err(|error| failed(error.to_string()))?;
            Ok(checked)
        });
    if result.is_err() {
        // The partial copy may not be there; the error that is returned says why.
        let _ = fs::remove_file(&partial);
    }
    let (schema_version, last_event) = result?;
    let bytes = fs::metadata(to).map_err(|error| failed(error.to_string()))?.len();
    let elapsed_ms = u64::try_from(began_at.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(BackupReport { path: to.to_owned(), bytes, schema_version, last_event, elapsed_ms })
}

/// Why a copy can't become the backup.
#[derive(Debug, thiserror::Error)]
enum CopyError {
    #[error("{0}")]
    File(#[from] io::Error),
    #[error("{0}")]
    Database(#[from] rusqlite::Error),
    #[error("{0}")]
    Source(#[from] StoreError),
    #[error("the database stayed locked")]
    Locked,
    #[error("the copy is damaged: {0}")]
    Damaged(String),
}

fn copy(from: &Path, to: &Path) -> Result<(), CopyError> {
    OpenOptions::new().create_new(true).write(true).mode(0o600).open(to)?;
    let source = schema::open_reader(from)?;
    let mut target = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    {
        // All pages in one step are one snapshot. Meanwhile the writer goes on in its log.
        let backup = Backup::new(&source, &mut target)?;
        if backup.step(-1)? != StepResult::Done {
            return Err(CopyError::Locked);
        }
    }
    // A backup is one file, without a log beside it.
    target.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()))?;
    target.close().map_err(|(_, error)| error.into())
}

/// Reads all of a copy, and fails where it is no database or not whole.
pub fn check_copy(path: &Path) -> Result<(), StoreError> {
    check(path).map(drop).map_err(|error| StoreError::open(path, &error))
}

/// Opens the copy and checks all of it. Gives the version of its schema and the number of its last event.
fn check(path: &Path) -> Result<(i64, i64), CopyError> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let verdict: String = conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(CopyError::Damaged(verdict));
    }
    let version = schema::version(&conn)?;
    let last_event = conn.query_row("SELECT COALESCE(MAX(seq), 0) FROM events", [], |row| row.get(0))?;
    Ok((version, last_event))
}

fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Gives the copy its name, unless something has that name by now.
fn publish(partial: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(partial, to) {
        Ok(()) => fs::remove_file(partial)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
        // The file system has no hard links.
        Err(_) => fs::rename(partial, to)?,
    }
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}
