//! The roots of the database beside those of the file, row by row, and all of them beside the chain.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    encode::Digest,
    report::{Fault, FaultCode, Report},
    roots::{self, Read, Root, RootLine, RootRow, SignatureState},
    signing::PublicKey,
};

/// The heads that roots are compared with, by link: the link's digest, and how many rows of each kind all
/// links up to it cover.
pub(super) type Heads = BTreeMap<i64, (Digest, BTreeMap<String, i64>)>;

/// A row of the table, with the root that its line tells.
#[derive(Debug)]
pub(super) struct Kept {
    pub row: RootRow,
    pub told: Option<(Root, RootLine)>,
}

impl Kept {
    pub fn of(row: RootRow) -> Self {
        let told = roots::parse_file(&row.line).pop().and_then(Result::ok);
        Self { row, told }
    }
}

fn fault(report: &mut Report, code: FaultCode, number: i64, field: &str, detail: String) {
    let (table, id) = ("roots".to_owned(), number.to_string());
    let field = Some(field.to_owned()).filter(|field| !field.is_empty());
    report.fault(Fault { code, table, id, field, detail: detail.into(), link: None, sealed_at: None });
}

/// The subject of a root: its occasion, which names a day or a month, and its instant.
fn about(root: &Root) -> String {
    format!("{} of {}", root.occasion, root.at)
}

/// Compares the roots of the database and those of the file with each other, with the chain and with their signatures.
pub(super) fn compare(
    report: &mut Report,
    kept: &[Kept],
    file: Option<&[Read]>,
    key: Option<PublicKey>,
    heads: &Heads,
) {
    for kept in kept {
        row_and_line(report, kept);
    }
    if let Some(file) = file {
        lines_in_order(report, file);
        row_by_row(report, kept, file);
    }
    let mut all: Vec<&(Root, RootLine)> = Vec::new();
    let of_file = file.unwrap_or_default().iter().filter_map(|read| read.as_ref().ok());
    for root in of_file.chain(kept.iter().filter_map(|kept| kept.told.as_ref())) {
        if !all.contains(&root) {
            all.push(root);
        }
    }
    all.sort_by_key(|(root, _)| root.number);
    let numbers: BTreeSet<i64> = all.iter().map(|(root, _)| root.number).collect();
    report.roots = numbers.len();
    let last = numbers.last().copied().unwrap_or(0);
    for number in (1..last).filter(|number| !numbers.contains(number)) {
        fault(report, FaultCode::RootMissing, number, "", String::new());
    }
    for (root, line) in all {
        with_chain(report, root, heads);
        match line.state(key) {
            SignatureState::Genuine => report.roots_signed += 1,
            SignatureState::Bad => fault(report, FaultCode::SignatureBad, root.number, "", about(root)),
            SignatureState::Unsigned if key.is_some() => {
                fault(report, FaultCode::RootUnsigned, root.number, "", about(root));
            }
            SignatureState::Unsigned | SignatureState::Unknown => {}
        }
    }
}

/// The columns of a row are those of its line.
fn row_and_line(report: &mut Report, Kept { row, told }: &Kept) {
    let Some((root, _)) = told else {
        fault(report, FaultCode::RootUnreadable, row.number, "", row.occasion.clone());
        return;
    };
    let columns = [
        ("number", row.number.to_string(), root.number.to_string()),
        ("link", row.link.to_string(), root.link.to_string()),
        ("at", row.at.to_string(), root.at.to_string()),
        ("occasion", row.occasion.clone(), root.occasion.clone()),
    ];
    for (name, is, was) in columns.into_iter().filter(|(_, is, was)| is != was) {
        let detail = format!("{}: {is} ≠ {was}, which its line says", about(root));
        fault(report, FaultCode::RootDiffers, row.number, name, detail);
    }
}

/// The lines of the file can be read, and their numbers go up.
fn lines_in_order(report: &mut Report, file: &[Read]) {
    let (mut last, mut seen) = (0, HashMap::new());
    for read in file {
        let (root, line) = match read {
            Ok(root) => root,
            Err(line) => {
                report.whole(FaultCode::RootUnreadable, "", format!("line {line}"));
                continue;
            }
        };
        let detail = match seen.insert(root.number, (root, line)) {
            Some(twin) if twin == (root, line) => continue,
            Some(_) => "it is there twice, with other words".to_owned(),
            None if root.number < last => format!("it comes behind number {last} in the file"),
            None => String::new(),
        };
        if !detail.is_empty() {
            let detail = format!("{}: {}: {detail}", root.number, about(root));
            report.whole(FaultCode::RootDiffers, "", detail);
        }
        last = last.max(root.number);
    }
}

/// Each row of the table is in the file under the same number and with the same words, and the other way round.
fn row_by_row(report: &mut Report, kept: &[Kept], file: &[Read]) {
    let rows: BTreeMap<i64, (&Root, &RootLine)> = kept
        .iter()
        .filter_map(|kept| kept.told.as_ref().map(|(root, line)| (kept.row.number, (root, line))))
        .collect();
    let lines: BTreeMap<i64, (&Root, &RootLine)> = file
        .iter()
        .filter_map(|read| read.as_ref().ok())
        .map(|(root, line)| (root.number, (root, line)))
        .collect();
    // A root is the same one, whatever its number.
    let number_in = |all: &BTreeMap<i64, (&Root, &RootLine)>, wanted: &Root| {
        let same = |root: &Root| Root { number: wanted.number, ..root.clone() } == *wanted;
        all.iter().find(|(_, (root, _))| same(root)).map(|(number, _)| *number)
    };
    for (number, (root, line)) in &rows {
        let detail = match (number_in(&lines, root), lines.get(number)) {
            (Some(same), Some(twin)) if same == *number && twin.1 == *line => continue,
            (Some(same), _) if same == *number => "the file has it with another signature".to_owned(),
            (Some(other), _) => format!("it is number {other} in the file"),
            (None, Some(twin)) if number_in(&rows, twin.0).is_none() => {
                format!("the file has another, {}", about(twin.0))
            }
            (None, _) => {
                let detail = format!("{}: the file of roots lacks it", about(root));
                fault(report, FaultCode::RootMissing, *number, "", detail);
                continue;
            }
        };
        fault(report, FaultCode::RootDiffers, *number, "", format!("{}: {detail}", about(root)));
    }
    for (number, (root, _)) in &lines {
        let is_replaced = || rows.get(number).is_some_and(|(here, _)| number_in(&lines, here).is_none());
        // One of later than the database is told with its link.
        if root.link <= report.links && number_in(&rows, root).is_none() && !is_replaced() {
            let detail = format!("{}: the file has it, the table lacks it", about(root));
            fault(report, FaultCode::RootMissing, *number, "", detail);
        }
    }
}

/// The link that a root is about is there, as it says.
fn with_chain(report: &mut Report, root: &Root, heads: &Heads) {
    let Root { number, link, at, digest, rows, .. } = root;
    match heads.get(link) {
        None if *link > report.links => {
            let last = report.links;
            let detail =
                format!("{number}: it is about link {link} of {at}, and the last one here is {last}");
            report.whole(FaultCode::DatabaseOlder, "chain", detail);
        }
        Some((found, counts)) if found == digest && counts == rows => {}
        _ => {
            let detail = format!("{number}: {}: link {link} was another one", about(root));
            report.whole(FaultCode::RootDiffers, "chain", detail);
        }
    }
}
