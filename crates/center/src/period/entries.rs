//! The entries of a month, as a table of any length or page by page, and what its accounts had before and after it.

use std::collections::{BTreeMap, HashMap};

use axum::response::Response;
use base::{auth::Caller, error::AppError, http::open_table, listing::Listing, moment, params};
use domain::{
    ContractId, Month, Zone,
    ledger::{AccountName, Unit},
    problem::field,
};
use serde::{Deserialize, Serialize};
use store::{
    StoreError, Tx, contracts,
    ledger::{self, AccountMoves, Span},
    periods, settings, tenants,
};

use super::{
    closing,
    rule::{PeriodState, READ},
    table::{Party, Table},
};
use crate::{
    app::{
        statements::{self, Format, named_month},
        transfers::TransferView,
    },
    center::Center,
    settings::TIME_ZONE,
};

/// How many entries are read at once.
const AT_ONCE: u32 = 2_000;

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct EntriesQuery {
    /// `csv` (as left out) for a table of all, or `json` for a page of them.
    #[param(inline, value_type = Option<Format>)]
    pub format: Option<String>,
    /// Of a page of JSON.
    pub cursor: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

/// The balances of the accounts before and after a month, with its debits and credits.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PeriodAccounts {
    /// `YYYY-MM`, in the center's time zone.
    pub month: String,
    pub state: PeriodState,
    /// The number of the last entry that counts. Of an open month more may follow.
    pub upto_seq: i64,
    pub accounts: Vec<AccountView>,
}

/// An account in one unit. The opening balance and the credits, less the debits, are the closing balance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct AccountView {
    pub account: AccountName,
    /// The contract's number, and its tenant's short name, where it is a contract's.
    pub contract: Option<String>,
    pub tenant_slug: Option<String>,
    pub unit: Unit,
    pub opening: i64,
    pub debits: i64,
    pub credits: i64,
    pub closing: i64,
}

/// A month with the bounds of its entries, fixed for as long as they are read.
#[derive(Clone, Debug)]
struct Bounds {
    state: PeriodState,
    span: Span,
    table: Table,
}

fn bounds(tx: &Tx, zone: &Zone, month: Month, now: domain::Timestamp) -> Result<Bounds, AppError> {
    let books = closing::books(tx, zone, now)?;
    let closed = periods::find(tx, month)?;
    if closed.is_none() && !books.open_months().contains(&month) {
        return Err(AppError::not_found("period", month));
    }
    let (from, until) = statements::bounds(tx, zone, month)?;
    // Its instants read as they did when it was closed, whatever the time zone is now.
    let zone = match closed {
        None => zone.clone(),
        Some(closed) => {
            let mut then = settings::history(tx)?.into_iter().filter(|since| since.at <= closed.closed_at);
            let last = then.rfind(|since| since.key == TIME_ZONE);
            last.and_then(|since| since.value.parse().ok()).unwrap_or_else(|| zone.clone())
        }
    };
    let span = Span { from, until, upto: ledger::last_seq(tx)? };
    let table = Table { month, zone, parties: parties(tx)? };
    Ok(Bounds { state: books.state(month), span, table })
}

/// All contracts by what people call them.
fn parties(tx: &Tx) -> Result<BTreeMap<ContractId, Party>, StoreError> {
    let tenants = tenants::list_tenants(tx)?.into_iter().map(|tenant| (tenant.id, tenant.slug));
    let slugs: HashMap<_, _> = tenants.collect();
    let party = |contract: domain::Contract| {
        let tenant = slugs.get(&contract.tenant).cloned().unwrap_or_default();
        (contract.id, Party { contract: contract.number, tenant })
    };
    Ok(contracts::list_contracts(tx, None)?.into_iter().map(party).collect())
}

fn account_view(parties: &BTreeMap<ContractId, Party>, moves: &AccountMoves) -> AccountView {
    let party = moves.account.contract().and_then(|id| parties.get(&id));
    AccountView {
        account: moves.account.name(),
        contract: party.map(|party| party.contract.clone()).or_else(|| moves.account.owner()),
        tenant_slug: party.map(|party| party.tenant.clone()),
        unit: moves.unit,
        opening: moves.opening,
        debits: moves.debits,
        credits: moves.credits,
        closing: moves.closing(),
    }
}

/// The balances of the accounts before and after a month: the center's own, then the contracts' by number.
pub async fn accounts(center: &Center, caller: &Caller, month: &str) -> Result<PeriodAccounts, AppError> {
    center.policies.check(caller, READ, None)?;
    let (month, zone, now) = (named_month(month)?, center.settings.time_zone.clone(), moment::now());
    center
        .try_read(move |tx| {
            let Bounds { state, span, table } = bounds(tx, &zone, month, now)?;
            let moves = ledger::account_moves(tx, &span)?;
            let mut accounts: Vec<AccountView> =
                moves.iter().map(|moves| account_view(&table.parties, moves)).collect();
            accounts.sort_by(|a, b| (&a.contract, a.account, a.unit).cmp(&(&b.contract, b.account, b.unit)));
            Ok(PeriodAccounts { month: month.to_string(), state, upto_seq: span.upto, accounts })
        })
        .await
}

/// The form of the answer that a query for entries asks for.
pub fn format(query: &EntriesQuery, prefers_json: bool) -> Result<Format, AppError> {
    match query.format.as_deref().filter(|text| !text.is_empty()) {
        None if prefers_json => Ok(Format::Json),
        None => Ok(Format::Csv),
        Some(text) => params::word(field::FORMAT, text, Format::from_code, &Format::ALL.map(Format::code)),
    }
}

/// A page of the entries of a month, in the order of posting.
pub async fn page(
    center: &Center,
    caller: &Caller,
    month: &str,
    query: &EntriesQuery,
) -> Result<Listing<TransferView>, AppError> {
    center.policies.check(caller, READ, None)?;
    let (month, zone, now) = (named_month(month)?, center.settings.time_zone.clone(), moment::now());
    let after = params::parse_cursor::<i64>(query.cursor.as_deref())?.unwrap_or(0);
    let limit = params::page_limit(query.limit)?;
    center
        .try_read(move |tx| {
            let Bounds { span, table, .. } = bounds(tx, &zone, month, now)?;
            let rows = ledger::entries_between(tx, &span, after, limit + 1)?;
            let number = |id: ContractId| {
                table.parties.get(&id).map_or_else(|| id.to_string(), |party| party.contract.clone())
            };
            let page = Listing::cut(rows, limit, |(row, _)| row.seq.to_string());
            Ok(page.map(|(row, job)| TransferView::of(row, job, number)))
        })
        .await
}

/// All entries of a month as a table, written as they are read. An answer that breaks off is no table: it has no end.
pub async fn table(center: &Center, caller: &Caller, month: &str) -> Result<Response, AppError> {
    center.policies.check(caller, READ, None)?;
    let (month, zone, now) = (named_month(month)?, center.settings.time_zone.clone(), moment::now());
    let (bounds, accounts) = center
        .try_read(move |tx| {
            let bounds = bounds(tx, &zone, month, now)?;
            let accounts = ledger::account_moves(tx, &bounds.span)?;
            Ok((bounds, accounts))
        })
        .await?;
    let Bounds { span, table, .. } = bounds;
    let center = center.clone();
    open_table(&center.base.clone(), move |out| async move {
        let head = Table::head() + &table.opening(&accounts, span.from);
        if out.send(Ok(head)).await.is_err() {
            return;
        }
        let mut after = 0;
        loop {
            let rows = center.read(move |tx| ledger::entries_between(tx, &span, after, AT_ONCE)).await;
            let (text, last) = match rows {
                Ok(rows) => (Ok(table.entries(&rows)), rows.last().map(|(row, _)| row.seq)),
                Err(error) => {
                    tracing::error!(%error, %month, "failed to read entries: their table breaks off");
                    (Err(error), None)
                }
            };
            let goes_on = text.is_ok();
            // Whoever does not listen any more wants no more of it.
            if out.send(text).await.is_err() || !goes_on {
                return;
            }
            match last {
                Some(last) => after = last,
                None => break,
            }
        }
        // Nobody is left to hear where this fails.
        let _ = out.send(Ok(table.closing(&accounts, span.until))).await;
    })
}
