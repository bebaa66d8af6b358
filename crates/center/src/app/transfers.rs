//! Entries of the ledger.

use domain::{
    ContractId, JobId, Month, Rfc3339, RunId,
    ledger::{AccountName, CauseName, Transfer, Unit},
    problem::{Wrong, field},
};
use serde::{Deserialize, Serialize};
use store::{
    ledger::{self, TransferRow},
    recent,
};

use super::contracts;
use crate::{actions, center::Center};
use base::{
    auth::Caller,
    error::AppError,
    listing::{Listing, Total},
    params,
};

/// An entry of the ledger.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct TransferView {
    pub seq: i64,
    pub at: Rfc3339,
    pub key: String,
    /// `card_ms` or `micro_cny`.
    pub unit: Unit,
    pub debit: AccountName,
    /// The contract's number, where its account is debited; the id of a programme or voucher, where theirs is.
    pub debit_contract: Option<String>,
    pub credit: AccountName,
    /// The contract's number, where its account is credited; the id of a programme or voucher, where theirs is.
    pub credit_contract: Option<String>,
    pub amount: i64,
    pub cause: CauseName,
    /// The run that it is about, if it is about one.
    pub run: Option<RunId>,
    /// The closed month that it corrects.
    #[schema(value_type = Option<String>)]
    pub corrects: Option<Month>,
    /// The job whose run it is about.
    pub job: Option<JobId>,
    pub job_name: Option<String>,
}

impl TransferView {
    /// An entry with the job whose run it is about; `number` gives a contract's number.
    pub fn of(row: TransferRow, job: Option<JobId>, number: impl Fn(ContractId) -> String) -> Self {
        let TransferRow { seq, transfer } = row;
        let Transfer { key, at, unit, debit, credit, amount, cause, corrects, .. } = transfer;
        Self {
            seq,
            at: at.into(),
            key,
            unit,
            debit: debit.name(),
            debit_contract: debit.contract().map(&number).or_else(|| debit.owner()),
            credit: credit.name(),
            credit_contract: credit.contract().map(&number).or_else(|| credit.owner()),
            amount,
            cause: cause.name(),
            run: cause.run().copied(),
            corrects,
            job,
            job_name: None,
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TransferQuery {
    /// A contract's id; needed but for the center's people.
    pub contract: Option<String>,
    /// `oldest` (as left out) or `newest`: which come first.
    pub order: Option<String>,
    pub cursor: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// Also say how many there are on all pages.
    pub total: Option<bool>,
}

/// The most entries that are counted.
const MOST_COUNTED: u32 = 10_000;

/// Entries in the order of posting, or the newest first.
pub async fn list_transfers(
    center: &Center,
    caller: &Caller,
    query: TransferQuery,
) -> Result<Listing<TransferView>, AppError> {
    let contract = if let Some(id) = query.contract.as_deref().filter(|text| !text.is_empty()) {
        Some(contracts::visible(center, caller, id, actions::READ_LEDGER)?.id)
    } else {
        center.policies.check(caller, actions::READ_LEDGER, None).map_err(|error| {
            match caller.member.tenant {
                Some(_) => AppError::invalid(field::CONTRACT, Wrong::ContractNotNamed),
                None => error,
            }
        })?;
        None
    };
    let cursor = params::parse_cursor::<i64>(query.cursor.as_deref())?;
    let limit = params::page_limit(query.limit)?;
    let newest_first = match query.order.as_deref() {
        None | Some("") => false,
        Some(order) => {
            params::word(
                field::ORDER,
                order,
                |text| ["oldest", "newest"].iter().position(|known| *known == text),
                &["oldest", "newest"],
            )? == 1
        }
    };
    let with_total = query.total == Some(true);
    let (rows, total) = center
        .read(move |tx| {
            // One more tells that there are more.
            let count = || recent::count_transfers(tx, contract, MOST_COUNTED + 1);
            let total = with_total.then(count).transpose()?.map(|count| Total::up_to(MOST_COUNTED, count));
            let rows = if newest_first {
                recent::transfers_before(tx, contract, cursor, limit + 1)?
            } else {
                ledger::list_transfers(tx, contract, cursor.unwrap_or(0), limit + 1)?
            };
            let with_job = |row: TransferRow| {
                let job = row.transfer.cause.run().map(|run| recent::job_of_run(tx, *run)).transpose()?;
                Ok((row, job.flatten()))
            };
            Ok((rows.into_iter().map(with_job).collect::<Result<Vec<_>, store::StoreError>>()?, total))
        })
        .await?;
    let page = Listing { total, ..Listing::cut(rows, limit, |(row, _)| row.seq.to_string()) };
    let live = center.live();
    let number = |id| live.contract(id).map_or_else(|| id.to_string(), |known| known.contract.number.clone());
    Ok(page.map(|(row, job)| {
        let (job, job_name) = job.unzip();
        TransferView { job_name, ..TransferView::of(row, job, number) }
    }))
}
