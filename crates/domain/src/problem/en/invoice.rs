//! How faults of invoices read in English.

use crate::problem::{
    invoice::InvoiceFault,
    shown::{Words, shown},
};

pub fn words(fault: &InvoiceFault) -> Words {
    match fault {
        InvoiceFault::NoStatements => {
            ("names none".into(), "name at least one statement of a closed month".into())
        }
        InvoiceFault::NothingToInvoice { billed } => (
            format!("come to {billed} CNY, and an invoice is over at least one fen"),
            "add the statements of other months".into(),
        ),
        InvoiceFault::Rate { given, allowed } => {
            let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
            (format!("is {given} basis points"), format!("use one of: {}", allowed.join(", ")))
        }
        InvoiceFault::OfAnotherTenant { statement } => {
            (format!("has {statement}, which is of another tenant"), "make an invoice for each tenant".into())
        }
        InvoiceFault::NeedsTaxNumber => (
            "is empty, and a special invoice names it".into(),
            "give the unified social credit code, or ask for an ordinary invoice".into(),
        ),
        InvoiceFault::NotAnInvoiceNumber { given } => {
            (format!("is `{}`", shown(given)), "give the 20 digits of the tax system".into())
        }
        InvoiceFault::NumberUsed { number, request } => (
            format!("has the number {number}, which is that of {request}"),
            "look at the number in the tax system".into(),
        ),
        InvoiceFault::NotTheTable => (
            "does not begin with its titles".into(),
            "write the columns request, number, issued_on and amount, with a comma between them".into(),
        ),
        InvoiceFault::Cells { given, wanted } => {
            (format!("has {given} cells"), format!("give the {wanted} cells of the titles"))
        }
        InvoiceFault::OtherAmount { given, amount } => (
            format!("is over `{}`, and the amount of the request is {amount} CNY", shown(given)),
            "the invoice is over the amount that was asked for".into(),
        ),
        InvoiceFault::OtherNumber { given, number } => (
            format!("has the number `{}`, and the invoice was issued as {number}", shown(given)),
            "an invoice that is wrong is reversed by a red-letter one".into(),
        ),
        InvoiceFault::OtherDay { given, day } => (
            format!("has the day `{}`, and the invoice was issued at {day}", shown(given)),
            "an invoice that is wrong is reversed by a red-letter one".into(),
        ),
        InvoiceFault::NotRequested { request, state } => (
            format!("names {request}, which is {state}"),
            "take the line out: only what is requested is issued".into(),
        ),
        InvoiceFault::OwnRequest { request } => (
            format!("names {request}, which you requested yourself, and duties are separate here"),
            "let somebody else issue it".into(),
        ),
    }
}
