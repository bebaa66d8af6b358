//! Sealing: making links.

use std::ops::ControlFlow;

use domain::Timestamp;

use super::{
    encode::{Digest, Hasher, put, sha256},
    kinds::{KINDS, Kind, Way, row_bytes},
};
use crate::db::{Row, StoreError, Tx, Value, params, statements};

/// How many changed rows one link seals at most.
const MOST_CHANGES: i64 = 2_000;
/// How many bytes of a row's digest stand beside its part, to tell which of the rows was changed.
pub(super) const MARK_BYTES: usize = 8;
/// The length of the ids of rows that come by the queue.
pub(super) const ID_BYTES: usize = 16;

statements! { "chain";
    HEAD = "SELECT seq, digest FROM chain ORDER BY seq DESC LIMIT 1";
    INSERT_LINK = "INSERT INTO chain (seq, at, previous, digest) VALUES (?1, ?2, ?3, ?4)";
    INSERT_PART = "INSERT INTO chain_parts (link, kind, columns, first_row, last_row, row_count, digest, items) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    LAST_ROW = "SELECT last_row FROM chain_parts WHERE kind = ?1 ORDER BY link DESC LIMIT 1";
    QUEUED = "SELECT kind, key FROM unsealed WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    QUEUE_BEGINS = "SELECT COALESCE(MIN(seq), 0) FROM unsealed";
    LAST_QUEUED = "SELECT MAX(seq) FROM (SELECT seq FROM unsealed ORDER BY seq LIMIT ?1)";
    TAKE_QUEUED = "DELETE FROM unsealed WHERE seq <= ?1";
    NOTE_FOREIGN = "INSERT INTO foreign_changes (found_at, kind, key, part) SELECT ?1, kind, key, part FROM unsealed_changes";
    CHANGED = "SELECT kind, key, part FROM unsealed_changes ORDER BY kind, key, part LIMIT ?1";
    TAKE_CHANGED = "DELETE FROM unsealed_changes WHERE kind = ?1 AND key = ?2 AND part = ?3";
}

/// The rows of one kind that a link covers, with their digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub kind: String,
    pub columns: String,
    pub first_row: i64,
    pub last_row: i64,
    pub row_count: i64,
    pub digest: Digest,
    pub items: Vec<u8>,
}

/// Rows that a link is to cover, with their digests.
#[derive(Clone, Debug)]
pub struct Prepared {
    parts: Vec<Part>,
    /// Where the rows begin and end that were not sealed: the last transfer before, the first and the last of the queue.
    after: i64,
    queue: (i64, i64),
    /// Nothing was left out.
    pub is_all: bool,
}

/// The digest of a link, from all that it says.
pub(super) fn link_digest(seq: i64, at: Timestamp, previous: &Digest, parts: &[Part]) -> Digest {
    let mut bytes = Vec::with_capacity(256);
    put(&mut bytes, Value::Text("qiantang link 1"));
    for value in [Value::Int(seq), Value::Int(at.as_micros()), Value::Blob(previous)] {
        put(&mut bytes, value);
    }
    for part in parts {
        for text in [&part.kind, &part.columns] {
            put(&mut bytes, Value::Text(text));
        }
        for int in [part.first_row, part.last_row, part.row_count] {
            put(&mut bytes, Value::Int(int));
        }
        put(&mut bytes, Value::Blob(&part.digest));
    }
    sha256(&bytes)
}

/// The number and the digest of the last link; 0 and nothing but zeros before the first.
pub fn head(tx: &Tx) -> Result<(i64, Digest), StoreError> {
    let head = tx.find(HEAD, params![], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(head.unwrap_or_default())
}

fn add_link(tx: &Tx, mut parts: Vec<Part>, at: Timestamp) -> Result<i64, StoreError> {
    let (last, previous) = head(tx)?;
    let seq = last + 1;
    parts.sort_by(|one, other| one.kind.cmp(&other.kind));
    let digest = link_digest(seq, at, &previous, &parts);
    tx.execute(INSERT_LINK, params![seq, at, &previous, &digest])?;
    for part in &parts {
        let row = params![
            seq,
            &part.kind,
            &part.columns,
            part.first_row,
            part.last_row,
            part.row_count,
            &part.digest,
            part.items.as_slice(),
        ];
        tx.execute(INSERT_PART, row)?;
    }
    Ok(seq)
}

/// Keeps which rows wait at the beginning of a transaction, and returns how many. The center leaves none, so that something
/// else has changed them. It is the first step of each transaction.
pub fn note_foreign(tx: &Tx, at: Timestamp) -> Result<usize, StoreError> {
    if tx.find(CHANGED, params![1], |_| Ok(()))?.is_none() {
        return Ok(0);
    }
    tx.changed(NOTE_FOREIGN, params![at])
}

/// Seals the rows that this transaction changed, of the kinds that are sealed at once. It is the last step of each
/// transaction.
pub fn seal_changes(tx: &Tx, at: Timestamp) -> Result<(), StoreError> {
    while seal_some(tx, at)? {}
    Ok(())
}

/// Adds a link with some of the rows that wait; `false` where none did.
fn seal_some(tx: &Tx, at: Timestamp) -> Result<bool, StoreError> {
    let mut keys: Vec<(String, [Owned; 2])> = Vec::new();
    tx.each(CHANGED, params![MOST_CHANGES], |row| {
        let key = [Owned::of(row.value(1)?), Owned::of(row.value(2)?)];
        keys.push((row.text(0)?.to_owned(), key));
        Ok(ControlFlow::Continue(()))
    })?;
    if keys.is_empty() {
        return Ok(false);
    }
    let mut parts = Vec::new();
    for kind in KINDS.iter().filter(|kind| kind.way == Way::AtOnce) {
        let own: Vec<&[Owned]> =
            keys.iter().filter(|(name, _)| name == kind.name).map(|(_, key)| key.as_slice()).collect();
        if !own.is_empty() {
            parts.push(changes_of(tx, kind, &own)?);
        }
    }
    for (kind, key) in &keys {
        tx.execute(TAKE_CHANGED, &[Value::Text(kind), key[0].value(), key[1].value()])?;
    }
    if !parts.is_empty() {
        add_link(tx, parts, at)?;
    }
    Ok(true)
}

/// A value that outlives its row.
enum Owned {
    Null,
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
}

impl Owned {
    fn of(value: Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Int(value) => Self::Int(value),
            Value::Text(text) => Self::Text(text.to_owned()),
            Value::Blob(bytes) => Self::Blob(bytes.to_vec()),
        }
    }

    fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Int(value) => Value::Int(*value),
            Self::Text(text) => Value::Text(text),
            Self::Blob(bytes) => Value::Blob(bytes),
        }
    }
}

/// Changed rows of one kind, whole: each as it is now, or the key of one that is gone.
fn changes_of(tx: &Tx, kind: &Kind, keys: &[&[Owned]]) -> Result<Part, StoreError> {
    let columns = kind.columns(tx)?;
    let text = kind.select(&columns, &kind.by_key());
    let (mut items, mut bytes) = (Vec::new(), Vec::new());
    for key in keys {
        let key: Vec<Value<'_>> = key.iter().take(kind.key.len()).map(Owned::value).collect();
        let mut is_there = false;
        tx.each_of(kind.table, &text, &key, |row| {
            is_there = true;
            row_bytes(&mut bytes, row, columns.len())?;
            Ok(ControlFlow::Break(()))
        })?;
        if !is_there {
            bytes.clear();
            for value in key {
                put(&mut bytes, value);
            }
        }
        items.push(u8::from(is_there));
        items.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        items.extend_from_slice(&bytes);
    }
    Ok(Part {
        kind: kind.name.to_owned(),
        columns: columns.join(","),
        first_row: 0,
        last_row: 0,
        row_count: i64::try_from(keys.len()).unwrap_or(i64::MAX),
        digest: sha256(&items),
        items,
    })
}

/// Digests of rows, one after the other, with what tells them apart.
struct Rows {
    all: Hasher,
    items: Vec<u8>,
    count: i64,
}

impl Rows {
    fn new() -> Self {
        Self { all: Hasher::new(), items: Vec::new(), count: 0 }
    }

    fn add(&mut self, id: &[u8], row: &[u8]) {
        let digest = sha256(row);
        self.all.add(&digest);
        self.items.extend_from_slice(id);
        self.items.extend_from_slice(&digest[..MARK_BYTES]);
        self.count += 1;
    }

    fn part(self, kind: &Kind, columns: &[String], (first_row, last_row): (i64, i64)) -> Option<Part> {
        (self.count > 0).then(|| Part {
            kind: kind.name.to_owned(),
            columns: columns.join(","),
            first_row,
            last_row,
            row_count: self.count,
            digest: self.all.finish(),
            items: self.items,
        })
    }
}

/// Makes the digests of rows that no link covers yet, of at most `limit` transfers and as many other rows. `None`: there
/// are none.
pub fn prepare(tx: &Tx, limit: u32) -> Result<Option<Prepared>, StoreError> {
    let mut parts = Vec::new();
    let (mut after, mut is_all) = (0, true);
    for kind in KINDS.iter().filter(|kind| kind.way == Way::InOrder) {
        after = last_row(tx, kind)?;
        let columns = kind.columns(tx)?;
        let text = kind.select(&columns, "WHERE seq > ?1 ORDER BY seq LIMIT ?2");
        let (mut rows, mut bytes, mut first, mut last) = (Rows::new(), Vec::new(), 0, 0);
        tx.each_of(kind.table, &text, params![after, limit], |row| {
            let number: i64 = row.get(0)?;
            if rows.count > 0 && number != last + 1 {
                // A part is without gaps, so that a row that fills one shows.
                return Ok(ControlFlow::Break(()));
            }
            first = if rows.count == 0 { number } else { first };
            last = number;
            row_bytes(&mut bytes, row, columns.len())?;
            rows.add(&[], &bytes);
            Ok(ControlFlow::Continue(()))
        })?;
        is_all &= rows.count < i64::from(limit);
        parts.extend(rows.part(kind, &columns, (first, last)));
    }
    let queue: (i64, Option<i64>) = (
        tx.one(QUEUE_BEGINS, params![], |row: Row<'_>| row.get(0))?,
        tx.one(LAST_QUEUED, params![limit], |row: Row<'_>| row.get(0))?,
    );
    let queue = (queue.0, queue.1.unwrap_or(0));
    if queue.1 > 0 {
        let mut queued: Vec<(String, [u8; ID_BYTES])> = Vec::new();
        tx.each(QUEUED, params![queue.0 - 1, limit], |row| {
            queued.push((row.text(0)?.to_owned(), row.get(1)?));
            Ok(ControlFlow::Continue(()))
        })?;
        is_all &= queued.len() < limit as usize;
        for kind in KINDS.iter().filter(|kind| kind.way == Way::Queued) {
            let own = queued.iter().filter(|(name, _)| name == kind.name).map(|(_, id)| id);
            parts.extend(queued_of(tx, kind, own)?);
        }
    }
    Ok((!parts.is_empty() || queue.1 > 0).then_some(Prepared { parts, after, queue, is_all }))
}

fn queued_of<'a>(
    tx: &Tx,
    kind: &Kind,
    ids: impl Iterator<Item = &'a [u8; ID_BYTES]>,
) -> Result<Option<Part>, StoreError> {
    let columns = kind.columns(tx)?;
    let text = kind.select(&columns, &kind.by_key());
    let (mut rows, mut bytes) = (Rows::new(), Vec::new());
    for id in ids {
        tx.each_of(kind.table, &text, params![id], |row| {
            row_bytes(&mut bytes, row, columns.len())?;
            rows.add(id, &bytes);
            Ok(ControlFlow::Break(()))
        })?;
    }
    Ok(rows.part(kind, &columns, (0, 0)))
}

fn last_row(tx: &Tx, kind: &Kind) -> Result<i64, StoreError> {
    Ok(tx.find(LAST_ROW, params![kind.name], |row| row.get(0))?.unwrap_or(0))
}

/// Adds a link with what was prepared. `false` where others have sealed these rows since.
pub fn append(tx: &Tx, prepared: Prepared, at: Timestamp) -> Result<bool, StoreError> {
    let Prepared { parts, after, queue, .. } = prepared;
    for kind in KINDS.iter().filter(|kind| kind.way == Way::InOrder) {
        if last_row(tx, kind)? != after {
            return Ok(false);
        }
    }
    if queue.1 > 0 {
        let begins: i64 = tx.one(QUEUE_BEGINS, params![], |row| row.get(0))?;
        if begins != queue.0 {
            return Ok(false);
        }
        tx.execute(TAKE_QUEUED, params![queue.1])?;
    }
    if !parts.is_empty() {
        add_link(tx, parts, at)?;
    }
    Ok(true)
}
