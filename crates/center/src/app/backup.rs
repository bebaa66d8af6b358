//! Backups while the center runs.

use std::path::PathBuf;

use domain::problem::{Wrong, field};
use serde_json::json;
use store::BackupReport;

use crate::{actions, center::Center};
use base::{auth::Caller, change::Changed, error::AppError, refusal::Refusal};

/// Writes a copy of the database to a new file on the center's machine.
pub async fn backup(center: &Center, caller: &Caller, path: &str) -> Result<BackupReport, AppError> {
    let may = center.policies.may(caller, actions::BACKUP, None)?;
    let target = PathBuf::from(path);
    let data_dir = center.settings.data_dir.clone();
    if !target.is_absolute() || path.len() > 1024 || path.contains('\0') {
        return Err(AppError::invalid(field::PATH, Wrong::NotAnAbsolutePath));
    }
    if target.starts_with(&data_dir) {
        return Err(AppError::invalid(field::PATH, Wrong::PathInCenter));
    }
    let store = center.store.clone();
    let report = tokio::task::spawn_blocking(move || store.backup(&target)).await?.map_err(|error| {
        let hint = "give a new file in a folder that is there";
        AppError::refused(Refusal::BackupFailed, error.to_string(), hint)
    })?;
    let made = Changed::new(path, json!({ "bytes": report.bytes }), ());
    center.change(may, move |_| Ok(made), |_, ()| ()).await?;
    Ok(report)
}
