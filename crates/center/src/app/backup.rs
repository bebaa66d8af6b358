//! Backups while the center runs.

use std::{path::PathBuf, time::Instant};

use domain::problem::{Wrong, field};
use serde_json::json;

use crate::{actions, center::Center};
use base::audit::{self, Change};
use base::{auth::Caller, error::AppError, refusal::Refusal};

/// Writes a copy of the database to a new file on the center's machine. Gives its bytes and how long it took, in ms.
pub async fn backup(center: &Center, caller: &Caller, path: &str) -> Result<(u64, u64), AppError> {
    center.policies.check(caller, actions::BACKUP, None)?;
    let target = PathBuf::from(path);
    let data_dir = center.settings.data_dir.clone();
    if !target.is_absolute() || path.len() > 1024 || path.contains('\0') {
        return Err(AppError::invalid(field::PATH, Wrong::NotAnAbsolutePath));
    }
    if target.starts_with(&data_dir) {
        return Err(AppError::invalid(field::PATH, Wrong::PathInCenter));
    }
    let began = Instant::now();
    let store = center.store.clone();
    let to = target.clone();
    tokio::task::spawn_blocking(move || store.backup(&to)).await?.map_err(|error| {
        let hint = "give a new file in a folder that is there";
        AppError::refused(Refusal::BackupFailed, error.to_string(), hint)
    })?;
    let bytes = std::fs::metadata(&target).map_or(0, |meta| meta.len());
    let elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (by, subject) = (caller.clone(), path.to_owned());
    let record = move |tx: &store::Tx| {
        let change =
            Change { tenant: None, action: actions::BACKUP, subject, detail: json!({ "bytes": bytes }) };
        audit::record(tx, &by, change)
    };
    center.write(record, |_, ()| ()).await?;
    Ok((bytes, elapsed_ms))
}
