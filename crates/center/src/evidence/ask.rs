//! The query for the evidence of one run.

use base::{auth::Caller, error::AppError, lookup::Names, moment, params};
use domain::{
    Contract, ContractId, PriceBookId, RatePerCardHour, Rfc3339, Run, RunId, ServiceClass, TenantDomain,
    contract::{ContractKind, ContractKindName},
    price::Waivers,
};
use serde::Serialize;
use store::{StoreError, Tx, chain, contracts, jobs, ledger, pools, prices, runs, tenants};

use super::rule::{Charged, DayLine, Days};
use crate::{
    actions,
    app::{
        jobs::{RunView, run_end, run_view},
        roots::RootView,
        transfers::TransferView,
    },
    center::Center,
};

/// The most entries that are told one by one; all are added up by day.
const MOST_ENTRIES: usize = 1000;
/// How many entries are read at once.
const AT_ONCE: u32 = 1000;

domain::codes! {
    /// Whose price a run's rate is.
    pub enum RateOf {
        /// That of the price book, for the pool, the class and the domain.
        PriceBook = "price_book",
        /// The fee of the package by its card time.
        Package = "package",
        /// The contract's fee or grant covers all use.
        Contract = "contract",
    }
}

/// The charge of one run, and its reasons.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Evidence {
    pub run: RunView,
    pub job_name: String,
    pub tenant_slug: String,
    /// The project's short name.
    pub project: String,
    /// The contract's number.
    pub contract: String,
    pub contract_kind: ContractKindName,
    pub pool: String,
    pub service_class: ServiceClass,
    pub domain: TenantDomain,
    /// Up to when its use is charged; of a run that goes on, up to now.
    pub charged_until: Rfc3339,
    /// The longest time that is charged: its time limit, and the time that its processes get to end.
    pub charged_at_most_ms: Option<i64>,
    pub rate_of: RateOf,
    /// The price book that was in force when it was planned, with the line that is for it.
    pub price: Option<PriceLine>,
    pub charged: Charged,
    /// Its entries by day and cause, added up.
    pub days: Vec<DayLine>,
    /// The first 1,000 of its entries.
    pub entries: Vec<TransferView>,
    /// How many entries there are.
    pub entry_count: u64,
    /// The link of the chain that covers the run and all its entries; once it has ended, some seconds later.
    pub link: Option<LinkView>,
    /// The first root that is about this link or a later one.
    pub root: Option<RootView>,
}

/// The line of a price book for a pool, a class and a domain.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PriceLine {
    pub book: PriceBookId,
    pub name: String,
    pub effective_from: Rfc3339,
    /// Nothing where the book has no price for it.
    pub rate_micro_cny_per_card_hour: Option<RatePerCardHour>,
}

/// A link of the chain of the books.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct LinkView {
    pub link: i64,
    pub at: Rfc3339,
    /// In hexadecimal.
    pub digest: String,
}

/// The evidence of a run that the caller may see, with its money.
pub async fn show(center: &Center, caller: &Caller, id: &str) -> Result<Evidence, AppError> {
    let id: RunId = params::id(id, "run")?;
    let found = center.read(move |tx| runs::find_run(tx, id)).await?;
    let row =
        found.filter(|row| caller.sees(row.run.tenant)).ok_or_else(|| AppError::not_found("run", id))?;
    center.policies.check(caller, actions::READ_LEDGER, Some(row.run.tenant))?;
    let (run, zone, now) = (row.run.clone(), center.settings.time_zone.clone(), moment::now());
    let of_end = row.clone();
    let read = move |tx: &Tx| {
        let (mut days, mut entries, mut count, mut last) = (Days::default(), Vec::new(), 0, 0);
        loop {
            let more = ledger::entries_of_run(tx, run.id, last, AT_ONCE)?;
            let Some(end) = more.last() else { break };
            last = end.seq;
            count += more.len() as u64;
            for row in &more {
                days.add(&zone, run.contract, &row.transfer);
            }
            let room = MOST_ENTRIES - entries.len();
            entries.extend(more.into_iter().take(room));
        }
        let link = match run.state.ended_at() {
            Some(ended_at) => chain::sealed(tx, run.id, ended_at, last)?,
            None => None,
        };
        let root = link.map(|link| chain::root_covering(tx, link.link)).transpose()?.flatten();
        Ok((of_run(tx, &run)?, days, entries, count, link, root, run_end(tx, &of_end)?))
    };
    let (of_run, days, entries, entry_count, link, root, end) = center.read(read).await?;
    let OfRun { job, project, tenant_slug, domain, contract, pool, price, waivers } = of_run;
    let run = &row.run;
    let run_view = run_view(center, &center.live(), &row, job.spec.array.as_ref(), end.as_ref());
    let number = |id: ContractId| if id == contract.id { contract.number.clone() } else { id.to_string() };
    let entry = |row| TransferView {
        job_name: Some(job.spec.name.clone()),
        ..TransferView::of(row, Some(job.id), number)
    };
    Ok(Evidence {
        run: run_view,
        job_name: job.spec.name.clone(),
        tenant_slug,
        project,
        contract: contract.number.clone(),
        contract_kind: contract.kind.name(),
        pool,
        service_class: job.spec.service_class,
        domain,
        charged_until: run.charged_until(now).into(),
        charged_at_most_ms: run.charged_at_most.map(|most| most.0),
        rate_of: match contract.kind {
            ContractKind::Metered { .. } => RateOf::PriceBook,
            ContractKind::Prepaid { .. } => RateOf::Package,
            ContractKind::Reserved { .. } | ContractKind::Grant { .. } => RateOf::Contract,
        },
        price,
        charged: Charged::of(run, waivers, days.posted(), now),
        days: days.lines(),
        entries: entries.into_iter().map(entry).collect(),
        entry_count,
        link: link.map(|link| LinkView {
            link: link.link,
            at: link.at.into(),
            digest: chain::hex(&link.digest),
        }),
        root: root.map(RootView::of).transpose()?,
    })
}

/// All that is kept of a run elsewhere.
struct OfRun {
    job: domain::Job,
    project: String,
    tenant_slug: String,
    domain: TenantDomain,
    contract: Contract,
    pool: String,
    price: Option<PriceLine>,
    waivers: Waivers,
}

fn of_run(tx: &Tx, run: &Run) -> Result<OfRun, StoreError> {
    let (job, contract) = (jobs::get_job(tx, run.job)?, contracts::get_contract(tx, run.contract)?);
    let tenant = tenants::get_tenant(tx, run.tenant)?;
    let first = run.placement.0.first().map(|slot| slot.node);
    let node = pools::pools_of_nodes(tx)?.into_iter().find(|(node, _)| Some(*node) == first);
    let pool = node.map(|(_, pool)| pool);
    let pools = pools::list_pools(tx)?;
    let name = pools.into_iter().find(|known| Some(known.id) == pool).map(|pool| pool.name);
    let books = prices::list_price_books(tx)?;
    let book = books.into_iter().find(|book| Some(book.id) == run.price_book);
    Ok(OfRun {
        project: Names::of(tx).project(job.project)?,
        tenant_slug: tenant.slug,
        domain: tenant.domain,
        pool: name.unwrap_or_default(),
        waivers: book.as_ref().map_or(Waivers::ALL, |book| book.waivers),
        price: book.map(|book| PriceLine {
            book: book.id,
            rate_micro_cny_per_card_hour: pool
                .and_then(|pool| book.rate(pool, job.spec.service_class, tenant.domain)),
            name: book.name,
            effective_from: book.effective_from.into(),
        }),
        contract,
        job,
    })
}
