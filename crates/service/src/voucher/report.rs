//! The report of a programme: every entry of its pot and its vouchers, as CSV. The sums of the entries are the balances.

use base::{auth::Caller, error::AppError};
use center::{app::csv, center::Center};
use domain::{TenantId, ledger::Account};
use store::{
    Tx, ledger,
    vouchers::{self as rows, Programme},
};

use super::{ask::scope, programme};

const COLUMNS: &str = "at,programme,cause,voucher,tenant,contract,from,to,micro_cny,corrects,key";

/// For the center's people all entries of the programme; for a tenant those of its vouchers.
pub async fn csv(center: &Center, caller: &Caller, slug: &str) -> Result<String, AppError> {
    let scope = scope(center, caller)?;
    let (slug, zone) = (slug.to_owned(), center.settings.time_zone);
    center
        .try_read(move |tx| {
            let programme = programme::find(tx, &slug)?;
            let mut table = format!("{COLUMNS}{}", csv::END);
            for entry in entries(tx, &programme, scope)? {
                let Entry { row, voucher, tenant, contract } = entry;
                let side = |account: Account| match account {
                    Account::Contract(_) => contract.clone(),
                    other => other.name().code().to_owned(),
                };
                let fields = [
                    zone.rfc3339(row.at),
                    slug.clone(),
                    row.cause.name().code().to_owned(),
                    voucher,
                    csv::quoted(&tenant),
                    csv::quoted(&contract),
                    csv::quoted(&side(row.debit)),
                    csv::quoted(&side(row.credit)),
                    row.amount.to_string(),
                    row.corrects.map(|month| month.to_string()).unwrap_or_default(),
                    row.key.clone(),
                ];
                table.push_str(&csv::row(&fields));
            }
            Ok(table)
        })
        .await
}

struct Entry {
    row: domain::ledger::Transfer,
    voucher: String,
    tenant: String,
    contract: String,
}

/// The entries of a programme: of its fundings, then of each voucher in the order in which they were granted.
fn entries(tx: &Tx, programme: &Programme, scope: Option<TenantId>) -> Result<Vec<Entry>, AppError> {
    let mut all = Vec::new();
    let fundings = rows::list_fundings(tx, programme.id)?;
    for funding in fundings.into_iter().filter(|_| scope.is_none()) {
        for row in ledger::entries_by_key(tx, &funding.id.to_string())? {
            let empty = String::new;
            all.push(Entry { row, voucher: empty(), tenant: empty(), contract: empty() });
        }
    }
    let mut names = base::lookup::Names::of(tx);
    let mut vouchers = rows::list(tx, scope, Some(programme.id), None, u32::MAX)?;
    vouchers.reverse();
    for voucher in vouchers {
        let tenant = names.tenant(voucher.tenant)?.slug;
        let contract = store::contracts::get_contract(tx, voucher.contract)?.number;
        for row in ledger::entries_by_key(tx, &format!("{}/", voucher.id))? {
            let (voucher, tenant, contract) = (voucher.number.clone(), tenant.clone(), contract.clone());
            all.push(Entry { row, voucher, tenant, contract });
        }
    }
    Ok(all)
}
