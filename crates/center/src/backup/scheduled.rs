//! The backups that the center makes by itself: one each day, verified, of which some are kept.

use std::{
    fmt::Display,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use base::{
    audit::{self, Change},
    error::AppError,
    moment,
};
use domain::Timestamp;
use serde_json::json;
use store::{
    StoreError, Tx,
    chain::{self, Given, Report},
    params, statements,
};

use super::{folder, rule};
use crate::{
    actions,
    center::Center,
    settings::{Schedule, Settings},
    wakers::BACKUP,
};

/// Between two looks whether a backup is due.
pub const EVERY: Duration = Duration::from_mins(1);
/// A backup that failed is tried again after so long.
const RETRY_AFTER: Duration = Duration::from_mins(10);

statements! { "members";
    FIRST = "SELECT created_at FROM members ORDER BY created_at LIMIT 1";
}

/// The loop: makes the backups that are due until the center stops.
pub fn run(center: &Center) {
    while !center.compute.wakers.is_stopping() {
        let begun = Instant::now();
        let told = turn(center, moment::now());
        let pause = match &told {
            Ok(()) => EVERY,
            Err(error) => {
                let error = base::error::chain(error);
                tracing::error!(error, "no backup was made; it is tried again");
                center.loops.failed(BACKUP, &error);
                RETRY_AFTER
            }
        };
        center.loops.turned(BACKUP, begun.elapsed());
        center.compute.wakers.pause(pause);
    }
}

/// The folder for backups, by its whole path.
pub(super) fn folder_of(settings: &Settings) -> Result<PathBuf, AppError> {
    std::path::absolute(&settings.backup_dir).map_err(|error| failed(&settings.backup_dir, &error))
}

/// Since when a backup is missing: the last that the center made by itself, or the center's first day. Where there is no
/// member yet, nothing is missing.
pub fn since(tx: &Tx, newest: Option<Timestamp>) -> Result<Option<Timestamp>, StoreError> {
    match newest {
        Some(newest) => Ok(Some(newest)),
        None => tx.find(FIRST, params![], |row| row.get(0)),
    }
}

/// Makes a backup if one is due.
fn turn(center: &Center, now: Timestamp) -> Result<(), AppError> {
    let Schedule::Daily(time) = center.settings.backup.at else { return Ok(()) };
    let folder = folder_of(&center.settings)?;
    let found = folder::list(&folder).map_err(|error| failed(&folder, &error))?;
    let newest = found.iter().filter(|one| one.is_scheduled).map(|one| one.made_at).max();
    let since = center.store.read(|tx| since(tx, newest))?;
    if since.is_none_or(|since| rule::next_after(center.settings.time_zone, time, since) > now) {
        return Ok(());
    }
    make(center, &folder, now)?;
    rotate(center, &folder).map_err(|error| failed(&folder, &error))
}

/// Writes a backup and verifies it. It gets its name when it is found to be right.
fn make(center: &Center, folder: &Path, now: Timestamp) -> Result<(), AppError> {
    let in_folder = |error: std::io::Error| failed(folder, &error);
    folder::make(folder).map_err(in_folder)?;
    folder::tidy(folder).map_err(in_folder)?;
    let name = rule::name(now);
    let (unverified, path) = (folder.join(rule::unverified(&name)), folder.join(&name));
    let written = center.store.backup(&unverified).map_err(|error| failed(&path, &error))?;
    let report = chain::verify_file(&unverified, Given::default())?;
    if let Some(faults) = faults(&report) {
        let kept = folder.join(rule::WITH_FAULTS);
        fs::rename(&unverified, &kept).map_err(in_folder)?;
        let told = format!(
            "its books don't agree, and so it is kept as {} and replaces no other: {faults}",
            kept.display()
        );
        return Err(failed(&path, &told));
    }
    fs::rename(&unverified, &path).and_then(|()| folder::sync(folder)).map_err(in_folder)?;
    tracing::info!(path = %path.display(), bytes = written.bytes, "a backup is made and verified");
    let detail = json!({ "bytes": written.bytes });
    let change =
        Change { tenant: None, action: actions::BACKUP, subject: path.display().to_string(), detail };
    center.write_now(move |tx| audit::record_own(tx, change), |_, ()| ())
}

/// Removes those of the center's own backups that are not kept any more.
fn rotate(center: &Center, folder: &Path) -> std::io::Result<()> {
    let ours: Vec<_> = folder::list(folder)?.into_iter().filter(|one| one.is_scheduled).collect();
    let made: Vec<Timestamp> = ours.iter().map(|one| one.made_at).collect();
    let kept = rule::kept(center.settings.time_zone, &center.settings.backup, &made);
    for (one, _) in ours.iter().zip(kept).filter(|(_, keeping)| keeping.is_none()) {
        fs::remove_file(folder.join(&one.name))?;
        tracing::info!(name = one.name, "an old backup is removed");
    }
    Ok(())
}

/// The faults of a copy, in words: how many, and the first.
pub(super) fn faults(report: &Report) -> Option<String> {
    let count = report.faults.len() as u64 + report.more_faults;
    let first = report.faults.first()?;
    Some(format!("{count} faults, such as {}", first.told()))
}

fn failed(path: &Path, why: &dyn Display) -> AppError {
    AppError::internal_at(format!("the backup {}", path.display()), why.to_string())
}
