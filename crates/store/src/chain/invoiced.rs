//! Compares invoices with the statements that they are over.

use std::ops::ControlFlow;

use domain::{InvoiceId, MicroCny, billing, contract::ContractKindName, ledger::CauseName};
use serde::Deserialize;

use super::report::{Fault, FaultCode, Report};
use crate::{
    db::{StoreError, Tx, params, statements},
    invoices::InvoiceState,
    ledger::Told,
};

statements! { "invoices";
    LINES = "SELECT l.invoice, l.statement, l.billed_micro_cny, l.is_live, i.state, i.tenant = c.tenant, s.body \
             FROM invoice_lines l JOIN invoices i ON i.id = l.invoice LEFT JOIN statements s ON s.number = l.statement \
             LEFT JOIN contracts c ON c.id = s.contract";
    SUMS = "SELECT i.id, i.billed_micro_cny, i.rate_bp, i.amount_fen, i.tax_fen, \
            (SELECT CAST(COALESCE(SUM(l.billed_micro_cny), 0) AS BIGINT) FROM invoice_lines l WHERE l.invoice = i.id) \
            FROM invoices i";
    TWICE = "SELECT statement FROM invoice_lines WHERE is_live = 1 GROUP BY statement HAVING COUNT(*) > 1";
}

/// The part of a frozen statement that says what is billed.
#[derive(Deserialize)]
struct Body {
    kind: String,
    lines: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    cause: String,
    micro_cny: MicroCny,
}

/// The part of a frozen statement that is billed; nothing where its bytes can't be read.
fn billed(body: &str) -> Option<i64> {
    let body: Body = serde_json::from_str(body).ok()?;
    let kind = ContractKindName::from_code(&body.kind)?;
    body.lines.iter().try_fold(0_i64, |sum, line| {
        sum.checked_add(billing::billed(kind, CauseName::from_code(&line.cause)?, line.micro_cny).0)
    })
}

fn fault(report: &mut Report, table: &str, id: String, field: &str, detail: [&str; 2]) {
    let [zh, en] = detail.map(str::to_owned);
    let (code, table, field) = (FaultCode::BooksDisagree, table.to_owned(), Some(field.to_owned()));
    report.fault(Fault { code, table, id, field, detail: Told { zh, en }, link: None, sealed_at: None });
}

/// Each line is what its statement bills, no statement is in two invoices, and amounts are those of the lines.
pub(super) fn verify(tx: &Tx, report: &mut Report) -> Result<(), StoreError> {
    tx.each(LINES, params![], |row| {
        let (invoice, statement): (InvoiceId, &str) = (row.get(0)?, row.text(1)?);
        let id = format!("{invoice} {statement}");
        let (kept, is_live, state): (i64, bool, InvoiceState) = (row.get(2)?, row.get(3)?, row.code(4)?);
        let is_own: Option<bool> = row.get(5)?;
        if is_own != Some(true) {
            let told = ["不是该租户的账单", "it is no statement of the invoice's tenant"];
            fault(report, "invoice_lines", id, "statement", told);
            return Ok(ControlFlow::Continue(()));
        }
        if billed(row.text(6)?) != Some(kept) {
            let told = ["与账单应开票的金额不符", "it is not what the statement bills"];
            fault(report, "invoice_lines", id.clone(), "billed_micro_cny", told);
        }
        if is_live != state.is_live() {
            let told = ["与发票的状态不符", "it does not go with the invoice's state"];
            fault(report, "invoice_lines", id, "is_live", told);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    tx.each(SUMS, params![], |row| {
        let id: InvoiceId = row.get(0)?;
        let (billed, rate_bp, lines): (MicroCny, u16, MicroCny) = (row.get(1)?, row.get(2)?, row.get(5)?);
        if billed != lines {
            let told = ["与各账单之和不符", "it is not the sum of its statements"];
            fault(report, "invoices", id.to_string(), "billed_micro_cny", told);
        }
        let due = billing::InvoiceAmounts::of(billed, rate_bp);
        for (field, kept, due) in
            [("amount_fen", row.get(3)?, due.amount_fen), ("tax_fen", row.get(4)?, due.tax_fen)]
        {
            let kept: i64 = kept;
            if kept != due {
                let told = ["与按税率计算的结果不符", "it is not what the sum and the rate make"];
                fault(report, "invoices", id.to_string(), field, told);
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    tx.each(TWICE, params![], |row| {
        let told = ["在两张发票中", "it is in two invoices"];
        fault(report, "invoice_lines", row.get(0)?, "statement", told);
        Ok(ControlFlow::Continue(()))
    })
}
