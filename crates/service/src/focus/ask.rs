//! What can be asked: the charges of a month, and the commitments that were in force in it.

use std::collections::BTreeMap;

use axum::response::Response;
use base::{auth::Caller, error::AppError, http::open_table, lookup, moment, text::Text};
use center::{
    app::{
        csv::END,
        statements::{bounds, named_month},
    },
    center::Center,
};
use domain::{
    Contract, ContractId, Month, TenantId,
    problem::{Wrong, field},
};
use serde::Deserialize;
use store::{Tx, contracts, invoices, periods, tenants::get_tenant};

use super::{
    charge::{Account, Bill, COLUMNS, Provider},
    commitments,
    made::{self, Span},
    rule::READ,
};

/// Which month, and whose charges.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct FocusQuery {
    /// `YYYY-MM`, in the center's time zone.
    #[param(inline, value_type = domain::schema::MonthText)]
    pub month: String,
    /// A tenant's short name; for the center's people, who get those of all where it is left out.
    pub tenant: Option<String>,
}

/// The tenant that is asked about, if the caller may ask.
async fn asked(
    center: &Center,
    caller: &Caller,
    query: &FocusQuery,
) -> Result<(Month, Option<TenantId>), AppError> {
    center.policies.check(caller, READ, caller.scope()?.tenant())?;
    let month = named_month(&query.month)?;
    if month > center.settings.time_zone.month(moment::now()) {
        return Err(AppError::invalid(field::MONTH, Wrong::InTheFuture));
    }
    Ok((month, lookup::named_or_own(center, caller, query.tenant.as_deref()).await?))
}

/// What the parts of a table are made with.
#[derive(Clone, Debug)]
struct Made {
    month: Month,
    provider: Provider,
    /// The numbers of the month's statements, by contract; of the invoices, by statement.
    statements: BTreeMap<ContractId, String>,
    invoices: BTreeMap<String, String>,
}

/// The dataset Cost and Usage of a month.
pub async fn cost_and_usage(
    center: &Center,
    caller: &Caller,
    query: FocusQuery,
) -> Result<Response, AppError> {
    let (month, tenant) = asked(center, caller, &query).await?;
    let payee = &center.settings.books.payee;
    let name = center.settings.name_zh.clone();
    let issuer = if payee.name.is_empty() { name.clone() } else { payee.name.clone() };
    let provider = Provider { name, issuer };
    let (made, contracts, rounded) = center
        .try_read(move |tx| {
            let frozen = periods::list_statements(tx, month)?.into_iter();
            let made = Made {
                month,
                provider,
                statements: frozen.map(|frozen| (frozen.contract, frozen.number)).collect(),
                invoices: made::invoiced(tx, month)?.into_iter().collect(),
            };
            let mut contracts = contracts::list_contracts(tx, tenant)?;
            contracts.sort_by(|one, other| one.number.cmp(&other.number));
            let rounded = invoices::ending_in(tx, month)?;
            let of_tenant =
                |invoice: &invoices::Invoice| tenant.is_none_or(|tenant| invoice.tenant == tenant);
            Ok((made, contracts, rounded.into_iter().filter(of_tenant).collect::<Vec<_>>()))
        })
        .await?;
    let (center, zone) = (center.clone(), center.settings.time_zone);
    open_table(&center.base.clone(), move |out| async move {
        if out.send(Ok(format!("{}{END}", COLUMNS.join(",")))).await.is_err() {
            return;
        }
        for contract in contracts {
            let made = made.clone();
            let part = center.try_read(move |tx| of_contract(tx, zone, &made, &contract)).await;
            if let Err(error) = &part {
                tracing::error!(%error, %month, "failed to make charges: their table breaks off");
            }
            let goes_on = part.is_ok();
            // Whoever does not listen any more wants no more of it.
            if out.send(part).await.is_err() || !goes_on {
                return;
            }
        }
        let last = center.try_read(move |tx| roundings(tx, zone, &made, &rounded)).await;
        // Nobody is left to hear where this fails.
        let _ = out.send(last).await;
    })
}

fn account(tx: &Tx, tenant: TenantId) -> Result<Account, AppError> {
    let tenant = get_tenant(tx, tenant)?;
    let name = Text { zh: tenant.name_zh, en: tenant.name_en };
    Ok(Account { id: tenant.id, name, domain: tenant.domain })
}

/// The rows of a contract.
fn of_contract(tx: &Tx, zone: &domain::Zone, made: &Made, contract: &Contract) -> Result<String, AppError> {
    let (from, until) = bounds(tx, zone, made.month)?;
    let account = account(tx, contract.tenant)?;
    let charges = made::charges(tx, contract, &account, Span { zone, from, until })?;
    let bill = Bill { provider: made.provider.clone(), account, from, until };
    let statement = made.statements.get(&contract.id);
    let invoice = statement.and_then(|number| made.invoices.get(number));
    let mut rows = String::new();
    for mut charge in charges {
        (charge.statement, charge.invoice) = (statement.cloned(), invoice.cloned());
        rows.push_str(&bill.row(&charge));
    }
    Ok(rows)
}

/// The rows that make the sums of invoices their amounts.
fn roundings(
    tx: &Tx,
    zone: &domain::Zone,
    made: &Made,
    rounded: &[invoices::Invoice],
) -> Result<String, AppError> {
    let (from, until) = bounds(tx, zone, made.month)?;
    let mut rows = String::new();
    for invoice in rounded {
        if let Some(charge) = made::rounding(invoice, Span { zone, from, until }) {
            let account = account(tx, invoice.tenant)?;
            rows.push_str(&Bill { provider: made.provider.clone(), account, from, until }.row(&charge));
        }
    }
    Ok(rows)
}

/// The dataset Contract Commitment: of the contracts that were active in a month those that have a fee.
pub async fn contract_commitments(
    center: &Center,
    caller: &Caller,
    query: FocusQuery,
) -> Result<String, AppError> {
    let (month, tenant) = asked(center, caller, &query).await?;
    let zone = center.settings.time_zone;
    let work = move |tx: &Tx| {
        let (from, until) = bounds(tx, zone, month)?;
        let mut contracts = contracts::list_contracts(tx, tenant)?;
        contracts.sort_by(|one, other| one.number.cmp(&other.number));
        let mut table = commitments::head();
        for contract in contracts {
            let course = contracts::course(tx, &contract)?;
            let Some(course) = course.filter(|course| course.from() < until && course.until() > from) else {
                continue;
            };
            let tenant = get_tenant(tx, contract.tenant)?.slug;
            table.extend(commitments::row(&contract, &course, &tenant));
        }
        Ok(table)
    };
    center.try_read(work).await
}
