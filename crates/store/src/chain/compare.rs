//! Rows as they are now beside what the chain says of them.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::ControlFlow,
    rc::Rc,
};

use super::{
    encode::{Digest, Hasher, counted, hex, put, sha256, values},
    kinds::{Kind, Way},
    report::{Fault, FaultCode, Report},
    seal::{ID_BYTES, MARK_BYTES, Part},
};
use crate::db::{Row, StoreError, Tx, Value, params};

/// A fault of one row.
pub(super) fn of_row(code: FaultCode, kind: &Kind, id: String, detail: String, link: Option<i64>) -> Fault {
    Fault {
        code,
        table: kind.table.to_owned(),
        id,
        field: None,
        detail: detail.into(),
        link,
        sealed_at: None,
    }
}

/// The columns of a kind: those of now, and where a part's columns are among them.
pub(super) struct Columns {
    pub now: Vec<String>,
    known: HashMap<String, Rc<Vec<usize>>>,
}

impl Columns {
    pub fn of(tx: &Tx, kind: &Kind) -> Result<Self, StoreError> {
        Ok(Self { now: kind.columns(tx)?, known: HashMap::new() })
    }

    /// Where the columns are; `Err` with the first that is not there.
    pub fn places(&mut self, text: &str) -> Result<Rc<Vec<usize>>, String> {
        if let Some(places) = self.known.get(text) {
            return Ok(Rc::clone(places));
        }
        let place = |name: &str| self.now.iter().position(|now| now == name).ok_or_else(|| name.to_owned());
        let places: Rc<Vec<usize>> = Rc::new(text.split(',').map(place).collect::<Result<_, _>>()?);
        self.known.insert(text.to_owned(), Rc::clone(&places));
        Ok(places)
    }
}

fn bytes_at(out: &mut Vec<u8>, row: Row<'_>, places: &[usize]) -> Result<(), StoreError> {
    out.clear();
    for place in places {
        put(out, row.value(*place)?);
    }
    Ok(())
}

/// Compares rows that were sealed in the order of their numbers. Gives the number of the last.
pub(super) fn in_order(
    tx: &Tx,
    report: &mut Report,
    (kind, columns): (&Kind, &mut Columns),
    (link, part): (i64, &Part),
    after: i64,
) -> Result<i64, StoreError> {
    let places = match columns.places(&part.columns) {
        Ok(places) => places,
        Err(name) => {
            report.fault(of_row(
                FaultCode::RowsChanged,
                kind,
                String::new(),
                format!("there is no column {name}"),
                Some(link),
            ));
            return Ok(part.last_row);
        }
    };
    let text = kind.select(&columns.now, "WHERE seq > ?1 AND seq <= ?2 ORDER BY seq");
    let marks: Vec<&[u8]> = part.items.chunks(MARK_BYTES).collect();
    let (mut all, mut bytes) = (Hasher::new(), Vec::new());
    let (mut next, mut is_told) = (part.first_row, false);
    let missing = |report: &mut Report, from: i64, until: i64| {
        for number in from..until {
            report.fault(of_row(FaultCode::RowMissing, kind, number.to_string(), String::new(), Some(link)));
        }
    };
    tx.each_of(kind.table, &text, params![after, part.last_row], |row| {
        let number: i64 = row.get(0)?;
        if number < part.first_row {
            let detail = "no link covers it, and later rows are sealed".to_owned();
            report.fault(of_row(FaultCode::RowInserted, kind, number.to_string(), detail, Some(link)));
            return Ok(ControlFlow::Continue(()));
        }
        if number > next {
            missing(report, next, number);
            is_told = true;
        }
        next = number + 1;
        let digest = match bytes_at(&mut bytes, row, &places) {
            Ok(()) => sha256(&bytes),
            Err(_) => Digest::default(),
        };
        all.add(&digest);
        let mark = usize::try_from(number - part.first_row).ok().and_then(|index| marks.get(index));
        if mark.is_none_or(|mark| *mark != &digest[..MARK_BYTES]) {
            is_told = true;
            report.fault(of_row(FaultCode::RowChanged, kind, number.to_string(), String::new(), Some(link)));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    if next <= part.last_row {
        missing(report, next, part.last_row + 1);
        is_told = true;
    }
    if !is_told && all.finish() != part.digest {
        let id = format!("{} – {}", part.first_row, part.last_row);
        report.fault(of_row(FaultCode::RowsChanged, kind, id, String::new(), Some(link)));
    }
    Ok(part.last_row)
}

/// The marks that the chain has of rows that came by the queue: in the order of the chain, and by id.
#[derive(Default)]
pub(super) struct Queued {
    parts: Vec<(i64, usize, Digest, Rc<Vec<usize>>)>,
    items: Vec<Item>,
}

struct Item {
    id: [u8; ID_BYTES],
    mark: [u8; MARK_BYTES],
    place: u32,
}

impl Queued {
    /// Takes a part in. `false` where it is not whole.
    pub fn add(&mut self, link: i64, part: &Part, places: Rc<Vec<usize>>) -> bool {
        let (items, rest) = part.items.as_chunks::<{ ID_BYTES + MARK_BYTES }>();
        let first = self.items.len();
        for (item, place) in items.iter().zip(first..) {
            let (mut id, mut mark) = ([0; ID_BYTES], [0; MARK_BYTES]);
            id.copy_from_slice(&item[..ID_BYTES]);
            mark.copy_from_slice(&item[ID_BYTES..]);
            self.items.push(Item { id, mark, place: u32::try_from(place).unwrap_or(u32::MAX) });
        }
        self.parts.push((link, first, part.digest, places));
        rest.is_empty() && i64::try_from(items.len()) == Ok(part.row_count)
    }

    fn part_of(&self, place: u32) -> &(i64, usize, Digest, Rc<Vec<usize>>) {
        let behind = self.parts.partition_point(|(_, first, ..)| *first <= place as usize);
        &self.parts[behind - 1]
    }

    /// Compares the table with it. Gives the ids of rows that are in no link.
    pub fn compare(
        mut self,
        tx: &Tx,
        report: &mut Report,
        kind: &Kind,
        columns: &Columns,
    ) -> Result<Vec<[u8; ID_BYTES]>, StoreError> {
        self.items.sort_unstable_by_key(|item| (item.id, item.place));
        let mut digests = vec![Digest::default(); self.items.len()];
        let mut told: HashSet<i64> = HashSet::new();
        let (mut next, mut others, mut bytes) = (0, Vec::new(), Vec::new());
        let missing = |report: &mut Report, told: &mut HashSet<i64>, item: &Item| {
            let link = self.part_of(item.place).0;
            told.insert(link);
            let id = kind.show(&[Value::Blob(&item.id)]);
            report.fault(of_row(FaultCode::RowMissing, kind, id, String::new(), Some(link)));
        };
        let text = kind.select(&columns.now, "ORDER BY id");
        tx.each_of(kind.table, &text, params![], |row| {
            let id: [u8; ID_BYTES] = row.get(0)?;
            while self.items.get(next).is_some_and(|item| item.id < id) {
                missing(report, &mut told, &self.items[next]);
                next += 1;
            }
            let mut is_sealed = false;
            while let Some(item) = self.items.get(next).filter(|item| item.id == id) {
                is_sealed = true;
                next += 1;
                let (link, _, _, places) = self.part_of(item.place);
                let digest = match bytes_at(&mut bytes, row, places) {
                    Ok(()) => sha256(&bytes),
                    Err(_) => Digest::default(),
                };
                digests[item.place as usize] = digest;
                if digest[..MARK_BYTES] != item.mark {
                    told.insert(*link);
                    let id = kind.show(&[Value::Blob(&id)]);
                    report.fault(of_row(FaultCode::RowChanged, kind, id, String::new(), Some(*link)));
                }
            }
            if !is_sealed {
                others.push(id);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        for item in &self.items[next..] {
            missing(report, &mut told, item);
        }
        for (index, (link, first, digest, _)) in self.parts.iter().enumerate() {
            let until = self.parts.get(index + 1).map_or(digests.len(), |(_, next, ..)| *next);
            if told.contains(link) {
                continue;
            }
            let mut all = Hasher::new();
            digests[*first..until].iter().for_each(|row| all.add(row));
            if all.finish() != *digest {
                let detail = format!("one or more of {} rows", until - first);
                report.fault(of_row(FaultCode::RowsChanged, kind, String::new(), detail, Some(*link)));
            }
        }
        Ok(others)
    }
}

/// Rows that are sealed as they change: each as the last link has it.
#[derive(Default)]
pub(super) struct Sealed {
    rows: BTreeMap<Vec<u8>, Last>,
}

struct Last {
    link: i64,
    columns: Rc<str>,
    /// Nothing: it was gone.
    bytes: Option<Vec<u8>>,
}

impl Sealed {
    /// Takes a part in, and tells of rows that changed as no row ever does by the center's hand.
    pub fn add(&mut self, report: &mut Report, kind: &Kind, link: i64, part: &Part) {
        let columns: Rc<str> = Rc::from(part.columns.as_str());
        let mut rest = part.items.as_slice();
        let mut count = 0;
        while let Some((is_there, after)) = rest.split_first() {
            let Some((bytes, after)) = counted(after) else { break };
            rest = after;
            count += 1;
            let Some(row) = values(bytes) else { break };
            let key = key_bytes(&row[..kind.key.len().min(row.len())]);
            let bytes = (*is_there == 1).then(|| bytes.to_vec());
            let now = Last { link, columns: Rc::clone(&columns), bytes };
            if let Some(before) = self.rows.get(&key) {
                rewritten(report, kind, &row[..kind.key.len().min(row.len())], before, &now);
            }
            self.rows.insert(key, now);
        }
        if !rest.is_empty() || count != part.row_count || sha256(&part.items) != part.digest {
            let detail = "the rows that it covers are not those of its digest".to_owned();
            report.fault(of_row(FaultCode::LinkBroken, kind, String::new(), detail, Some(link)));
        }
    }

    /// Compares the table with it.
    pub fn compare(
        mut self,
        tx: &Tx,
        report: &mut Report,
        kind: &Kind,
        columns: &mut Columns,
    ) -> Result<(), StoreError> {
        let text = kind.select(&columns.now, &kind.of_kind());
        let mut bytes = Vec::new();
        tx.each_of(kind.table, &text, params![], |row| {
            let key: Vec<Value<'_>> =
                (0..kind.key.len()).map(|index| row.value(index)).collect::<Result<_, _>>()?;
            let Some(sealed) = self.rows.remove(&key_bytes(&key)) else {
                let id = kind.show(&key);
                report.fault(of_row(FaultCode::RowInserted, kind, id, String::new(), None));
                return Ok(ControlFlow::Continue(()));
            };
            let Some(wanted) = &sealed.bytes else {
                let (id, detail) = (kind.show(&key), "it was gone".to_owned());
                report.fault(of_row(FaultCode::RowInserted, kind, id, detail, Some(sealed.link)));
                return Ok(ControlFlow::Continue(()));
            };
            let found = match columns.places(&sealed.columns) {
                Ok(places) => bytes_at(&mut bytes, row, &places).map_err(|error| error.to_string()),
                Err(name) => Err(format!("there is no column {name}")),
            };
            let id = || kind.show(&key);
            match found {
                Ok(()) if bytes == *wanted => {}
                Ok(()) => tell_fields(report, FaultCode::RowChanged, kind, &id(), &sealed, &bytes, &[]),
                Err(detail) => {
                    report.fault(of_row(FaultCode::RowChanged, kind, id(), detail, Some(sealed.link)));
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        for (key, sealed) in self.rows.iter().filter(|(_, sealed)| sealed.bytes.is_some()) {
            let id = kind.show(&values(key).unwrap_or_default());
            report.fault(of_row(FaultCode::RowMissing, kind, id, String::new(), Some(sealed.link)));
        }
        Ok(())
    }
}

fn key_bytes(key: &[Value<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for value in key {
        put(&mut bytes, *value);
    }
    bytes
}

/// Tells what changed from one sealed state of a row to the next, of what never changes.
fn rewritten(report: &mut Report, kind: &Kind, key: &[Value<'_>], before: &Last, now: &Last) {
    let id = kind.show(key);
    let Some(bytes) = &now.bytes else {
        report.fault(of_row(FaultCode::RowMissing, kind, id, "it was deleted".to_owned(), Some(now.link)));
        return;
    };
    // Columns that came with a newer program are no change.
    if before.columns != now.columns || before.bytes.as_ref() == Some(bytes) {
        return;
    }
    let row = before.bytes.as_deref().and_then(values).unwrap_or_default();
    let sealed = |column: &str| {
        let index = before.columns.split(',').position(|name| name == column);
        index.and_then(|index| row.get(index).copied())
    };
    let was_open = kind.open_while_null.is_none_or(|column| sealed(column) == Some(Value::Null));
    let by_value = kind.free_while.and_then(|(column, all)| {
        all.iter().find(|(value, _)| sealed(column) == Some(Value::Text(value))).map(|(_, free)| *free)
    });
    let changing = by_value.unwrap_or(if was_open { kind.changing } else { &[] });
    tell_fields(report, FaultCode::RowRewritten, kind, &id, before, bytes, changing);
}

/// A fault for each column in which `bytes` differ from what was sealed.
fn tell_fields(
    report: &mut Report,
    code: FaultCode,
    kind: &Kind,
    id: &str,
    sealed: &Last,
    bytes: &[u8],
    but: &[&str],
) {
    let was = sealed.bytes.as_deref().and_then(values).unwrap_or_default();
    let is = values(bytes).unwrap_or_default();
    for ((name, was), is) in sealed.columns.split(',').zip(&was).zip(&is) {
        if was != is && !but.contains(&name) {
            let mut fault = of_row(
                code,
                kind,
                id.to_owned(),
                format!("{} ≠ {}", shown(is), shown(was)),
                Some(sealed.link),
            );
            fault.field = Some(name.to_owned());
            report.fault(fault);
        }
    }
}

pub(super) fn shown(value: &Value<'_>) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Int(value) => value.to_string(),
        Value::Text(text) => (*text).to_owned(),
        Value::Blob(bytes) => hex(bytes),
    }
}

/// The rows of a kind that were taken in while the links were read.
pub(super) enum Taken {
    InOrder { last: i64 },
    Queued(Queued),
    AtOnce(Sealed),
}

impl Taken {
    pub fn of(kind: &Kind) -> Self {
        match kind.way {
            Way::InOrder => Self::InOrder { last: 0 },
            Way::Queued => Self::Queued(Queued::default()),
            Way::AtOnce => Self::AtOnce(Sealed::default()),
        }
    }
}
