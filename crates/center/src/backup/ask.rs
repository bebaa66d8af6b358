//! What can be asked of backups: which there are, and another one.

use std::{fmt::Display, path::Path};

use base::{auth::Caller, change::Changed, error::AppError, moment, params, refusal::Refused};
use domain::{
    Rfc3339, Timestamp,
    problem::{Wrong, field},
};
use serde::Serialize;
use serde_json::json;
use store::chain::{self, Given};

use super::{
    folder::{self, Found},
    rule::{self, Keeping},
    scheduled,
};
use crate::{actions, center::Center, settings::Schedule};

/// The backups in the folder for them, and when the next one is made.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Backups {
    pub folder: String,
    /// The time of day at which the center makes one by itself, as in `02:30`; `null` where it makes none.
    pub at: Option<String>,
    pub next_at: Option<Rfc3339>,
    /// Of so many days the newest is kept.
    pub keep_daily: u16,
    /// Of so many weeks the newest is kept.
    pub keep_weekly: u16,
    /// Why the last try of the center failed, where it did.
    pub error: Option<String>,
    /// The newest first.
    pub items: Vec<BackupView>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct BackupView {
    pub name: String,
    pub bytes: u64,
    pub made_at: Rfc3339,
    /// Why it is kept.
    pub kept: Keeping,
}

/// A backup that was written.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct BackupDone {
    pub path: String,
    pub bytes: u64,
    pub elapsed_ms: u64,
    /// Faults of the books, which are in the copy as they are in the center: the first, and how many. `null` where it was
    /// found to be right.
    pub faults: Option<String>,
}

/// The backups that there are.
pub async fn list(center: &Center, caller: &Caller) -> Result<Backups, AppError> {
    center.policies.check(caller, rule::READ, None)?;
    let folder = scheduled::folder_of(&center.settings)?;
    let of = folder.clone();
    let found = tokio::task::spawn_blocking(move || folder::list(&of)).await?;
    let (found, unread) = match found {
        Ok(found) => (found, None),
        Err(error) => (Vec::new(), Some(format!("failed to read {}: {error}", folder.display()))),
    };
    let (settings, zone) = (&center.settings.backup, center.settings.time_zone);
    let made: Vec<Timestamp> = found.iter().filter(|one| one.is_scheduled).map(|one| one.made_at).collect();
    let newest = made.iter().max().copied();
    let next_at = match settings.at {
        Schedule::Never => None,
        Schedule::Daily(time) => {
            let since = center.read(move |tx| scheduled::since(tx, newest)).await?;
            since.map(|since| rule::next_after(zone, time, since).max(moment::now()).into())
        }
    };
    let mut kept = rule::kept(zone, settings, &made).into_iter();
    let view = |one: Found| {
        // One that is to go with the next turn is still there as the newest of its day was.
        let of_schedule = one.is_scheduled.then(|| kept.next().flatten().unwrap_or(Keeping::Daily));
        BackupView {
            name: one.name,
            bytes: one.bytes,
            made_at: one.made_at.into(),
            kept: of_schedule.unwrap_or(Keeping::ByHand),
        }
    };
    Ok(Backups {
        folder: folder.display().to_string(),
        at: (settings.at != Schedule::Never).then(|| settings.at.to_string()),
        next_at,
        keep_daily: settings.keep_daily,
        keep_weekly: settings.keep_weekly,
        error: center
            .loops
            .list(moment::now())
            .into_iter()
            .find(|known| known.name == crate::wakers::BACKUP)
            .and_then(|known| known.error)
            .or(unread),
        items: found.into_iter().map(view).collect(),
    })
}

/// Writes a copy of the database to a new file in the folder for backups, and verifies it. Without a path its name tells
/// the time.
pub async fn make(center: &Center, caller: &Caller, path: Option<&str>) -> Result<BackupDone, AppError> {
    let may = center.policies.may(caller, actions::BACKUP, None)?;
    let path = path.map(|path| params::line::<1024>(field::PATH, path)).transpose()?;
    let folder = scheduled::folder_of(&center.settings)?;
    let wrong = || {
        let folder = folder.display().to_string();
        AppError::invalid(field::PATH, Wrong::NotAmongBackups { folder })
    };
    let target = match &path {
        Some(path) => folder::beneath(&folder, Path::new(&**path)).ok_or_else(wrong)?,
        None => folder.join(rule::by_hand(moment::now())),
    };
    let (store, to, of) = (center.store.clone(), target.clone(), folder.clone());
    let written = tokio::task::spawn_blocking(move || -> Result<_, AppError> {
        folder::make(&of).map_err(|error| failed(&error))?;
        if !folder::is_truly_beneath(&of, &to).map_err(|error| failed(&error))? {
            return Ok(None);
        }
        let written = store.backup(&to).map_err(|error| failed(&error))?;
        let report = chain::verify_file(&to, Given::default()).map_err(|error| failed(&error))?;
        Ok(Some((written, scheduled::faults(&report))))
    });
    let (report, faults) = written.await??.ok_or_else(wrong)?;
    let path = target.display().to_string();
    let made = Changed::new(&*path, json!({ "bytes": report.bytes }), ());
    center.change(may, move |_| Ok(made), |_, ()| ()).await?;
    Ok(BackupDone { path, bytes: report.bytes, elapsed_ms: report.elapsed_ms, faults })
}

fn failed(error: &dyn Display) -> AppError {
    Refused::BackupFailed { said: error.to_string() }.into()
}
