//! The environment of a run's processes, built from nothing: none of the center's own variables is in it.
//!
//! One process is started on each node. So `RANK` is the rank of the node, as with Ascend's operator for
//! Kubernetes, and `WORLD_SIZE` is the number of nodes. A launcher such as torchrun or msrun multiplies by
//! the cards itself, from `QIANTANG_CARDS_PER_NODE`. The job's own variables can change the first group
//! (`PATH`, `HOME`, `LC_CTYPE`…) and add any other, but they can't change the ones that tell a run its place.

use std::path::PathBuf;

use domain::card::Vendor;

use crate::spec::{LaunchNode, LaunchSpec, slurm_job_id};

/// The run's place on its machine, which the environment tells beyond the [`LaunchSpec`].
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The tenant's folder.
    pub home: PathBuf,
    /// The job's folder in it.
    pub work: PathBuf,
    /// The run's own folder for temporary files. It is gone when the run ends.
    pub temporary: PathBuf,
    pub user: String,
    pub path: String,
    /// The address at which the processes of the run find each other.
    pub master_addr: String,
    pub master_port: u16,
    pub rank_table: Option<PathBuf>,
}

pub(crate) type Variables = Vec<(String, String)>;

/// The environment of the process on node `rank`, each name once.
pub(crate) fn environment(spec: &LaunchSpec, rank: usize, place: &Place) -> Variables {
    let mut all = basics(place);
    for (name, value) in &spec.env {
        set(&mut all, name, value.clone());
    }
    for (name, value) in of_run(spec, place).into_iter().chain(of_node(spec, rank, place)) {
        set(&mut all, &name, value);
    }
    all
}

/// The variables that tell a process its run's place. They are the same on all nodes.
fn of_run(spec: &LaunchSpec, place: &Place) -> Variables {
    let node_list = spec.nodes.iter().map(|node| node.name.as_str()).collect::<Vec<_>>().join(",");
    let mut all = named([
        ("WORLD_SIZE", spec.nodes.len().to_string()),
        ("LOCAL_RANK", "0".into()),
        ("LOCAL_WORLD_SIZE", "1".into()),
        ("MASTER_ADDR", place.master_addr.clone()),
        ("MASTER_PORT", place.master_port.to_string()),
        ("QIANTANG_JOB_ID", spec.job.to_string()),
        ("QIANTANG_RUN_ID", spec.run.to_string()),
        ("QIANTANG_JOB_NAME", spec.job_name.clone()),
        ("QIANTANG_TENANT_ID", spec.tenant.to_string()),
        ("QIANTANG_PROJECT", spec.project.clone()),
        ("QIANTANG_NODES", node_list.clone()),
        ("QIANTANG_NODES_NUM", spec.nodes.len().to_string()),
    ]);
    all.extend(slurm(spec, place, &node_list));
    all
}

/// The variables that tell a process its node's place in the run. They may differ from node to node, and are
/// short: a run may have thousands of nodes.
pub(crate) fn of_node(spec: &LaunchSpec, rank: usize, place: &Place) -> Variables {
    let node = &spec.nodes[rank];
    let rank_text = rank.to_string();
    let card_count = node.cards.len().to_string();
    let mut all = named([
        ("RANK", rank_text.clone()),
        ("NODE_RANK", rank_text.clone()),
        ("QIANTANG_NODE_RANK", rank_text.clone()),
        ("QIANTANG_NODE_NAME", node.name.clone()),
        ("QIANTANG_CARD_MODEL", node.model.clone()),
        ("QIANTANG_CARDS_PER_NODE", card_count.clone()),
        ("QIANTANG_CARDS", card_list(node)),
        ("SLURM_NODEID", rank_text.clone()),
        ("SLURM_PROCID", rank_text),
        ("SLURMD_NODENAME", node.name.clone()),
        ("SLURM_GPUS_ON_NODE", card_count.clone()),
        ("SLURM_GPUS_PER_NODE", card_count),
    ]);
    if node.is_virtual {
        all.extend(named([("QIANTANG_VIRTUAL", "1".into())]));
    }
    let accelerators = accelerators(spec, rank, place).into_iter();
    all.extend(accelerators.map(|(name, value)| (name.to_owned(), value)));
    all
}

fn set(all: &mut Variables, name: &str, value: String) {
    match all.iter_mut().find(|(known, _)| known == name) {
        Some((_, old)) => *old = value,
        None => all.push((name.to_owned(), value)),
    }
}

fn basics(place: &Place) -> Variables {
    let text = |path: &PathBuf| path.to_string_lossy().into_owned();
    named([
        ("PATH", place.path.clone()),
        ("HOME", text(&place.home)),
        ("USER", place.user.clone()),
        ("LOGNAME", place.user.clone()),
        ("SHELL", "/bin/sh".into()),
        // Text is UTF-8, and all else is plain: every program of a script would load a whole locale anew.
        ("LC_CTYPE", "C.UTF-8".into()),
        ("PWD", text(&place.work)),
        ("TMPDIR", text(&place.temporary)),
    ])
}

/// The names that Slurm scripts commonly read, without those that tell of a node.
fn slurm(spec: &LaunchSpec, place: &Place, node_list: &str) -> Variables {
    let nodes = spec.nodes.len().to_string();
    let number = slurm_job_id(spec.job.as_bytes()).to_string();
    // In Slurm each task of an array has a job id of its own.
    let own_number =
        if spec.array.is_some() { slurm_job_id(spec.run.as_bytes()).to_string() } else { number.clone() };
    let mut all = named([
        ("SLURM_JOB_ID", own_number.clone()),
        ("SLURM_JOBID", own_number),
        ("SLURM_JOB_NAME", spec.job_name.clone()),
        ("SLURM_JOB_NUM_NODES", nodes.clone()),
        ("SLURM_NNODES", nodes.clone()),
        ("SLURM_LOCALID", "0".into()),
        ("SLURM_NTASKS", nodes.clone()),
        ("SLURM_NPROCS", nodes.clone()),
        ("SLURM_NTASKS_PER_NODE", "1".into()),
        ("SLURM_TASKS_PER_NODE", if spec.nodes.len() == 1 { "1".into() } else { format!("1(x{nodes})") }),
        ("SLURM_JOB_NODELIST", node_list.to_owned()),
        ("SLURM_NODELIST", node_list.to_owned()),
        ("SLURM_SUBMIT_DIR", place.work.to_string_lossy().into_owned()),
        ("SLURM_JOB_ACCOUNT", spec.project.clone()),
        ("SLURM_CLUSTER_NAME", "qiantang".into()),
    ]);
    if let Some(array) = spec.array {
        all.extend(named([
            ("SLURM_ARRAY_JOB_ID", number),
            ("SLURM_ARRAY_TASK_ID", array.index.to_string()),
            ("SLURM_ARRAY_TASK_COUNT", array.count.to_string()),
            ("SLURM_ARRAY_TASK_MIN", array.min.to_string()),
            ("SLURM_ARRAY_TASK_MAX", array.max.to_string()),
            ("SLURM_ARRAY_TASK_STEP", array.step.to_string()),
            ("QIANTANG_ARRAY_INDEX", array.index.to_string()),
        ]));
    }
    all
}

fn card_list(node: &LaunchNode) -> String {
    node.cards.iter().map(|card| card.to_string()).collect::<Vec<_>>().join(",")
}

/// The variables by which the makers' libraries see the run's cards and no others. Seen through
/// `*_VISIBLE_*`, the cards are numbered from 0 again, so `DEVICE_ID` is 0. The rank table has the numbers of
/// the machine.
fn accelerators(spec: &LaunchSpec, rank: usize, place: &Place) -> Vec<(&'static str, String)> {
    let node = &spec.nodes[rank];
    match node.vendor {
        _ if node.cards.is_empty() => vec![],
        Vendor::Ascend => {
            let before: u32 = spec.nodes[..rank].iter().map(|node| node.cards.len()).sum();
            let all: u32 = spec.nodes.iter().map(|node| node.cards.len()).sum();
            let mut variables = vec![
                ("ASCEND_RT_VISIBLE_DEVICES", card_list(node)),
                ("ASCEND_VISIBLE_DEVICES", card_list(node)),
                ("RANK_SIZE", all.to_string()),
                ("RANK_ID", before.to_string()),
                ("DEVICE_ID", "0".into()),
            ];
            if let Some(path) = &place.rank_table {
                variables.push(("RANK_TABLE_FILE", path.to_string_lossy().into_owned()));
            }
            variables
        }
        Vendor::Nvidia => vec![("CUDA_VISIBLE_DEVICES", card_list(node))],
        Vendor::Other => vec![],
    }
}

fn named<const N: usize>(variables: [(&str, String); N]) -> Variables {
    variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{ArrayTask, RunLimits};
    use domain::{CardSet, JobId, Millis, RunId, TenantId, Timestamp};

    fn spec(vendor: Vendor) -> LaunchSpec {
        let at = Timestamp::from_secs(1_700_000_000);
        let node = |name: &str, cards| LaunchNode {
            name: name.into(),
            cards: CardSet::from_bits(cards),
            card_count: 8,
            vendor,
            model: "m".into(),
            is_virtual: true,
        };
        LaunchSpec {
            run: RunId::new(at, [1; 10]),
            job: JobId::new(at, [2; 10]),
            tenant: TenantId::new(at, [3; 10]),
            uid_index: 4,
            job_name: "train".into(),
            project: "vision".into(),
            array: Some(ArrayTask { index: 5, count: 3, min: 1, max: 9, step: 4 }),
            script: String::new(),
            encoding: None,
            args: vec![],
            secret_names: vec![],
            secrets: vec![],
            env: vec![
                ("LC_CTYPE".into(), "zh_CN.UTF-8".into()),
                ("RANK".into(), "99".into()),
                ("X".into(), "=".into()),
            ],
            nodes: vec![node("a", 0b1100), node("b", 0b10011)],
            launch: domain::Launch::EachNode,
            batch: domain::BatchSpec::default(),
            exclusive: false,
            time_limit: Millis::from_secs(1),
            kill_grace: Millis::from_secs(1),
            log_limit_bytes: 1,
            limits: RunLimits::default(),
        }
    }

    fn place() -> Place {
        Place {
            home: "/h".into(),
            work: "/h/w".into(),
            temporary: "/t".into(),
            user: "qt4".into(),
            path: "/bin".into(),
            master_addr: "127.0.0.1".into(),
            master_port: 29_500,
            rank_table: Some("/t/table".into()),
        }
    }

    #[test]
    fn a_process_learns_its_place_and_the_job_cannot_change_it() {
        let all = environment(&spec(Vendor::Ascend), 1, &place());
        let get = |name: &str| all.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        for (name, value) in [
            ("LC_CTYPE", "zh_CN.UTF-8"),
            ("X", "="),
            ("RANK", "1"),
            ("NODE_RANK", "1"),
            ("WORLD_SIZE", "2"),
            ("MASTER_PORT", "29500"),
            ("QIANTANG_VIRTUAL", "1"),
            ("QIANTANG_NODES", "a,b"),
            ("QIANTANG_CARDS", "0,1,4"),
            ("SLURM_NODELIST", "a,b"),
            ("SLURM_GPUS_ON_NODE", "3"),
            ("SLURM_ARRAY_TASK_ID", "5"),
            ("SLURM_ARRAY_TASK_STEP", "4"),
            ("SLURM_TASKS_PER_NODE", "1(x2)"),
            ("ASCEND_RT_VISIBLE_DEVICES", "0,1,4"),
            ("RANK_ID", "2"),
            ("RANK_SIZE", "5"),
            ("RANK_TABLE_FILE", "/t/table"),
        ] {
            assert_eq!(get(name), Some(value), "{name}");
        }
        assert_eq!(get("CUDA_VISIBLE_DEVICES"), None);
        assert_ne!(get("SLURM_JOB_ID"), get("SLURM_ARRAY_JOB_ID"));
        assert!(get("SLURM_JOB_ID").unwrap().parse::<u64>().is_ok());
        let mut names: Vec<_> = all.iter().map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all.len(), "each name once");
    }

    #[test]
    fn nvidia_cards_are_named_to_cuda() {
        let all = environment(&spec(Vendor::Nvidia), 0, &place());
        assert!(all.contains(&("CUDA_VISIBLE_DEVICES".into(), "2,3".into())));
        assert!(!all.iter().any(|(name, _)| name.contains("ASCEND")));
    }
}
