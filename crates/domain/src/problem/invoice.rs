//! The codes of what can be wrong with an invoice.

use crate::MicroCny;

/// A fault of an invoice, or of a line of the table in which its number comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvoiceFault {
    NoStatements,
    /// The statements together bill nothing: an invoice is over more than that.
    NothingToInvoice {
        billed: MicroCny,
    },
    /// In basis points.
    Rate {
        given: u16,
        allowed: Vec<u16>,
    },
    /// Not of the tenant of the other statements.
    OfAnotherTenant {
        statement: String,
    },
    /// A special invoice names the buyer's tax number.
    NeedsTaxNumber,
    /// An invoice of the tax system has 20 digits.
    NotAnInvoiceNumber {
        given: String,
    },
    /// Another invoice has the number.
    NumberUsed {
        number: String,
        request: String,
    },
    /// The table does not begin with its titles.
    NotTheTable,
    /// A line of a table with another number of cells.
    Cells {
        given: usize,
        wanted: usize,
    },
    OtherAmount {
        given: String,
        amount: MicroCny,
    },
    /// The invoice was issued with another number.
    OtherNumber {
        given: String,
        number: String,
    },
    /// The invoice was issued with that number on another day.
    OtherDay {
        given: String,
        day: String,
    },
    /// It is not requested any more.
    NotRequested {
        request: String,
        state: &'static str,
    },
    /// Whoever requested it does not issue it.
    OwnRequest {
        request: String,
    },
}
