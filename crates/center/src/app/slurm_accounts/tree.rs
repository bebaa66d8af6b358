//! The tree that the tenants, projects and contracts of the center make.

use domain::{
    CardMs, Contract, Millis, Project, ProjectId, ServiceClass, Tenant, Timestamp, contract::Funds,
};
use engines::slurm::accounts::{Customer, Limits, ProjectAccount, Tree};

use crate::{
    live::{Live, LiveContract},
    settings::Settings,
};

/// All tenants, by short name, and their projects.
pub struct Customers {
    pub tenants: Vec<Tenant>,
    pub projects: Vec<Project>,
}

/// The accounts that Slurm is to have now. Tenants whose mapping names an account of the site's own have none
/// here. `own` is the user for tenants whose mapping names no user.
pub fn wanted(all: &Customers, live: &Live, settings: &Settings, own: Option<&str>, now: Timestamp) -> Tree {
    let slurm = &settings.engine.slurm;
    let mut customers = Vec::new();
    for tenant in &all.tenants {
        let mapped = slurm.tenants.get(&tenant.slug);
        if mapped.is_some_and(|owner| owner.account.is_some()) {
            continue;
        }
        let user = mapped.and_then(|owner| owner.user.clone()).or_else(|| own.map(str::to_owned));
        let projects = all.projects.iter().filter(|project| project.tenant == tenant.id);
        customers.push(customer(live, tenant, projects, &slurm.accounts.prefix, user, now));
    }
    Tree {
        root: slurm.accounts.root.clone(),
        pause_qos: slurm.accounts.pause_qos.clone(),
        grace: Millis(settings.billing.grace_ms.0.saturating_add(settings.engine.kill_grace_ms.0)),
        customers,
    }
}

fn customer<'a>(
    live: &Live,
    tenant: &Tenant,
    projects: impl Iterator<Item = &'a Project>,
    prefix: &str,
    user: Option<String>,
    now: Timestamp,
) -> Customer {
    let takes_jobs = |contract: &Contract| {
        contract.state.accepts_jobs() && contract.starts_at <= now && now < contract.ends_at
    };
    let open: Vec<&LiveContract> = live
        .contracts()
        .filter(|known| known.contract.tenant == tenant.id && takes_jobs(&known.contract))
        .collect();
    let left = open.iter().map(|known| left_of(live, tenant, known, now));
    let sum = |sum: Option<CardMs>, left: Option<CardMs>| Some(CardMs(sum?.0.saturating_add(left?.0)));
    let limits = Limits {
        left: left.fold(Some(CardMs::ZERO), sum),
        max_running_cards: open
            .iter()
            .fold(0, |sum: u32, known| sum.saturating_add(known.contract.queue.max_running_cards)),
        // Slurm's own highest values mean something else.
        shares: open
            .iter()
            .fold(0, |sum: u32, known| sum.saturating_add(known.contract.queue.weight))
            .min(1 << 30),
    };
    let mut projects: Vec<(&String, ProjectId, bool)> = projects
        .map(|project| {
            let is_open = open.iter().any(|known| Some(known.contract.id) == project.contract);
            (&project.slug, project.id, !is_open)
        })
        .collect();
    projects.sort_unstable();
    let account = format!("{prefix}{}", tenant.slug);
    Customer {
        id: tenant.id.to_string(),
        is_paused: open.is_empty(),
        limits: (!open.is_empty()).then_some(limits),
        users: user.into_iter().collect(),
        projects: projects
            .into_iter()
            .map(|(slug, id, is_paused)| ProjectAccount {
                id: id.to_string(),
                // Short names have no `_`, so no two of them make the same.
                account: format!("{account}_{slug}"),
                is_paused,
            })
            .collect(),
        account,
    }
}

/// The card time that a contract still pays for; `None` if nothing of it runs out.
fn left_of(live: &Live, tenant: &Tenant, known: &LiveContract, now: Timestamp) -> Option<CardMs> {
    match known.funds() {
        Funds::Unlimited => None,
        Funds::CardTime { card_ms } => Some(CardMs(card_ms.0.max(0))),
        Funds::Money { micro_cny } => {
            let book = live.prices(now);
            // Of several pools the cheapest: the center stops by what was really charged.
            let cheapest = |class: ServiceClass| {
                let rates = known.pools.iter().filter_map(|pool| book?.rate(*pool, class, tenant.domain));
                rates.map(|rate| rate.0.0).min()
            };
            let normal = cheapest(ServiceClass::Normal);
            match normal.or_else(|| ServiceClass::ALL.into_iter().filter_map(cheapest).min()) {
                // Without a price nothing is run.
                None => Some(CardMs::ZERO),
                Some(rate) if rate <= 0 => None,
                Some(rate) => {
                    let ms = i128::from(micro_cny.0.max(0)) * 3_600_000 / i128::from(rate);
                    Some(CardMs(i64::try_from(ms).unwrap_or(i64::MAX)))
                }
            }
        }
    }
}
