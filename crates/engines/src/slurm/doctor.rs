//! The doctor of the Slurm engine: what the engine needs of a cluster.

use std::collections::BTreeSet;

use super::{
    client::{
        job::AccountingQuery,
        node::{NodeCondition, NodeRecord},
        open::{open_port, open_rest},
        port::{Port, SlurmError},
    },
    config::{Access, SlurmConfig, Token},
    disk::shared_folder::SharedFolder,
};
use crate::{check::Check, clock};

/// The most seconds by which clocks may differ.
const MAX_OFF_S: i64 = 5;

/// The finding of a check, or the fault with a hint.
type Finding = Result<String, (String, &'static str)>;

/// Checks the cluster, the way to it, and the shared folder. It takes as long as Slurm does to answer.
pub fn check_slurm(config: &SlurmConfig) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut add = |name: &'static str, finding: Finding| {
        let is_ok = finding.is_ok();
        let (detail, hint) = finding.map_or_else(|(detail, hint)| (detail, hint), |detail| (detail, ""));
        checks.push(Check { name, ok: is_ok, detail, hint: hint.to_owned() });
        is_ok
    };
    add("shared folder", check_shared_folder(config));
    let slurm = match open_port(config, &std::sync::Arc::default()) {
        Ok(slurm) => slurm,
        Err(error) => {
            add("Slurm", Err((error.to_string(), "See `[engine.slurm]` in the settings.")));
            return checks;
        }
    };
    let described = slurm.describe().map_err(|error| {
        (
            error.to_string(),
            "Start Slurm's services, or name the right ones in `[engine.slurm]` of the settings.",
        )
    });
    if !add("Slurm", described) {
        return checks;
    }
    if let Access::Rest { url, token } = &config.access
        && !add("Slurm's token", check_token(config, url, token))
    {
        return checks;
    }
    add("Slurm's clock", check_clock(slurm.as_ref()));
    add("Slurm's accounting", check_accounting(slurm.as_ref()));
    let nodes = slurm.nodes();
    add("Slurm counts cards", check_counts(slurm.as_ref(), nodes.as_deref()));
    add("Slurm's nodes", check_nodes(config, nodes.as_deref()));
    checks
}

fn check_shared_folder(config: &SlurmConfig) -> Finding {
    let shared = config.shared_dir.display();
    match SharedFolder::open(&config.shared_dir) {
        Ok(_) => Ok(format!("{shared}; all nodes must have it under this path")),
        Err(error) => Err((format!("{shared}: {error}"), "Make it on the file system that all nodes share.")),
    }
}

fn check_token(config: &SlurmConfig, url: &str, token: &Token) -> Finding {
    let checked = open_rest(config, url, token).map_err(|error| error.to_string());
    let checked = checked.and_then(|rest| rest.check_token().map_err(|error| error.to_string()));
    let hint = match token {
        Token::Key(_) => {
            "`jwt_key` must be the key in AuthAltParameters=jwt_key=… of slurm.conf and slurmdbd.conf, with AuthAltTypes=auth/jwt in both."
        }
        Token::Scontrol { .. } => {
            "Set AuthAltTypes=auth/jwt and AuthAltParameters=jwt_key=… in slurm.conf and slurmdbd.conf; only root and SlurmUser make tokens for others."
        }
    };
    checked.map_err(|why| (why, hint))
}

fn check_clock(slurm: &dyn Port) -> Finding {
    let there = slurm.clock().map_err(|error| (error.to_string(), "Check that slurmctld answers."))?;
    let off_s = (there - clock::now_s()).abs();
    let detail = format!("the controller's clock and this one differ by {off_s} s");
    if off_s <= MAX_OFF_S { Ok(detail) } else { Err((detail, "Set both clocks by NTP.")) }
}

fn check_accounting(slurm: &dyn Port) -> Finding {
    let query = AccountingQuery {
        names: vec!["qt-none".to_owned()],
        since: clock::now_s(),
        ..AccountingQuery::default()
    };
    slurm.accounting(&query).map(|_| "it answers".to_owned()).map_err(|error| {
        (error.to_string(), "Run slurmdbd: without it, ends that the controller has forgotten are lost.")
    })
}

/// The nodes, or the fault that they could not be asked for.
fn listed<'a>(
    nodes: Result<&'a [NodeRecord], &SlurmError>,
) -> Result<&'a [NodeRecord], (String, &'static str)> {
    nodes.map_err(|error| (error.to_string(), "Check that Slurm lists its nodes (`sinfo`)."))
}

fn check_counts(slurm: &dyn Port, nodes: Result<&[NodeRecord], &SlurmError>) -> Finding {
    let kinds: BTreeSet<&String> =
        listed(nodes)?.iter().filter_map(|node| Some(&node.gres.as_ref()?.0)).collect();
    let counted =
        slurm.accounted_gres().map_err(|error| (error.to_string(), "Check that slurmdbd answers."))?;
    match kinds.into_iter().find(|kind| !counted.contains(kind)) {
        None => Ok(format!("gres in its accounting: {}", counted.join(", "))),
        Some(kind) => Err((
            format!(
                "its accounting does not count gres/{kind}: limits there can't hold, and use can't be checked"
            ),
            "Set AccountingStorageTRES=gres/npu (or gres/gpu) in slurm.conf and restart slurmctld.",
        )),
    }
}

fn check_nodes(config: &SlurmConfig, nodes: Result<&[NodeRecord], &SlurmError>) -> Finding {
    let nodes = listed(nodes)?;
    let is_meant = |node: &&NodeRecord| config.partition.as_ref().is_none_or(|part| *part == node.partition);
    let with_cards: Vec<_> = nodes.iter().filter(is_meant).filter(|node| node.gres.is_some()).collect();
    let up = with_cards.iter().filter(|node| node.condition == NodeCondition::Up).count();
    let detail = format!("{} nodes have cards, {up} of them are up", with_cards.len());
    if with_cards.is_empty() {
        Err((detail, "Set GresTypes and Gres=npu:… (or gpu:…) for the nodes, or another partition here."))
    } else {
        Ok(detail)
    }
}
