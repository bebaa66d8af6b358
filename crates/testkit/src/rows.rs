//! Rows of a small center: tenants with members, projects and contracts, a pool of nodes, jobs and runs.

use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use domain::{
    CardModel, CardMs, CardSet, Contract, ContractId, ContractState, Job, JobId, JobSpec, Member, MemberId,
    MicroCny, Node, NodeId, NodeState, PersonId, Placement, PoolId, Project, ProjectId, QueueTerms,
    RatePerCardHour, Role, Run, RunId, RunState, Tenant, TenantDomain, TenantId, Timestamp, TransferId, Zone,
    contract::ContractKind, metering::Calendar, node::Slot, node::even_rings, price::Waivers,
};
use store::{
    Store, StoreError, Tx, contracts,
    jobs::{JobFilter, JobRow, page_jobs},
    pools,
    pools::Pool,
    tenants,
};

/// Bytes for an id that no other id of this process has.
pub fn unique() -> [u8; 10] {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut bytes = [0; 10];
    bytes[2..].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    bytes
}

/// An instant so many seconds after the center's opening.
pub fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_653_033_600 + secs)
}

/// A tenant, with what its jobs need.
#[derive(Clone, Debug)]
pub struct Party {
    pub tenant: TenantId,
    pub project: ProjectId,
    pub contract: ContractId,
    pub member: MemberId,
}

/// The ids of what a store was seeded with.
#[derive(Clone, Debug)]
pub struct Seeded {
    pub pool: PoolId,
    pub nodes: Vec<NodeId>,
    pub parties: Vec<Party>,
}

pub fn open(path: &Path) -> Store {
    Store::open(path).expect("the store opens")
}

/// Fills an empty store with `parties` tenants, whose domains take turns, and `nodes` nodes of eight cards.
pub fn seed(store: &Store, parties: u8, nodes: u8) -> Seeded {
    store.write(move |tx| seed_rows(tx, parties, nodes)).expect("the rows are new")
}

fn seed_rows(tx: &Tx, parties: u8, nodes: u8) -> Result<Seeded, StoreError> {
    let pool = Pool {
        id: PoolId::new(at(0), unique()),
        name: "ascend".into(),
        model: CardModel::known("ascend-910").expect("it is known"),
        retired_at: None,
    };
    pools::insert_pool(tx, &pool)?;
    let nodes = (0..nodes).map(|n| {
        let node = Node {
            id: NodeId::new(at(0), unique()),
            pool: pool.id,
            name: format!("node-{n:03}"),
            cards: 8,
            rings: even_rings(8, 4),
            is_virtual: true,
            switch: "s1".into(),
            since: at(0),
            state: NodeState::Up,
            labels: vec!["nvme".into()],
            maintenance: None,
        };
        pools::insert_node(tx, &node).map(|()| node.id)
    });
    let nodes = nodes.collect::<Result<_, _>>()?;
    let parties = (0..parties).map(|n| insert_party(tx, n, pool.id)).collect::<Result<_, _>>()?;
    Ok(Seeded { pool: pool.id, nodes, parties })
}

fn insert_party(tx: &Tx, n: u8, pool: PoolId) -> Result<Party, StoreError> {
    let tenant = Tenant {
        id: TenantId::new(at(0), unique()),
        slug: format!("tenant-{n}"),
        name_zh: format!("租户{n}"),
        name_en: format!("Tenant {n}"),
        domain: TenantDomain::ALL[usize::from(n) % 3],
        alliance: None,
        uid_index: tenants::next_uid_index(tx)?,
        created_at: at(0),
        legal_name: String::new(),
        tax_number: String::new(),
        other_tax_number: String::new(),
    };
    tenants::insert_tenant(tx, &tenant)?;
    let member = Member {
        id: MemberId::new(at(0), unique()),
        person: PersonId::new(at(0), unique()),
        tenant: Some(tenant.id),
        login: format!("dev-{n}"),
        name: format!("Developer {n}"),
        role: Role::Developer,
        is_enabled: true,
        created_at: at(0),
    };
    tenants::insert_member(tx, &member, Some("$argon2id$…"))?;
    let contract = contract(tenant.id, &format!("HZ-2022-{n:03}"), pool);
    contracts::insert_contract(tx, &contract)?;
    let project = Project {
        id: ProjectId::new(at(0), unique()),
        tenant: tenant.id,
        slug: "main".into(),
        name: "Main".into(),
        contract: Some(contract.id),
        created_at: at(0),
    };
    tenants::insert_project(tx, &project)?;
    Ok(Party { tenant: tenant.id, project: project.id, contract: contract.id, member: member.id })
}

pub fn contract(tenant: TenantId, number: &str, pool: PoolId) -> Contract {
    Contract {
        id: ContractId::new(at(0), unique()),
        tenant,
        number: number.into(),
        kind: ContractKind::Metered { credit_limit: MicroCny::from_yuan(1000) },
        pools: vec![pool],
        starts_at: at(0),
        ends_at: at(365 * 86_400),
        queue: QueueTerms {
            guaranteed_cards: 16,
            borrowing_limit: None,
            lending_limit: Some(8),
            weight: 1,
            max_running_cards: 64,
        },
        state: ContractState::Active,
        created_at: at(0),
    }
}

pub fn job(party: &Party, name: &str, submitted_at: Timestamp) -> Job {
    let spec = JobSpec {
        name: name.into(),
        script: format!(
            "#!/bin/sh\n#SBATCH --job-name={name}\n{}\n",
            "echo one line of a script\n".repeat(20)
        ),
        nodes: 1,
        cards_per_node: 1,
        ..JobSpec::default()
    };
    Job::new(
        JobId::new(submitted_at, unique()),
        party.tenant,
        party.project,
        party.contract,
        party.member,
        submitted_at,
        spec,
    )
}

pub fn run(job: &Job, node: NodeId, cards: CardSet, planned_at: Timestamp) -> Run {
    Run {
        id: RunId::new(planned_at, unique()),
        job: job.id,
        tenant: job.tenant,
        contract: job.contract,
        task: 0,
        attempt: 1,
        placement: Placement(vec![Slot { node, cards }]),
        rate: RatePerCardHour(MicroCny::from_yuan(12)),
        price_book: None,
        charged_at_most: None,
        is_granted: false,
        state: RunState::Starting { planned_at, stop: None },
    }
}

pub fn transfer_id(at: Timestamp) -> TransferId {
    TransferId::new(at, unique())
}

/// The `limit` newest jobs that match and are older than `after`, from as many pages as it takes.
pub fn list_jobs(
    tx: &Tx,
    filter: &JobFilter,
    after: Option<JobId>,
    limit: u32,
) -> Result<Vec<JobRow>, StoreError> {
    let mut page = page_jobs(tx, filter, after, limit)?;
    let mut rows = page.rows;
    while let (Some(next), true) = (page.next, rows.len() < limit as usize) {
        page = page_jobs(tx, filter, Some(next), limit - u32::try_from(rows.len()).unwrap_or(limit))?;
        rows.append(&mut page.rows);
    }
    Ok(rows)
}

/// Posts what a run owes up to `now` and keeps how far it is metered, as the center's meter does.
pub fn meter(tx: &Tx, run: &Run, now: Timestamp) -> Result<(), StoreError> {
    let kept = store::runs::get_run(tx, run.id)?.metered;
    let zone = Zone::utc();
    let calendar = Calendar { zone: &zone, open_from: Timestamp::from_micros(i64::MIN), now };
    let mut metered = kept;
    for entries in domain::metering::meter(run, kept, now, Waivers::ALL, calendar) {
        for posting in &entries.postings {
            store::ledger::post(tx, posting, transfer_id(entries.at), entries.at)?;
        }
        metered = entries.metered;
    }
    store::runs::set_metered(tx, run.id, metered)?;
    let used = CardMs(metered.used.0 - kept.used.0);
    let charged = MicroCny(metered.charged.0 - kept.charged.0);
    store::jobs::add_job_use(tx, run.job, used, charged, run.state.started_at())
}
