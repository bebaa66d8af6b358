//! Accounts in Slurm: a tree of tenants and projects there, with the limits of their contracts, and what keeps it in step.

mod conflicts;
mod tree;

use std::{collections::HashMap, time::Duration};

use domain::Project;
use engines::slurm::{
    SlurmEngine, UsableAccount, UsableAccounts,
    accounts::{Conflict, Found, Sacctmgr, Standing, Step, Tree, own_user, steps},
};
use serde::Serialize;
use serde_json::json;
use store::tenants;

pub use conflicts::ConflictView;
use tree::Customers;

use crate::{actions, center::Center};
use base::{
    audit::{self, Change},
    auth::Caller,
    change::Changed,
    error::AppError,
    moment,
    refusal::Refused,
};

/// No command of Slurm's may take longer.
const CALL: Duration = Duration::from_secs(30);

/// The center's accounts in Slurm, and the changes that would bring them up to date.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct AccountsView {
    pub cluster: String,
    /// Whether the center keeps Slurm in step by itself.
    pub is_kept: bool,
    /// The account below which all of them are.
    pub root: String,
    pub accounts: Vec<AccountView>,
    /// The steps to take, or those just taken.
    pub steps: Vec<StepView>,
    /// Conflicts that keep steps from being taken or limits from binding, each with advice.
    pub conflicts: Vec<ConflictView>,
}

domain::codes! {
    /// How an account that the center wants stands in Slurm.
    pub enum AccountStatus {
        Open = "open",
        Paused = "paused",
        Missing = "missing",
        /// Somebody else's of the same name.
        Foreign = "foreign",
    }
}

/// The account of a tenant, or of one of its projects.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct AccountView {
    pub account: String,
    pub tenant_slug: String,
    pub project_slug: Option<String>,
    pub state: AccountStatus,
    /// Of a tenant's account, what Slurm has counted and when it stops, in card-minutes; of all kinds of cards together.
    pub used_card_min: Option<u64>,
    pub limit_card_min: Option<u64>,
    pub limit_cards: Option<u64>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct StepView {
    /// `add_qos`, `close_qos`, `add_account`, `add_user`, `set_limits`, `pause` or `resume`.
    pub code: String,
    /// As it is typed into a shell.
    pub command: String,
    /// Whether it was done; left out where nothing was to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_done: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One look at Slurm: the wanted tree, the found one, and the steps and conflicts that follow.
struct Looked {
    customers: Customers,
    tree: Tree,
    found: Found,
    steps: Vec<Step>,
    conflicts: Vec<Conflict>,
}

/// A step, and why it failed, if it did.
type Done = (Step, Result<(), String>);

fn slurm(center: &Center) -> Sacctmgr {
    let settings = &center.settings.engine.slurm;
    Sacctmgr::new(settings.bin.clone(), settings.conf.clone(), CALL)
}

/// Blocks for as long as Slurm takes to answer.
fn look(center: &Center, slurm: &Sacctmgr) -> Result<Looked, AppError> {
    let found = slurm.look(&center.settings.engine.slurm.accounts.root).map_err(|error| failed(&error))?;
    let customers = center.store.read(|tx| -> Result<_, AppError> {
        Ok(Customers { tenants: tenants::list_tenants(tx)?, projects: tenants::list_projects(tx, None)? })
    })?;
    // After that: what Slurm has counted by then is not also still there to be used.
    let own = center.settings.engine.slurm.user.clone().or_else(own_user);
    let tree = tree::wanted(&customers, &center.live(), &center.settings, own.as_deref(), moment::now());
    let (steps, conflicts) = steps(&tree, &found);
    Ok(Looked { customers, tree, found, steps, conflicts })
}

fn carry_out(slurm: &Sacctmgr, cluster: &str, steps: Vec<Step>) -> Vec<Done> {
    let one = |step: Step| {
        let done = slurm.carry_out(cluster, &step).map_err(|error| error.to_string());
        (step, done)
    };
    steps.into_iter().map(one).collect()
}

/// Shows the accounts and the steps to take. Nothing is changed.
pub async fn show(center: &Center, caller: &Caller) -> Result<AccountsView, AppError> {
    center.policies.check(caller, actions::READ_CENTER, None)?;
    let looked = off_thread(center, look).await?;
    let plain = |step: &Step| StepView {
        code: step.code().to_owned(),
        command: step.command(&looked.found.cluster),
        is_done: None,
        error: None,
    };
    let steps = looked.steps.iter().map(plain).collect();
    Ok(view(center, &looked, steps))
}

/// Does it, once. What comes back is as it is then.
pub async fn apply(center: &Center, caller: &Caller) -> Result<AccountsView, AppError> {
    let may = center.policies.may(caller, actions::MANAGE_SLURM, None)?;
    let Looked { found: Found { cluster, .. }, steps, .. } = off_thread(center, look).await?;
    let commands: Vec<String> = steps.iter().map(|step| step.command(&cluster)).collect();
    let made = Changed::new(&cluster, json!({ "commands": commands }), ());
    center.change(may, move |_| Ok(made), |_, ()| ()).await?;
    let (done, looked) = off_thread(center, move |center, slurm| {
        let done = carry_out(slurm, &cluster, steps);
        Ok((done, look(center, slurm)?))
    })
    .await?;
    center.compute.wakers.accounts();
    let told = |(step, done): &Done| StepView {
        code: step.code().to_owned(),
        command: step.command(&looked.found.cluster),
        is_done: Some(done.is_ok()),
        error: done.as_ref().err().cloned(),
    };
    let steps = done.iter().map(told).collect();
    Ok(view(center, &looked, steps))
}

/// Speaks to Slurm off the threads that serve requests, one at a time.
async fn off_thread<T: Send + 'static>(
    center: &Center,
    work: impl FnOnce(&Center, &Sacctmgr) -> Result<T, AppError> + Send + 'static,
) -> Result<T, AppError> {
    if center.compute.slurm.is_none() {
        return Err(Refused::NoSlurm.into());
    }
    let center = center.clone();
    let work = move || {
        let _alone = center.compute.slurm_accounts.lock();
        work(&center, &slurm(&center))
    };
    tokio::task::spawn_blocking(work).await?
}

fn failed(error: &engines::EngineError) -> AppError {
    Refused::SlurmFailed { said: error.to_string() }.into()
}

/// One turn of the loop: brings Slurm in step, and tells the engine which accounts there are. Gives what failed, a line each.
pub fn keep(center: &Center, engine: &SlurmEngine) -> Result<Vec<String>, AppError> {
    let _alone = center.compute.slurm_accounts.lock();
    let slurm = slurm(center);
    let mut looked = look(center, &slurm)?;
    let mut told = Vec::new();
    if !looked.steps.is_empty() {
        let cluster = looked.found.cluster.clone();
        let done = carry_out(&slurm, &cluster, std::mem::take(&mut looked.steps));
        looked = look(center, &slurm)?;
        told.extend(done.iter().filter_map(|(step, done)| {
            done.as_ref().err().map(|error| format!("{}: {error}", step.command(&cluster)))
        }));
        record_own(center, &cluster, &done)?;
    }
    told.extend(looked.conflicts.iter().map(|conflict| conflicts::view(conflict).text.en));
    engine.set_accounts(usable(&looked));
    Ok(told)
}

/// A line in the audit log for what the center changed by itself. Limits move all the time with what is used: those are not
/// told one by one.
fn record_own(center: &Center, cluster: &str, done: &[Done]) -> Result<(), AppError> {
    let is_told = |(step, done): &&Done| done.is_ok() && !matches!(step, Step::SetLimits { .. });
    let commands: Vec<String> = done.iter().filter(is_told).map(|(step, _)| step.command(cluster)).collect();
    if commands.is_empty() {
        return Ok(());
    }
    let (subject, detail) = (cluster.to_owned(), json!({ "commands": commands }));
    let record = move |tx: &store::Tx| {
        audit::record_own(tx, Change { tenant: None, action: actions::KEEP_SLURM_ACCOUNTS, subject, detail })
    };
    center.write_now(record, |_, ()| ())
}

/// The accounts that runs can be handed in under.
fn usable(looked: &Looked) -> UsableAccounts {
    let (found, pause_qos) = (&looked.found, looked.tree.pause_qos.as_str());
    let projects: HashMap<String, &Project> =
        looked.customers.projects.iter().map(|project| (project.id.to_string(), project)).collect();
    let mut accounts = UsableAccounts::new();
    for customer in &looked.tree.customers {
        let is_customer_open = !found.is_paused(&customer.account, pause_qos);
        for wanted in &customer.projects {
            let (name, Some(project)) = (&wanted.account, projects.get(&wanted.id)) else { continue };
            let is_there = found.standing(name, &wanted.id) == Standing::Ours
                && customer.users.iter().all(|user| found.has_user(name, user));
            if is_there {
                let is_open = is_customer_open && !found.is_paused(name, pause_qos);
                let account = UsableAccount { name: name.clone(), is_open };
                accounts.insert((project.tenant, project.slug.clone()), account);
            }
        }
    }
    accounts
}

fn view(center: &Center, looked: &Looked, steps: Vec<StepView>) -> AccountsView {
    let Looked { customers, tree, found, conflicts, .. } = looked;
    let state = |account: &str, id: &str| match found.standing(account, id) {
        Standing::Foreign(_) => AccountStatus::Foreign,
        Standing::Ours if found.association(account).is_some() => {
            if found.is_paused(account, &tree.pause_qos) {
                AccountStatus::Paused
            } else {
                AccountStatus::Open
            }
        }
        Standing::Absent | Standing::Ours => AccountStatus::Missing,
    };
    let tenants: HashMap<String, &str> =
        customers.tenants.iter().map(|tenant| (tenant.id.to_string(), tenant.slug.as_str())).collect();
    let projects: HashMap<String, &str> =
        customers.projects.iter().map(|project| (project.id.to_string(), project.slug.as_str())).collect();
    let mut accounts = Vec::new();
    for customer in &tree.customers {
        let tenant_slug = tenants.get(&customer.id).copied().unwrap_or_default().to_owned();
        let there = found.association(&customer.account);
        let sum = |limits: &std::collections::BTreeMap<String, u64>| {
            let of_cards = limits.iter().filter(|(name, _)| name.starts_with("gres/"));
            of_cards.map(|(_, limit)| *limit).reduce(u64::saturating_add)
        };
        let used = found.used_min.iter().filter(|((account, _), _)| *account == customer.account);
        accounts.push(AccountView {
            account: customer.account.clone(),
            tenant_slug: tenant_slug.clone(),
            project_slug: None,
            state: state(&customer.account, &customer.id),
            used_card_min: used.map(|(_, used)| *used).reduce(u64::saturating_add),
            limit_card_min: there.and_then(|there| sum(&there.grp_tres_mins)),
            limit_cards: there.and_then(|there| sum(&there.grp_tres)),
        });
        accounts.extend(customer.projects.iter().map(|project| AccountView {
            account: project.account.clone(),
            tenant_slug: tenant_slug.clone(),
            project_slug: projects.get(&project.id).map(|slug| (*slug).to_owned()),
            state: state(&project.account, &project.id),
            used_card_min: None,
            limit_card_min: None,
            limit_cards: None,
        }));
    }
    AccountsView {
        cluster: found.cluster.clone(),
        is_kept: center.settings.engine.slurm.accounts.keep,
        root: tree.root.clone(),
        accounts,
        steps,
        conflicts: conflicts.iter().map(conflicts::view).collect(),
    }
}
