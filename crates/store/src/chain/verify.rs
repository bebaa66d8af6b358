//! A database beside its chain, and the chain beside the roots that were given out.

use std::{collections::HashSet, ops::ControlFlow, path::Path, thread};

use domain::Timestamp;

use super::{
    books,
    compare::{Columns, Taken, in_order, of_row},
    compare_roots::{self, Heads, Kept},
    encode::{Digest, hex},
    kinds::{KINDS, Kind, Way, find},
    report::{FaultCode, Report, Unsealed},
    roots,
    seal::{Part, head, link_digest},
    signing::PublicKey,
};
use crate::db::{self, Row, StoreError, Tx, params, statements};

/// A row that is not sealed yet may have been made so long before the last link.
const LAG_MS: i64 = 5 * 60 * 1000;

statements! { "chain";
    LINKS = "SELECT seq, at, previous, digest FROM chain ORDER BY seq";
    PARTS = "SELECT kind, columns, first_row, last_row, row_count, digest, items FROM chain_parts WHERE link = ?1 ORDER BY kind";
    STRAY_PARTS = "SELECT DISTINCT link FROM chain_parts WHERE link NOT IN (SELECT seq FROM chain) ORDER BY link LIMIT 100";
    MADE_AT = "SELECT at FROM chain WHERE seq = ?1";
    QUEUE = "SELECT key FROM unsealed WHERE kind = ?1";
    CHANGES = "SELECT kind, key, part FROM unsealed_changes ORDER BY kind, key, part LIMIT 1000";
    LATER_TRANSFERS = "SELECT seq, id FROM transfers WHERE seq > ?1 ORDER BY seq";
}

/// Evidence from outside a database, to compare the database with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given<'a> {
    /// The text of the file of roots.
    pub file: Option<&'a str>,
    /// The key that has signed them.
    pub key: Option<PublicKey>,
}

/// Compares the whole database: with its chain, the chain with the roots, and what is derived with what it is derived
/// from.
///
/// Cost: linear in the rows. Memory: 64 bytes for each line of the audit log, or for each run.
pub fn verify(tx: &Tx, given: Given<'_>) -> Result<Report, StoreError> {
    let mut report = verify_chain(tx, given)?;
    books::verify(tx, &mut report)?;
    report.is_clean = report.faults.is_empty();
    Ok(report)
}

/// [`verify`] for a file that nobody writes to: the chain and the books at the same time, each with a connection of its own.
pub fn verify_file(path: &Path, given: Given<'_>) -> Result<Report, StoreError> {
    thread::scope(|scope| {
        let books = scope.spawn(|| verify_books(&db::open_copy(path)?));
        let chain = db::open_copy(path).and_then(|tx| verify_chain(&tx, given));
        let books =
            books.join().map_err(|_| StoreError::Panicked { message: "comparing the books".into() })?;
        let mut report = chain?;
        report.add_books(books?);
        Ok(report)
    })
}

/// Compares what is derived with what it is derived from, and nothing else.
pub fn verify_books(tx: &Tx) -> Result<Report, StoreError> {
    let mut report = Report::default();
    books::verify(tx, &mut report)?;
    report.is_clean = report.faults.is_empty();
    Ok(report)
}

/// Compares the database with its chain, and the chain with the roots.
pub fn verify_chain(tx: &Tx, given: Given<'_>) -> Result<Report, StoreError> {
    let mut report = Report { key: given.key.map(|key| key.to_string()), ..Report::default() };
    let kept: Vec<Kept> = roots::list(tx, None, u32::MAX)?.into_iter().rev().map(Kept::of).collect();
    let file = given.file.map(roots::parse_file);
    let of_file = file.iter().flatten().filter_map(|read| read.as_ref().ok());
    let all = of_file.chain(kept.iter().filter_map(|kept| kept.told.as_ref()));
    let wanted: HashSet<i64> = all.map(|(root, _)| root.link).collect();
    let heads = links(tx, &mut report, &wanted)?;
    compare_roots::compare(&mut report, &kept, file.as_deref(), given.key, &heads);
    for difference in db::differences(tx)? {
        report.whole(FaultCode::SchemaDiffers, "sqlite_master", difference);
    }
    for fault in &mut report.faults {
        if let Some(link) = fault.link {
            fault.sealed_at = tx.find(MADE_AT, params![link], |row| row.get(0))?;
        }
    }
    report.is_clean = report.faults.is_empty();
    Ok(report)
}

/// Reads all links and compares the rows that they cover.
fn links(tx: &Tx, report: &mut Report, wanted: &HashSet<i64>) -> Result<Heads, StoreError> {
    let mut kinds: Vec<(&Kind, Columns, Taken)> = Vec::new();
    for kind in KINDS {
        kinds.push((kind, Columns::of(tx, kind)?, Taken::of(kind)));
    }
    let (mut last, mut previous, mut heads) = (0, Digest::default(), Heads::new());
    tx.each(LINKS, params![], |row| {
        let (seq, at): (i64, Timestamp) = (row.get(0)?, row.get(1)?);
        let (before, digest): (Digest, Digest) = (row.get(2)?, row.get(3)?);
        let parts = tx.all(PARTS, params![seq], part)?;
        for missing in last + 1..seq {
            report.whole(FaultCode::LinkMissing, "chain", missing.to_string());
        }
        let is_next = seq == last + 1 && before == previous;
        if (seq == last + 1 && !is_next) || link_digest(seq, at, &before, &parts) != digest {
            report.whole(FaultCode::LinkBroken, "chain", seq.to_string());
        }
        for part in &parts {
            take(tx, report, &mut kinds, (seq, part))?;
            *report.rows.entry(part.kind.clone()).or_default() += part.row_count;
        }
        (last, previous) = (seq, digest);
        report.sealed_until = report.sealed_until.max(Some(at));
        if wanted.contains(&seq) {
            heads.insert(seq, (digest, report.rows.clone()));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    for link in tx.all(STRAY_PARTS, params![], |row| row.get::<i64>(0))? {
        report.whole(FaultCode::LinkMissing, "chain", link.to_string());
    }
    (report.links, report.head) = (last, hex(&head(tx)?.1));
    for (kind, mut columns, taken) in kinds {
        match taken {
            Taken::InOrder { last } => later(tx, report, kind, last)?,
            Taken::AtOnce(sealed) => sealed.compare(tx, report, kind, &mut columns)?,
            Taken::Queued(queued) => {
                let others = queued.compare(tx, report, kind, &columns)?;
                waiting(tx, report, kind, &others)?;
            }
        }
    }
    touched(tx, report)?;
    Ok(heads)
}

fn part(row: Row<'_>) -> Result<Part, StoreError> {
    Ok(Part {
        kind: row.get(0)?,
        columns: row.get(1)?,
        first_row: row.get(2)?,
        last_row: row.get(3)?,
        row_count: row.get(4)?,
        digest: row.get(5)?,
        items: row.blob(6)?.to_vec(),
    })
}

/// Takes in what a link says of one kind.
fn take(
    tx: &Tx,
    report: &mut Report,
    kinds: &mut [(&Kind, Columns, Taken)],
    (link, part): (i64, &Part),
) -> Result<(), StoreError> {
    let Some((kind, columns, taken)) = kinds.iter_mut().find(|(kind, ..)| kind.name == part.kind) else {
        report.whole(
            FaultCode::LinkBroken,
            "chain",
            format!("{link}: it covers `{}`, which is unknown", part.kind),
        );
        return Ok(());
    };
    match taken {
        Taken::InOrder { last } => *last = in_order(tx, report, (kind, columns), (link, part), *last)?,
        Taken::AtOnce(sealed) => sealed.add(report, kind, link, part),
        Taken::Queued(queued) => {
            let is_whole = match columns.places(&part.columns) {
                Ok(places) => queued.add(link, part, places),
                Err(_) => false,
            };
            if !is_whole {
                report.whole(
                    FaultCode::LinkBroken,
                    "chain",
                    format!("{link}: what it says of `{}`", part.kind),
                );
            }
        }
    }
    Ok(())
}

/// When an id was made, in milliseconds: its first six bytes.
fn made_ms(id: [u8; 16]) -> i64 {
    id[..6].iter().fold(0, |ms, byte| ms << 8 | i64::from(*byte))
}

/// Whether the row with this id is too old to have waited for the next link.
fn is_too_old(report: &Report, id: [u8; 16]) -> bool {
    report.sealed_until.is_some_and(|until| made_ms(id) < until.floor_millis() - LAG_MS)
}

fn unsealed(report: &mut Report, kind: &Kind, rows: u64) {
    if rows > 0 {
        report.unsealed.push(Unsealed { kind: kind.name.to_owned(), rows });
    }
}

const TOO_OLD: &str = "no link covers it, and it says that it is from before the last link";

/// Transfers behind the last that is sealed.
fn later(tx: &Tx, report: &mut Report, kind: &Kind, last: i64) -> Result<(), StoreError> {
    let mut count = 0;
    tx.each(LATER_TRANSFERS, params![last], |row| {
        count += 1;
        if is_too_old(report, row.get(1)?) {
            let id = row.get::<i64>(0)?.to_string();
            report.fault(of_row(FaultCode::RowInserted, kind, id, TOO_OLD.to_owned(), None));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    unsealed(report, kind, count);
    Ok(())
}

/// Rows of no link: those that wait for one, and those that nobody knows of.
fn waiting(tx: &Tx, report: &mut Report, kind: &Kind, ids: &[[u8; 16]]) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let queue: HashSet<[u8; 16]> = tx.all(QUEUE, params![kind.name], |row| row.get(0))?.into_iter().collect();
    let is_of_kind = format!(
        "SELECT 1 FROM {} WHERE id = ?1 AND ({})",
        kind.table,
        match kind.filter {
            "" => "1",
            filter => filter,
        }
    );
    let mut count = 0;
    for id in ids {
        let mut counts = false;
        tx.each_of(kind.table, &is_of_kind, params![id], |_| {
            counts = true;
            Ok(ControlFlow::Break(()))
        })?;
        if !counts {
            continue;
        }
        // A run may have begun long before it ended; only then it waits for a link.
        let detail = match queue.contains(id) {
            true if kind.name == "audit" && is_too_old(report, *id) => TOO_OLD,
            true => {
                count += 1;
                continue;
            }
            false => "no link covers it, and none is to",
        };
        let id = kind.show(&[db::Value::Blob(id)]);
        report.fault(of_row(FaultCode::RowInserted, kind, id, detail.to_owned(), None));
    }
    unsealed(report, kind, count);
    Ok(())
}

/// Rows that are sealed as they change, and were changed without it.
fn touched(tx: &Tx, report: &mut Report) -> Result<(), StoreError> {
    tx.each(CHANGES, params![], |row| {
        let Some(kind) = find(row.text(0)?).filter(|kind| kind.way == Way::AtOnce) else {
            return Ok(ControlFlow::Continue(()));
        };
        let key: Vec<db::Value<'_>> =
            (1..=kind.key.len()).map(|index| row.value(index)).collect::<Result<_, _>>()?;
        let id = kind.show(&key);
        if !report.faults.iter().any(|fault| fault.table == kind.table && fault.id == id) {
            let detail = "another program than the center wrote to it".to_owned();
            report.fault(of_row(FaultCode::RowRewritten, kind, id, detail, None));
        }
        Ok(ControlFlow::Continue(()))
    })
}
