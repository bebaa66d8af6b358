//! The attachments of applications as they are kept.

use domain::{ApplicationId, Timestamp};
use store::{
    StoreError, Tx,
    chain::hex,
    db::{params, statements},
};

use super::attachment::{Attachment, AttachmentFault, File, MOST, MOST_OF_ALL_MIB, MOST_OF_DRAFTS_MIB};
use crate::{error::AppError, refusal::Refused};

statements! { "attachments";
    INSERT = "INSERT INTO attachments (application, number, name, kind, bytes, digest, added_at, content) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    OF_APPLICATION = "SELECT number, name, kind, bytes, digest, added_at FROM attachments WHERE application = ?1 ORDER BY number";
    CONTENT = "SELECT content FROM attachments WHERE application = ?1 AND number = ?2";
    REMOVE = "DELETE FROM attachments WHERE application = ?1 AND number = ?2";
    REMOVE_ALL = "DELETE FROM attachments WHERE application = ?1";
    OF_DRAFTS = "SELECT COALESCE(SUM(attachments.bytes), 0) FROM applications JOIN attachments ON application = id \
        WHERE state = 'draft'";
}

/// All of an application, in their order.
pub fn of(tx: &Tx, application: ApplicationId) -> Result<Vec<Attachment>, StoreError> {
    tx.all(OF_APPLICATION, params![&application], |row| {
        Ok(Attachment {
            number: row.get(0)?,
            name: row.get(1)?,
            kind: row.code(2)?,
            bytes: row.get(3)?,
            sha256: hex(row.blob(4)?),
            added_at: row.get(5)?,
        })
    })
}

/// One of an application with its bytes.
pub fn find(
    tx: &Tx,
    application: ApplicationId,
    number: u32,
) -> Result<Option<(Attachment, Vec<u8>)>, StoreError> {
    let Some(known) = of(tx, application)?.into_iter().find(|known| known.number == number) else {
        return Ok(None);
    };
    let content = tx.one(CONTENT, params![&application, number], |row| Ok(row.blob(0)?.to_vec()))?;
    Ok(Some((known, content)))
}

/// Adds a file to an application.
pub(super) fn add(
    tx: &Tx,
    application: ApplicationId,
    file: &File,
    now: Timestamp,
) -> Result<Attachment, AppError> {
    let File { name, kind, digest, content } = file;
    let there = of(tx, application)?;
    let together = there.iter().map(|known| known.bytes).sum::<u64>() + content.len() as u64;
    let of_drafts: i64 = tx.one(OF_DRAFTS, &[], |row| row.get(0))?;
    let faults = [
        (there.len() >= MOST, AttachmentFault::TooMany),
        (together > (MOST_OF_ALL_MIB << 20) as u64, AttachmentFault::TooLargeTogether),
        (of_drafts >= MOST_OF_DRAFTS_MIB << 20, AttachmentFault::NoRoom),
    ];
    if let Some((_, why)) = faults.into_iter().find(|(is_wrong, _)| *is_wrong) {
        return Err(Refused::Attachment { name: name.clone(), why }.into());
    }
    let number = there.last().map_or(1, |last| last.number + 1);
    let bytes = i64::try_from(content.len()).map_err(AppError::internal)?;
    let row = params![&application, number, name, kind.code(), bytes, digest, now, &**content];
    tx.execute(INSERT, row)?;
    Ok(Attachment {
        number,
        name: name.clone(),
        kind: *kind,
        bytes: content.len() as u64,
        sha256: hex(digest),
        added_at: now,
    })
}

/// Takes one away from an application.
pub(super) fn remove(tx: &Tx, application: ApplicationId, number: u32) -> Result<Attachment, AppError> {
    let known = of(tx, application)?.into_iter().find(|known| known.number == number);
    let known = known.ok_or_else(|| AppError::not_found("attachment", number.to_string()))?;
    tx.execute(REMOVE, params![&application, number])?;
    Ok(known)
}

/// Takes all away from an application that came to nothing.
pub(super) fn remove_all(tx: &Tx, application: ApplicationId) -> Result<(), StoreError> {
    tx.execute(REMOVE_ALL, params![&application])
}
