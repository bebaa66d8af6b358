//! The report of a comparison of a database with its chain.

use std::collections::BTreeMap;

use domain::Timestamp;
use serde::{Serialize, Serializer};

use crate::ledger::Told;

/// How many faults are kept one by one; the rest are counted.
const MOST_TOLD: usize = 1_000;

domain::codes! {
    /// The kind of a fault.
    pub enum FaultCode {
        RowChanged = "row_changed",
        RowMissing = "row_missing",
        RowInserted = "row_inserted",
        /// A row was sealed again with what never changes by the center's hand.
        RowRewritten = "row_rewritten",
        /// Some of many rows were changed, and what tells them apart with them.
        RowsChanged = "rows_changed",
        /// A link is not what its digest says, or does not follow the one before.
        LinkBroken = "link_broken",
        LinkMissing = "link_missing",
        /// A root is about another chain than this one, or another one in the file of roots.
        RootDiffers = "root_differs",
        /// The roots know of links that are not there: an older copy, or one whose end was cut off.
        DatabaseOlder = "database_older",
        /// Of the database and the file of roots one has a root that the other lacks.
        RootMissing = "root_missing",
        RootUnreadable = "root_unreadable",
        RootUnsigned = "root_unsigned",
        SignatureBad = "signature_bad",
        /// Tables, indexes or triggers are not as the program made them.
        SchemaDiffers = "schema_differs",
        /// Sums, charges or states do not follow from what they are made of.
        BooksDisagree = "books_disagree",
        /// Something else than the center has changed a row, and the center has sealed it since.
        ForeignChange = "foreign_change",
        /// A transfer that no run makes has no line in the audit log.
        WithoutAudit = "without_audit",
    }
}

/// One fault, and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    pub code: FaultCode,
    pub table: String,
    /// The row; empty where the fault is about more than one.
    pub id: String,
    /// The column, where it is known.
    pub field: Option<String>,
    /// The value that was found, and the one that should be.
    #[serde(serialize_with = "in_english")]
    pub detail: Told,
    /// The link that says otherwise, and when it was made.
    pub link: Option<i64>,
    pub sealed_at: Option<Timestamp>,
}

/// Programs read the English text.
fn in_english<S: Serializer>(detail: &Told, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&detail.en)
}

impl Fault {
    /// The fault in a line.
    pub fn told(&self) -> String {
        let Self { code, table, id, field, detail, link, .. } = self;
        let mut text = format!("{}: {table} {id}", code.code());
        for more in [field.as_deref().unwrap_or_default(), detail.en.as_str()] {
            if !more.is_empty() {
                text = format!("{} {more}", text.trim_end());
            }
        }
        if let Some(link) = link {
            text = format!("{} (link {link})", text.trim_end());
        }
        text
    }
}

/// Rows that no link covers yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unsealed {
    pub kind: String,
    pub rows: u64,
}

/// All that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub is_clean: bool,
    pub links: i64,
    /// The digest of the last link.
    pub head: String,
    /// When it was made: rows that are not sealed came after.
    pub sealed_until: Option<Timestamp>,
    /// How many rows of each kind links cover.
    pub rows: BTreeMap<String, i64>,
    pub unsealed: Vec<Unsealed>,
    /// Roots that were compared, and how many of them have a signature that is genuine.
    pub roots: usize,
    pub roots_signed: usize,
    /// The key that signatures were compared with; nothing: each with the key that its root names.
    pub key: Option<String>,
    pub transfers: u64,
    pub runs: u64,
    pub faults: Vec<Fault>,
    /// How many faults there are besides those.
    pub more_faults: u64,
}

impl Report {
    pub(super) fn fault(&mut self, fault: Fault) {
        if self.faults.len() < MOST_TOLD {
            self.faults.push(fault);
        } else {
            self.more_faults += 1;
        }
    }

    /// Takes in what the comparison of the books alone has found.
    pub fn add_books(&mut self, books: Self) {
        (self.transfers, self.runs) = (books.transfers, books.runs);
        self.more_faults += books.more_faults;
        books.faults.into_iter().for_each(|fault| self.fault(fault));
        self.is_clean = self.faults.is_empty();
    }

    /// A fault of no single row.
    pub(super) fn whole(&mut self, code: FaultCode, table: &str, detail: impl Into<Told>) {
        let (table, id) = (table.to_owned(), String::new());
        self.fault(Fault {
            code,
            table,
            id,
            field: None,
            detail: detail.into(),
            link: None,
            sealed_at: None,
        });
    }
}
