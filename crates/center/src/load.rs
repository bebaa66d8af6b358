//! Reading what is live from the store, once, at the start.

use std::collections::BTreeMap;

use base::{error::AppError, moment};
use domain::{ContractState, JobId, Millis, Timestamp};
use store::{Store, Tx, amendments, contracts, jobs, ledger, pools, prices, runs, tenants};

use crate::{app::jobs::still_unmet, budget::books, live::Live, settings::Settings};

/// Reads what is live. Gives with it the queued jobs that wait for what can't come about any more.
pub fn load(store: &Store, settings: &Settings) -> Result<(Live, Vec<JobId>), AppError> {
    let default_limit = settings.jobs.default_time_limit_ms;
    let grace = settings.billing.grace_ms;
    let mut live = Live::new(settings.planning().use_half_life, default_limit, settings.time_zone);
    store.read(|tx| -> Result<_, AppError> {
        let mut pools = BTreeMap::new();
        for pool in pools::list_pools(tx)? {
            live.pool_added(pool.clone());
            pools.insert(pool.id, pool);
        }
        for node in pools::list_nodes(tx)? {
            let pool = pools.get(&node.pool).ok_or_else(|| AppError::not_found("pool", node.pool))?;
            live.node_added(node, pool);
        }
        for gone in pools::list_gone(tx)? {
            live.node_left(gone);
        }
        for alliance in tenants::list_alliances(tx)? {
            live.alliance_changed(&alliance);
        }
        for tenant in tenants::list_tenants(tx)? {
            live.tenant_changed(&tenant);
        }
        let now = moment::now();
        for book in prices::list_price_books(tx)? {
            live.price_book_published(book, now);
        }
        load_contracts(tx, &mut live, grace, now)?;
        books::load(tx, &mut live, settings.time_zone, now)?;
        let hopeless = load_work(tx, &mut live)?;
        Ok((live, hopeless))
    })
}

fn load_contracts(tx: &Tx, live: &mut Live, grace: Millis, now: Timestamp) -> Result<(), AppError> {
    let balances = ledger::balances_of_contracts(tx)?;
    for contract in contracts::list_contracts(tx, None)? {
        let id = contract.id;
        // The grace counts from when the balance ended, whatever happened to the center since.
        let ended_at = match contract.state {
            ContractState::Exhausted => contracts::list_contract_events(tx, id)?.last().map(|event| event.at),
            _ => None,
        };
        let grace_ends_at = Some(ended_at.unwrap_or(now).plus(grace));
        live.contract_changed(contract, balances.get(&id).copied().unwrap_or_default(), grace_ends_at);
    }
    live.amendments_come(amendments::list_coming(tx)?.first().and_then(|next| next.from_at));
    Ok(())
}

fn load_work(tx: &Tx, live: &mut Live) -> Result<Vec<JobId>, AppError> {
    let mut hopeless = Vec::new();
    for (job, payload_bytes) in jobs::read_active(tx, |job| (job.outline(), job.spec.payload_bytes()))? {
        let (unmet, is_hopeless) = still_unmet(tx, &job)?;
        if is_hopeless {
            hopeless.push(job.id);
        }
        let retries = jobs::list_retries(tx, job.id)?;
        live.job_found(&job, payload_bytes, unmet, retries);
    }
    let mut active = runs::list_active(tx)?;
    // The last one first: where a run was to begin on cards that another is about to leave, they are the new one's.
    active.sort_by_key(|row| std::cmp::Reverse(row.run.state.planned_at()));
    for row in active {
        live.run_found(row.run, row.metered);
    }
    Ok(hopeless)
}
