//! Restoring a backup: putting a copy of the database in the place of a center that is stopped, on its machine. The copy is
//! verified first, and nothing of what was there is removed. The audit log has it.

use std::{
    collections::BTreeSet,
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use base::{
    audit::{self, Change},
    error::AppError,
    moment,
};
use domain::Timestamp;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde_json::json;
use store::{
    StoreError,
    chain::{self, Given},
    jobs, params, runs, statements,
};

use crate::{
    app::runs::restored::MARK,
    backup::RESTORE,
    settings::{EngineKind, Settings},
    start::{self, StartError},
};

/// The parts of a data folder that no backup has, and that stay where they are.
const FILES: [&str; 3] = ["work", "runs", "secrets.key"];
/// The beginning of the names of folders with what was there before.
const BEFORE: &str = "before-restore-";
/// The folder in which the copy is made ready.
const STAGE: &str = "restoring";

statements! { "events";
    LAST = "SELECT COALESCE(MAX(at), 0) FROM (SELECT at FROM events ORDER BY seq DESC LIMIT 1)";
}

/// What the operator allows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Allowed {
    /// To put the database that is there aside.
    pub replaces: bool,
    /// To restore a copy whose books don't agree.
    pub has_faults: bool,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    pub backup: PathBuf,
    pub data_dir: PathBuf,
    /// When the last thing happened of which the copy knows.
    pub taken_at: Timestamp,
    pub links: i64,
    /// The faults of its books, where they were allowed.
    pub faults: Vec<String>,
    /// Runs that were under way: they end as lost at the next start.
    pub runs: usize,
    /// Jobs that had not ended.
    pub jobs: usize,
    /// The folder with what was there before.
    pub before: Option<PathBuf>,
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error("there is no backup {}", path.display())]
    NoBackup { path: PathBuf },
    #[error("{} is the database of this center, and no backup of it", path.display())]
    OwnDatabase { path: PathBuf },
    #[error("{} is no whole backup: {cause}", path.display())]
    Damaged { path: PathBuf, cause: String },
    #[error("the books in {} don't agree: {} faults, such as {}", path.display(), faults.len(), faults[0])]
    Faults { path: PathBuf, faults: Vec<String> },
    #[error("the data folder {} is not empty: it has {found}", path.display())]
    NotEmpty { path: PathBuf, found: String },
    #[error("a center runs on the data folder {}", path.display())]
    Live { path: PathBuf },
    #[error("runs of the center on {} are still alive, and would go on beside those that are started anew", path.display())]
    RunsAlive { path: PathBuf },
    #[error("{what} {}", path.display())]
    Files {
        what: &'static str,
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    App(#[from] AppError),
}

fn files(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RestoreError {
    let path = path.to_owned();
    move |cause| RestoreError::Files { what, path, cause }
}

/// Puts the backup in the place of the center's database. A backup is named by its path, or by its name in the folder for
/// backups.
pub fn restore(settings: &Settings, backup: &Path, allowed: Allowed) -> Result<Restored, RestoreError> {
    let data_dir =
        std::path::absolute(&settings.data_dir).map_err(files("failed to find", &settings.data_dir))?;
    let backup = find(settings, backup)?;
    if backup.starts_with(data_dir.join("database")) {
        return Err(RestoreError::OwnDatabase { path: backup });
    }
    start::make_data_folder(settings)?;
    let database = data_dir.join("database");
    // Until the end of this function no center gets to start here.
    let _lock = if database.exists() { Some(hold(&database, &data_dir)?) } else { None };
    if settings.engine.kind == EngineKind::Local
        && engines::ports::are_runs_alive(&data_dir)
            .map_err(files("failed to look for runs of", &data_dir))?
    {
        return Err(RestoreError::RunsAlive { path: data_dir });
    }
    let there = occupants(&data_dir)?;
    if !there.is_empty() && !allowed.replaces {
        let found = there.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(RestoreError::NotEmpty { path: data_dir, found });
    }
    let stage = data_dir.join(STAGE);
    let prepared = prepare(settings, &backup, &stage, allowed);
    if prepared.is_err() {
        // What is left of it would only be in the way; the error that is returned says why there is nothing.
        let _ = fs::remove_dir_all(&stage);
    }
    let ready = prepared?;
    own_as(&stage, &data_dir)?;
    let before = put_in_place(&data_dir, &stage, &there)?;
    Ok(Restored { backup, data_dir, before, ..ready })
}

/// The file that is meant.
fn find(settings: &Settings, named: &Path) -> Result<PathBuf, RestoreError> {
    let inside = settings.backup_dir.join(named);
    let found = [named, &inside].into_iter().find(|path| path.is_file());
    let Some(found) = found else { return Err(RestoreError::NoBackup { path: named.to_owned() }) };
    found.canonicalize().map_err(files("failed to find", found))
}

fn hold(database: &Path, data_dir: &Path) -> Result<File, RestoreError> {
    store::hold(&database.join("center.db")).map_err(|error| match error {
        StoreError::AlreadyOpen { .. } => RestoreError::Live { path: data_dir.to_owned() },
        other => other.into(),
    })
}

/// What is in the data folder and has to make room.
fn occupants(data_dir: &Path) -> Result<BTreeSet<String>, RestoreError> {
    let failed = || files("failed to read", data_dir);
    let mut there = BTreeSet::new();
    for entry in fs::read_dir(data_dir).map_err(failed())? {
        let name = entry.map_err(failed())?.file_name().to_string_lossy().into_owned();
        if !FILES.contains(&name.as_str()) && !name.starts_with(BEFORE) && name != STAGE {
            there.insert(name);
        }
    }
    Ok(there)
}

/// Copies the backup into the stage, brings it up to date, and verifies it.
fn prepare(
    settings: &Settings,
    backup: &Path,
    stage: &Path,
    allowed: Allowed,
) -> Result<Restored, RestoreError> {
    if stage.exists() {
        fs::remove_dir_all(stage).map_err(files("failed to remove", stage))?;
    }
    DirBuilder::new().mode(0o700).create(stage).map_err(files("failed to make", stage))?;
    let copy = stage.join("center.db");
    fs::copy(backup, &copy).map_err(files("failed to copy the backup to", &copy))?;
    fs::set_permissions(&copy, Permissions::from_mode(0o600)).map_err(files("failed to close", &copy))?;
    store::check_copy(&copy)
        .map_err(|error| RestoreError::Damaged { path: backup.to_owned(), cause: error.to_string() })?;
    let (taken_at, runs, jobs) = take_over(settings, backup, &copy)?;
    let report = chain::verify_file(&copy, Given::default())?;
    let faults: Vec<String> = report.faults.iter().map(chain::Fault::told).collect();
    if !faults.is_empty() && !allowed.has_faults {
        return Err(RestoreError::Faults { path: backup.to_owned(), faults });
    }
    let mark = stage.join(MARK);
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&mark)
        .and_then(|file| file.sync_all())
        .map_err(files("failed to write", &mark))?;
    let path = PathBuf::new();
    Ok(Restored {
        backup: path.clone(),
        data_dir: path,
        taken_at,
        links: report.links,
        faults,
        runs,
        jobs,
        before: None,
    })
}

/// Opens the copy, which brings its schema up to date, and has the audit log say what it is from here on. Gives when it was
/// taken, and how many runs and jobs were under way.
fn take_over(
    settings: &Settings,
    backup: &Path,
    copy: &Path,
) -> Result<(Timestamp, usize, usize), RestoreError> {
    let store = start::open_books(copy, &mut settings.clone())?;
    let (taken_at, runs, jobs) = store.read(|tx| -> Result<_, StoreError> {
        let taken_at: Timestamp = tx.one(LAST, params![], |row| row.get(0))?;
        Ok((taken_at, runs::list_active(tx)?.len(), jobs::read_active(tx, |_| ())?.len()))
    })?;
    let detail = json!({ "taken_at": taken_at.to_string(), "runs": runs, "jobs": jobs });
    let change = Change { tenant: None, action: RESTORE, subject: backup.display().to_string(), detail };
    store.write(move |tx| audit::record_own(tx, change))?;
    Ok((taken_at, runs, jobs))
}

/// Gives what is restored to the owner of the data folder: another user may restore than the one that runs the center.
fn own_as(stage: &Path, data_dir: &Path) -> Result<(), RestoreError> {
    let (owner, own) = (
        fs::metadata(data_dir).map_err(files("failed to read", data_dir))?,
        fs::metadata(stage).map_err(files("failed to read", stage))?,
    );
    if (owner.uid(), owner.gid()) == (own.uid(), own.gid()) {
        return Ok(());
    }
    let chown = |path: &Path| {
        std::os::unix::fs::chown(path, Some(owner.uid()), Some(owner.gid()))
            .map_err(files("failed to hand over", path))
    };
    for entry in fs::read_dir(stage).map_err(files("failed to read", stage))? {
        chown(&entry.map_err(files("failed to read", stage))?.path())?;
    }
    chown(stage)
}

/// Puts the stage in the place of the database, and everything else that was there aside. Gives the folder that has it now.
fn put_in_place(
    data_dir: &Path,
    stage: &Path,
    there: &BTreeSet<String>,
) -> Result<Option<PathBuf>, RestoreError> {
    let database = data_dir.join("database");
    let failed = || files("failed to put the restored database at", &database);
    let sync = |folder: &Path| File::open(folder).and_then(|folder| folder.sync_all());
    sync(stage).map_err(failed())?;
    let before = if there.is_empty() { None } else { Some(new_folder(data_dir)?) };
    if database.exists() {
        // In one step: at no instant is there a data folder without a database, which a center would take for a new one.
        renameat_with(CWD, stage, CWD, &database, RenameFlags::EXCHANGE)
            .map_err(io::Error::from)
            .map_err(failed())?;
        if let Some(before) = &before {
            fs::rename(stage, before.join("database")).map_err(files("failed to put aside", stage))?;
        }
    } else {
        fs::rename(stage, &database).map_err(failed())?;
    }
    for name in there.iter().filter(|name| *name != "database") {
        let Some(before) = &before else { break };
        let path = data_dir.join(name);
        fs::rename(&path, before.join(name)).map_err(files("failed to put aside", &path))?;
    }
    sync(data_dir).map_err(failed())?;
    Ok(before)
}

/// A new folder for what was there before.
fn new_folder(data_dir: &Path) -> Result<PathBuf, RestoreError> {
    let now: String = moment::now().to_string().chars().take(19).filter(|one| !"-:".contains(*one)).collect();
    let path = data_dir.join(format!("{BEFORE}{now}Z"));
    DirBuilder::new().mode(0o700).create(&path).map_err(files("failed to make", &path))?;
    Ok(path)
}
