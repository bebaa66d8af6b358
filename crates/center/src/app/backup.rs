//! Backups while the center runs.

use std::{
    fmt::Display,
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Component, Path, PathBuf},
};

use domain::problem::{Wrong, field};
use serde_json::json;
use store::BackupReport;

use crate::{actions, center::Center};
use base::{auth::Caller, change::Changed, error::AppError, params, refusal::Refused};

/// Writes a copy of the database to a new file in the folder for backups. Its whole path comes with the store's report.
pub async fn backup(
    center: &Center,
    caller: &Caller,
    path: &str,
) -> Result<(String, BackupReport), AppError> {
    let may = center.policies.may(caller, actions::BACKUP, None)?;
    let path = params::line::<1024>(field::PATH, path)?;
    let folder = std::path::absolute(&center.settings.backup_dir).map_err(|error| failed(&error))?;
    let wrong = || {
        let folder = folder.display().to_string();
        AppError::invalid(field::PATH, Wrong::NotAmongBackups { folder })
    };
    let target = beneath(&folder, Path::new(&*path)).ok_or_else(wrong)?;
    let (store, to, of) = (center.store.clone(), target.clone(), folder.clone());
    let written = tokio::task::spawn_blocking(move || {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&of).map_err(|error| failed(&error))?;
        if !is_truly_beneath(&of, &to).map_err(|error| failed(&error))? {
            return Ok(None);
        }
        store.backup(&to).map(Some).map_err(|error| failed(&error))
    });
    let report = written.await??.ok_or_else(wrong)?;
    let path = target.display().to_string();
    let made = Changed::new(&*path, json!({ "bytes": report.bytes }), ());
    center.change(may, move |_| Ok(made), |_, ()| ()).await?;
    Ok((path, report))
}

fn failed(error: &dyn Display) -> AppError {
    Refused::BackupFailed { said: error.to_string() }.into()
}

/// The file that the path names in the folder: a name in it, or the whole path of one.
fn beneath(folder: &Path, path: &Path) -> Option<PathBuf> {
    let inside = if path.is_absolute() { path.strip_prefix(folder).ok()? } else { path };
    let is_plain = inside.components().all(|part| matches!(part, Component::Normal(_)));
    (is_plain && inside.file_name().is_some()).then(|| folder.join(inside))
}

/// Whether no link on the way leads out of the folder.
fn is_truly_beneath(folder: &Path, file: &Path) -> io::Result<bool> {
    let parent = file.parent().unwrap_or(folder).canonicalize()?;
    Ok(parent.starts_with(folder.canonicalize()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_is_a_file_in_the_folder_for_backups() {
        let folder = Path::new("/var/backups/center");
        let file = |path: &str| beneath(folder, Path::new(path));
        for (path, inside) in
            [("a.db", "a.db"), ("2026/a.db", "2026/a.db"), ("/var/backups/center/a.db", "a.db")]
        {
            assert_eq!(file(path), Some(folder.join(inside)), "{path}");
        }
        for path in [
            "",
            "/",
            "..",
            "../a.db",
            "a/../../b",
            "/etc/a.db",
            "/var/backups/center",
            "/var/backups/center2/a.db",
        ] {
            assert_eq!(file(path), None, "{path}");
        }
    }

    #[test]
    fn links_that_lead_out_are_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        std::os::unix::fs::symlink("/tmp", folder.path().join("out")).expect("a link");
        let is_in =
            |file: &str| is_truly_beneath(folder.path(), &folder.path().join(file)).expect("it is there");
        assert_eq!((is_in("a.db"), is_in("out/a.db")), (true, false));
    }
}
