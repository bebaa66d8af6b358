//! Invoices, and the statements that they are over.

use domain::{InvoiceId, MemberId, MicroCny, Month, TenantId, Timestamp, codes};

use crate::db::{Record, Row, StoreError, Tx, params, rows, statements};

codes! {
    /// The kinds of invoices: of a special one the buyer deducts the tax.
    pub enum InvoiceKind {
        Special = "special",
        Ordinary = "ordinary",
    }

    /// Where an invoice stands.
    pub enum InvoiceState {
        Requested = "requested",
        Issued = "issued",
        /// A red-letter invoice took it back.
        Reversed = "reversed",
        /// By the tenant, before it was issued.
        Withdrawn = "withdrawn",
        /// By the center, before it was issued.
        Refused = "refused",
    }
}

impl InvoiceState {
    /// Whether its statements are in no other invoice.
    pub fn is_live(self) -> bool {
        match self {
            Self::Requested | Self::Issued => true,
            Self::Reversed | Self::Withdrawn | Self::Refused => false,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    pub id: InvoiceId,
    /// The number of the request, from 1.
    pub serial: i64,
    pub tenant: TenantId,
    pub kind: InvoiceKind,
    /// The buyer, as registered.
    pub title: String,
    pub tax_number: String,
    /// In basis points.
    pub rate_bp: u16,
    pub email: String,
    pub note: String,
    /// The sum of its lines, to the last part.
    pub billed_micro_cny: MicroCny,
    /// With the tax.
    pub amount_fen: i64,
    pub tax_fen: i64,
    pub state: InvoiceState,
    pub requested_by: MemberId,
    pub requested_at: Timestamp,
    /// Who issued, refused or withdrew it.
    pub decided_by: Option<MemberId>,
    pub decided_at: Option<Timestamp>,
    /// The tax system's, once it is issued; else empty.
    pub number: String,
    /// `YYYY-MM-DD`; empty where it was not issued.
    pub issued_on: String,
    /// Why it was refused or reversed.
    pub reason: String,
    pub reversed_by: Option<MemberId>,
    pub reversed_at: Option<Timestamp>,
    /// The number of the red-letter invoice.
    pub red_number: String,
    /// The number of the form by which the tax system allowed it.
    pub confirmation: String,
    pub reversed_on: String,
}

/// A statement of an invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceLine {
    pub invoice: InvoiceId,
    /// From 1.
    pub place: i64,
    /// The number of the statement.
    pub statement: String,
    pub billed_micro_cny: MicroCny,
    /// No other invoice may be over the statement.
    pub is_live: bool,
}

rows! { invoice: Invoice =
    id, serial, tenant, kind as code, title, tax_number, rate_bp, email, note, billed_micro_cny, amount_fen, tax_fen,
    state as code, requested_by, requested_at, decided_by, decided_at, number, issued_on, reason, reversed_by, reversed_at,
    red_number, confirmation, reversed_on
}
rows! { invoice_line: InvoiceLine = invoice, place, statement, billed_micro_cny, is_live }

statements! { "invoices", unique: {
    "invoices.number": "an invoice with this number",
    "invoices.red_number": "a red-letter invoice with this number",
    "invoice_lines.statement": "an invoice over this statement"
};
    INSERT = invoice!(insert into "invoices");
    INSERT_LINE = invoice_line!(insert into "invoice_lines");
    // The next number of a request: none is ever deleted.
    NEXT = "SELECT COALESCE(MAX(serial), 0) + 1 FROM invoices";
    FIND = concat!("SELECT ", invoice!(columns), " FROM invoices WHERE serial = ?1");
    FIND_NUMBER = concat!("SELECT ", invoice!(columns), " FROM invoices WHERE number = ?1");
    LIST = concat!("SELECT ", invoice!(columns), " FROM invoices WHERE serial < ?1 AND (?2 IS NULL OR tenant = ?2) \
           AND (?3 IS NULL OR state = ?3) ORDER BY serial DESC LIMIT ?4");
    COUNT = "SELECT COUNT(*) FROM invoices WHERE (?1 IS NULL OR tenant = ?1) AND (?2 IS NULL OR state = ?2)";
    LINES = concat!("SELECT ", invoice_line!(columns), " FROM invoice_lines WHERE invoice = ?1 ORDER BY place");
    OF_STATEMENT = concat!("SELECT ", invoice!(columns of "i"), " FROM invoices i JOIN invoice_lines l ON l.invoice = i.id \
                   WHERE l.statement = ?1 AND l.is_live = 1");
    OF_MONTH = "SELECT l.statement, i.serial, i.number FROM invoice_lines l JOIN invoices i ON i.id = l.invoice \
                JOIN statements s ON s.number = l.statement WHERE s.month = ?1 AND l.is_live = 1";
    // The issued invoices whose last statement is of a month, with the rounding of each.
    ENDING_IN = concat!("SELECT ", invoice!(columns of "i"), " FROM invoices i WHERE i.state = 'issued' AND ?1 = \
                (SELECT MAX(s.month) FROM invoice_lines l JOIN statements s ON s.number = l.statement WHERE l.invoice = i.id) \
                ORDER BY i.serial");
    DECIDE = "UPDATE invoices SET state = ?2, decided_by = ?3, decided_at = ?4, number = ?5, issued_on = ?6, reason = ?7 \
              WHERE id = ?1 AND state = 'requested'";
    REVERSE = "UPDATE invoices SET state = 'reversed', reversed_by = ?2, reversed_at = ?3, red_number = ?4, \
               confirmation = ?5, reversed_on = ?6, reason = ?7 WHERE id = ?1 AND state = 'issued'";
    FREE = "UPDATE invoice_lines SET is_live = 0 WHERE invoice = ?1";
}

/// Keeps a new invoice with its lines.
pub fn insert(tx: &Tx, invoice: &Invoice, lines: &[InvoiceLine]) -> Result<(), StoreError> {
    invoice.insert(tx, INSERT)?;
    lines.iter().try_for_each(|line| line.insert(tx, INSERT_LINE))
}

/// The number of the next request.
pub fn next_serial(tx: &Tx) -> Result<i64, StoreError> {
    tx.one(NEXT, params![], |row| row.get(0))
}

pub fn find(tx: &Tx, serial: i64) -> Result<Option<Invoice>, StoreError> {
    tx.find(FIND, params![serial], Invoice::read)
}

/// The invoice that the tax system gave a number.
pub fn find_number(tx: &Tx, number: &str) -> Result<Option<Invoice>, StoreError> {
    tx.find(FIND_NUMBER, params![number], Invoice::read)
}

/// Which invoices to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    pub tenant: Option<TenantId>,
    pub state: Option<InvoiceState>,
}

/// The newest invoices that are older than the one of that number.
pub fn list(tx: &Tx, filter: Filter, before: Option<i64>, limit: u32) -> Result<Vec<Invoice>, StoreError> {
    let state = filter.state.map(InvoiceState::code);
    let bound = params![before.unwrap_or(i64::MAX), &filter.tenant, state, limit];
    tx.all(LIST, bound, Invoice::read)
}

pub fn count(tx: &Tx, filter: Filter) -> Result<u64, StoreError> {
    let state = filter.state.map(InvoiceState::code);
    tx.one(COUNT, params![&filter.tenant, state], |row| row.get(0))
}

pub fn lines(tx: &Tx, invoice: InvoiceId) -> Result<Vec<InvoiceLine>, StoreError> {
    tx.all(LINES, params![&invoice], InvoiceLine::read)
}

/// The invoice that a statement is in.
pub fn of_statement(tx: &Tx, statement: &str) -> Result<Option<Invoice>, StoreError> {
    tx.find(OF_STATEMENT, params![statement], Invoice::read)
}

/// The invoice of a month's statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoiced {
    pub statement: String,
    pub serial: i64,
    /// Empty where it was not issued yet.
    pub number: String,
}

/// Which statements of a month are in an invoice.
pub fn of_month(tx: &Tx, month: Month) -> Result<Vec<Invoiced>, StoreError> {
    tx.all(OF_MONTH, params![&month.to_string()], |row: Row<'_>| {
        Ok(Invoiced { statement: row.get(0)?, serial: row.get(1)?, number: row.get(2)? })
    })
}

/// The issued invoices whose last statement is of that month.
pub fn ending_in(tx: &Tx, month: Month) -> Result<Vec<Invoice>, StoreError> {
    tx.all(ENDING_IN, params![&month.to_string()], Invoice::read)
}

/// Keeps how a requested invoice was decided; `false` where it was decided before. Its statements are free again unless it
/// was issued.
pub fn decide(tx: &Tx, invoice: &Invoice) -> Result<bool, StoreError> {
    let Invoice { id, state, decided_by, decided_at, number, issued_on, reason, .. } = invoice;
    let bound = params![id, state.code(), decided_by, *decided_at, number, issued_on, reason];
    let is_first = tx.changed(DECIDE, bound)? > 0;
    if is_first && !state.is_live() {
        tx.execute(FREE, params![id])?;
    }
    Ok(is_first)
}

/// Takes an issued invoice back; `false` where it is not issued. Its statements are free again.
pub fn reverse(tx: &Tx, invoice: &Invoice) -> Result<bool, StoreError> {
    let Invoice { id, reversed_by, reversed_at, red_number, confirmation, reversed_on, reason, .. } = invoice;
    let bound = params![id, reversed_by, *reversed_at, red_number, confirmation, reversed_on, reason];
    let is_first = tx.changed(REVERSE, bound)? > 0;
    if is_first {
        tx.execute(FREE, params![id])?;
    }
    Ok(is_first)
}
