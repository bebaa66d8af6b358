//! The job that is submitted for a run, and the account that pays for it.

use std::time::Duration;

use domain::{Launch, Millis, Timestamp, batch::Memory};

use super::{core::Core, job_name::job_name};
use crate::{
    clock,
    slurm::{
        client::{job::Submission, node::NodeRecord},
        disk::user::UnixUser,
        script::job::batch_script,
    },
    spec::LaunchSpec,
    sync,
};

/// The Slurm account under which a run is submitted.
pub(super) enum Charged {
    /// The account of its project; `None` for the account that the settings name.
    To(Option<String>),
    /// The account is not known or not open yet.
    Later,
    /// The account was not open for so long that the run is given up.
    NeverOpened(Duration),
}

pub(super) fn charged_account(core: &Core, spec: &LaunchSpec) -> Charged {
    if !core.config.keeps_accounts {
        return Charged::To(None);
    }
    let since = |at: Timestamp| Duration::from_millis(u64::try_from(clock::now().since(at).0).unwrap_or(0));
    let known = sync::lock(&core.project_accounts);
    match known.as_ref() {
        None if since(core.began) < core.config.times.first_look => Charged::Later,
        None => Charged::To(None),
        Some(known) => match known.get(&(spec.tenant, spec.project.clone())) {
            None => Charged::To(None),
            Some(account) if account.is_open => Charged::To(Some(account.name.clone())),
            Some(_) => {
                let waited = since(spec.run.made_at());
                if waited < core.config.times.pending { Charged::Later } else { Charged::NeverOpened(waited) }
            }
        },
    }
}

/// The job of a run. `node` is the first of its nodes, `charged` the account of its project if it has one,
/// and `start` the shell text that begins a node's process.
pub(super) fn submission(
    core: &Core,
    spec: &LaunchSpec,
    user: &UnixUser,
    node: &NodeRecord,
    charged: Option<String>,
    start: &str,
) -> Submission {
    let config = &core.config;
    let folder = core.shared.run_folder(spec.run);
    let owner = core.owner_of(spec.tenant);
    let first = &spec.nodes[0];
    let cards = first.cards.len();
    // Slurm gives each node the same; the planner does too.
    let named = config.gres.get(&first.model).cloned().or_else(|| {
        let (kind, of, _) = node.gres.as_ref()?;
        Some(of.as_ref().map_or_else(|| kind.clone(), |of| format!("{kind}:{of}")))
    });
    let (batch, is_batch) = (&spec.batch, spec.launch == Launch::Batch);
    let cpus = cards.saturating_mul(config.cpus_per_card).max(1);
    // The script may ask for less memory than the center allows, not for more.
    let most = spec.limits.memory_bytes.map(|bytes| bytes.div_ceil(1 << 20));
    let (mib_per_node, mib_per_cpu) = match batch.memory {
        Some(Memory::MibPerNode(0)) | None => (most.or(batch.memory.map(|_| 0)), None),
        Some(Memory::MibPerNode(mib)) => (Some(most.map_or(mib, |most| mib.min(most))), None),
        Some(Memory::MibPerCpu(mib)) if most.is_none() => (None, Some(mib)),
        Some(Memory::MibPerCpu(_)) => (most, None),
        Some(Memory::MibPerCard(mib)) => {
            let mib = mib.saturating_mul(cards.into());
            (Some(most.map_or(mib, |most| mib.min(most))), None)
        }
    };
    let is_own = user.uid == rustix::process::geteuid().as_raw();
    Submission {
        name: job_name(spec.run),
        comment: format!("qiantang {}", spec.job),
        user: owner.user.clone().filter(|_| !is_own),
        account: charged.or_else(|| owner.account.clone()),
        partition: config.partition.clone(),
        qos: config.qos.clone(),
        script: {
            let notice = core.notices.as_ref().map(|notices| notices.script(spec.run));
            batch_script(spec, &folder, start, notice)
        },
        work_dir: core.shared.work_folder(spec.tenant, spec.job),
        stdout: folder.join("stdout"),
        stderr: folder.join("stderr"),
        nodes: spec.nodes.iter().map(|node| node.name.clone()).collect(),
        gres: named.filter(|_| cards > 0).map(|named| format!("{named}:{cards}")),
        time_limit_min: slurm_limit_min(spec.time_limit),
        memory_mib_per_node: mib_per_node,
        memory_mib_per_cpu: mib_per_cpu,
        tasks: batch.tasks.filter(|_| is_batch),
        tasks_per_node: if is_batch { batch.tasks_per_node } else { Some(1) },
        cpus_per_task: if is_batch {
            batch.cpus_per_task
        } else {
            Some(cpus.max(batch.cpus_per_task.unwrap_or(1)))
        },
        // A script that says how many processors its tasks have gets these.
        min_cpus: Some(cpus).filter(|_| is_batch && !batch.tells_processors()),
        exclusive: spec.exclusive && is_batch,
    }
}

/// When Slurm may end a run by itself, in whole minutes from its start.
fn slurm_limit_min(limit: Millis) -> u32 {
    u32::try_from(limit.0.max(1).div_euclid(60_000) + i64::from(limit.0.rem_euclid(60_000) > 0))
        .unwrap_or(u32::MAX)
}
