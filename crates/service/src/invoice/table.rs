//! The tables that go to the tax system and come back: requested invoices as CSV, and the numbers that they were given.

use std::collections::BTreeSet;

use base::{auth::Caller, change::Changed, error::AppError, events::Event, refusal::Refused};
use center::{
    app::csv::{self, END, quoted},
    center::Center,
};
use domain::{
    MicroCny,
    billing::{InvoiceAmounts, MICRO_OF_FEN},
    problem::{InvoiceFault, Place, SpecProblem, Wrong, field},
};
use serde::{Deserialize, Serialize};
use store::{
    Tx,
    invoices::{self as rows, Filter, Invoice},
};

use super::{
    ask,
    decide::{Decider, told_of_issue},
    rule::{
        ISSUE, ISSUED, InvoiceState, MOST_ROWS, READ, is_invoice_number, percent, request_number, serial,
    },
};

const COLUMNS: &str =
    "request,requested_on,tenant,kind,title,tax_number,rate_percent,amount,net,tax,email,note,statements";

/// The titles of the table that comes back.
pub const TITLES: [&str; 4] = ["request", "number", "issued_on", "amount"];

/// The table of numbers, as the tax system's operator filled it in.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NumbersTable {
    /// CSV with the columns `request`, `number`, `issued_on` (`YYYY-MM-DD`) and `amount` (in yuan).
    pub table: String,
}

/// How a table was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Imported {
    /// Invoices that were issued by it.
    pub issued: u64,
    /// Rows that said what is known already.
    pub unchanged: u64,
}

/// The requested invoices as a table.
pub async fn export(center: &Center, caller: &Caller) -> Result<String, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, READ, scope)?;
    let zone = center.settings.time_zone;
    let work = move |tx: &Tx| {
        let filter = Filter { tenant: scope, state: Some(InvoiceState::Requested) };
        let found = rows::list(tx, filter, None, MOST_ROWS + 1)?;
        if found.len() > MOST_ROWS as usize {
            return Err(Refused::TooManyRows { most: MOST_ROWS as usize }.into());
        }
        let mut table = format!("{COLUMNS}{END}");
        for invoice in found.into_iter().rev() {
            let statements: Vec<String> =
                rows::lines(tx, invoice.id)?.into_iter().map(|line| line.statement).collect();
            let tenant = store::tenants::get_tenant(tx, invoice.tenant)?.slug;
            table.push_str(&row(&invoice, &zone.date(invoice.requested_at), &tenant, &statements));
        }
        Ok(table)
    };
    center.try_read(work).await
}

fn row(invoice: &Invoice, requested_on: &str, tenant: &str, statements: &[String]) -> String {
    let amounts = InvoiceAmounts {
        billed: invoice.billed_micro_cny,
        amount_fen: invoice.amount_fen,
        tax_fen: invoice.tax_fen,
    };
    csv::row(&[
        request_number(invoice.serial),
        requested_on.to_owned(),
        quoted(tenant),
        invoice.kind.code().to_owned(),
        quoted(&invoice.title),
        quoted(&invoice.tax_number),
        percent(invoice.rate_bp),
        amounts.amount().exact(),
        amounts.net().exact(),
        amounts.tax().exact(),
        quoted(&invoice.email),
        quoted(&invoice.note),
        statements.join(" "),
    ])
}

/// A row that came back.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Given {
    line: u32,
    request: String,
    number: String,
    issued_on: String,
    amount: String,
}

/// The cells of a line, without the quotes around them and the apostrophe that keeps a cell from being a formula.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let (mut is_quoted, mut chars) = (false, line.chars().peekable());
    while let Some(next) = chars.next() {
        let last = cells.last_mut().expect("there is one");
        match next {
            '"' if is_quoted && chars.peek() == Some(&'"') => {
                chars.next();
                last.push('"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => cells.push(String::new()),
            other => last.push(other),
        }
    }
    let plain = |cell: String| {
        let cell = cell.trim();
        cell.strip_prefix('\'').unwrap_or(cell).to_owned()
    };
    cells.into_iter().map(plain).collect()
}

fn problem(line: u32, fault: InvoiceFault) -> SpecProblem {
    SpecProblem::new(Place::Line(line), Wrong::Invoice(fault))
}

/// The rows of a table, or all lines that are none.
fn read(table: &str) -> Result<Vec<Given>, Vec<SpecProblem>> {
    let table = table.trim_start_matches('\u{feff}');
    let mut lines = (1_u32..).zip(table.lines()).filter(|(_, line)| !line.trim().is_empty());
    let titles = lines.next().map(|(_, line)| cells(line));
    if titles.is_none_or(|titles| titles != TITLES) {
        return Err(vec![SpecProblem::new(field::TABLE, Wrong::Invoice(InvoiceFault::NotTheTable))]);
    }
    let (mut rows, mut faults, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (line, text) in lines {
        match <[String; 4]>::try_from(cells(text)) {
            Ok([request, number, issued_on, amount]) => {
                if !seen.insert(request.clone()) {
                    faults.push(SpecProblem::new(Place::Line(line), Wrong::Twice { what: request.clone() }));
                }
                rows.push(Given { line, request, number, issued_on, amount });
            }
            Err(cells) => {
                let fault = InvoiceFault::Cells { given: cells.len(), wanted: TITLES.len() };
                faults.push(problem(line, fault));
            }
        }
    }
    if faults.is_empty() { Ok(rows) } else { Err(faults) }
}

/// Issues the invoices of a table under the numbers that it has: all of them, or none where any line is wrong. A row that says
/// what is known already changes nothing.
pub async fn import(center: &Center, caller: &Caller, given: NumbersTable) -> Result<Imported, AppError> {
    let may = center.policies.may(caller, ISSUE, None)?;
    let read = read(&given.table).map_err(AppError::Invalid)?;
    if read.len() > MOST_ROWS as usize {
        return Err(Refused::TooManyRows { most: MOST_ROWS as usize }.into());
    }
    let decider = Decider::of(center, caller);
    let work = move |tx: &Tx| {
        let (mut issued, mut faults, mut imported) = (Vec::new(), Vec::new(), Imported::default());
        let mut numbers = BTreeSet::new();
        for row in &read {
            if !numbers.insert(row.number.as_str()) {
                faults
                    .push(SpecProblem::new(Place::Line(row.line), Wrong::Twice { what: row.number.clone() }));
                continue;
            }
            match looked_at(tx, &decider, row)? {
                Err(fault) => faults.push(fault),
                Ok(None) => imported.unchanged += 1,
                Ok(Some(invoice)) => issued.push(invoice),
            }
        }
        if !faults.is_empty() {
            return Err(AppError::Invalid(faults));
        }
        let (mut told, mut events) = (Vec::new(), Vec::new());
        for invoice in issued {
            rows::decide(tx, &invoice)?;
            events.push(ask::event(tx, &invoice, ISSUED, decider.now)?);
            told.push((invoice.tenant, invoice.id.to_string(), told_of_issue(&invoice)));
            imported.issued += 1;
        }
        Ok(Changed::each_of(told, (imported, events)))
    };
    let told = |center: &Center, (_, events): &(Imported, Vec<Event>)| {
        for event in events {
            center.tell(event.clone());
        }
    };
    Ok(center.change(may, work, told).await?.0)
}

/// A row beside what is known: the invoice as it is issued, nothing where it was issued like that already, or what is wrong.
fn looked_at(
    tx: &Tx,
    decider: &Decider,
    row: &Given,
) -> Result<Result<Option<Invoice>, SpecProblem>, AppError> {
    let line = row.line;
    let found = serial(&row.request).map(|serial| rows::find(tx, serial)).transpose()?.flatten();
    let Some(invoice) = found else {
        return Ok(Err(SpecProblem::new(Place::Line(line), Wrong::NoSuch { given: row.request.clone() })));
    };
    let refused = |fault| Ok(Err(problem(line, fault)));
    if !is_invoice_number(&row.number) {
        return refused(InvoiceFault::NotAnInvoiceNumber { given: row.number.clone() });
    }
    if let Err(AppError::Invalid(mut problems)) = decider.day(field::ISSUED_ON, &row.issued_on) {
        let wrong = problems.swap_remove(0).wrong;
        return Ok(Err(SpecProblem::new(Place::Line(line), wrong)));
    }
    let amount = MicroCny(invoice.amount_fen.saturating_mul(MICRO_OF_FEN));
    if row.amount.parse::<MicroCny>() != Ok(amount) {
        return refused(InvoiceFault::OtherAmount { given: row.amount.clone(), amount });
    }
    if invoice.state == InvoiceState::Issued {
        if invoice.number != row.number {
            let (given, number) = (row.number.clone(), invoice.number);
            return refused(InvoiceFault::OtherNumber { given, number });
        }
        if invoice.issued_on != row.issued_on {
            let (given, day) = (row.issued_on.clone(), invoice.issued_on);
            return refused(InvoiceFault::OtherDay { given, day });
        }
        return Ok(Ok(None));
    }
    let Some(issued) = decider.issued(&invoice, &row.number, &row.issued_on) else {
        let (request, state) = (row.request.clone(), invoice.state.code());
        return refused(InvoiceFault::NotRequested { request, state });
    };
    if let Some(other) = rows::find_number(tx, &row.number)? {
        let (number, request) = (row.number.clone(), request_number(other.serial));
        return refused(InvoiceFault::NumberUsed { number, request });
    }
    if decider.is_own(tx, &invoice)? {
        return refused(InvoiceFault::OwnRequest { request: row.request.clone() });
    }
    Ok(Ok(Some(issued)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_as_spreadsheets_write_it() {
        let table = "\u{feff}request,number,issued_on,amount\r\n\"FP-000001\",'25332000000012345678,2026-12-01,\"1,234.50\"\r\n\r\n";
        let [row] = read(table).expect("it is one").try_into().expect("one row");
        assert_eq!((row.line, row.request.as_str()), (2, "FP-000001"));
        assert_eq!((row.number.as_str(), row.amount.as_str()), ("25332000000012345678", "1,234.50"));
        assert_eq!(cells("a,\"b \"\"c\"\", d\",,"), ["a", "b \"c\", d", "", ""]);
    }

    #[test]
    fn all_lines_that_are_wrong_are_told_with_their_number() {
        for no_table in ["", "\n", "a,b,c,d\n", "request,number,issued_on\n"] {
            let faults = read(no_table).unwrap_err();
            assert_eq!(faults.len(), 1, "{no_table}");
            assert_eq!(faults[0].place, Place::Field(field::TABLE));
        }
        let faults = read("request,number,issued_on,amount\nFP-1,2\nFP-1,2,3,4\nFP-1,2,3,4\n").unwrap_err();
        let lines: Vec<u32> = faults.iter().map(|fault| fault.place.line()).collect();
        assert_eq!(lines, [2, 4]);
    }
}
