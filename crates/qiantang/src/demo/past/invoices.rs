//! Invoices over the months that the past closes: the tenants with something to pay ask for one, and the tax system's numbers
//! come back as a table.

use base::{auth::Caller, error::AppError};
use center::{center::Center, period::ask as periods};
use domain::{MicroCny, billing::MICRO_OF_FEN};
use service::invoice::{
    ask::{self, InvoiceQuery, NewInvoice, OpenQuery},
    table::{self, NumbersTable, TITLES},
};

use super::super::people::{People, TENANTS, caller};

/// The least that is worth an invoice.
const LEAST: MicroCny = MicroCny(MICRO_OF_FEN);

/// Has each tenant ask for an invoice over all that it was billed, and issues it.
pub async fn of_closed_months(center: &Center, people: &People) -> Result<(), AppError> {
    let today = center.settings.time_zone.date(base::moment::now());
    let mut rows = vec![TITLES.join(",")];
    for tenant in &TENANTS {
        let finance = caller(center, &format!("{}-finance", tenant.slug)).await?;
        let open = ask::open_statements(center, &finance, OpenQuery::default()).await?;
        let billed: i64 = open.iter().map(|statement| statement.billed_micro_cny.0).sum();
        if billed < LEAST.0 {
            continue;
        }
        let new = NewInvoice {
            statements: open.into_iter().map(|statement| statement.statement).collect(),
            kind: "ordinary".into(),
            title: Some(tenant.zh.into()),
            ..NewInvoice::default()
        };
        let invoice = ask::request(center, &finance, new).await?.invoice;
        // Invented, as the tax system that gives it is.
        let digits: String = invoice.request.chars().filter(char::is_ascii_digit).collect();
        let (request, amount) = (&invoice.request, invoice.amount_micro_cny.exact());
        rows.push(format!("{request},25332000{digits:0>12},{today},{amount}"));
    }
    let numbers = NumbersTable { table: rows.join("\n") };
    table::import(center, &people.operator, numbers).await.map(drop)
}

/// The months that are closed, and the numbers of the invoices over them; none where no month is.
pub async fn closed(center: &Center, operator: &Caller) -> Result<Option<(String, String)>, AppError> {
    let periods = periods::list(center, operator).await?;
    let closed = periods.iter().filter(|period| period.closed_at.is_some());
    let mut months: Vec<String> = closed.map(|period| period.month.clone()).collect();
    months.reverse();
    let invoices = ask::list(center, operator, InvoiceQuery::default()).await?;
    let mut numbers: Vec<String> = invoices.items.into_iter().filter_map(|invoice| invoice.number).collect();
    numbers.reverse();
    Ok((!months.is_empty()).then(|| (months.join(", "), numbers.join(", "))))
}
