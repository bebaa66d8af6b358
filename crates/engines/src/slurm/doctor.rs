//! What the engine needs of a Slurm cluster.

use std::collections::BTreeSet;

use super::{
    client::{
        job::AccountingQuery,
        node::{NodeCondition, NodeRecord},
        open::{open_port, open_rest},
    },
    config::{Access, SlurmConfig, Token},
    disk::shared_folder::SharedFolder,
};
use crate::{check::Check, clock};

/// Clocks may differ by this many seconds.
const MAX_OFF_S: i64 = 5;

/// Checks the cluster, the way to it, and the shared folder. Takes as long as Slurm does to answer.
pub fn check_slurm(config: &SlurmConfig) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut add = |name: &'static str, result: Result<String, (String, &str)>| {
        let is_ok = result.is_ok();
        let (detail, hint) = result.map_or_else(|(detail, hint)| (detail, hint), |detail| (detail, ""));
        checks.push(Check { name, ok: is_ok, detail, hint: hint.to_owned() });
        is_ok
    };
    let shared = config.shared_dir.display();
    add(
        "shared folder",
        match SharedFolder::open(&config.shared_dir) {
            Ok(_) => Ok(format!("{shared}; all nodes must have it under this path")),
            Err(error) => {
                Err((format!("{shared}: {error}"), "Make it on the file system that all nodes share."))
            }
        },
    );
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
    if let Access::Rest { url, token } = &config.access {
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
        if !add("Slurm's token", checked.map_err(|why| (why, hint))) {
            return checks;
        }
    }
    add(
        "Slurm's clock",
        match slurm.clock() {
            Ok(there) => {
                let off_s = (there - clock::now_s()).abs();
                let detail = format!("the controller's clock and this one differ by {off_s} s");
                if off_s <= MAX_OFF_S { Ok(detail) } else { Err((detail, "Set both clocks by NTP.")) }
            }
            Err(error) => Err((error.to_string(), "The controller does not tell its time.")),
        },
    );
    let query = AccountingQuery {
        names: vec!["qt-none".to_owned()],
        since: clock::now_s(),
        ..AccountingQuery::default()
    };
    add(
        "Slurm's accounting",
        slurm.accounting(&query).map(|_| "it answers".to_owned()).map_err(|error| {
            (error.to_string(), "Run slurmdbd: without it, ends that the controller has forgotten are lost.")
        }),
    );
    let kinds: BTreeSet<String> =
        slurm.nodes().into_iter().flatten().filter_map(|node| Some(node.gres?.0)).collect();
    add(
        "Slurm counts cards",
        match slurm.accounted_gres() {
            Ok(counted) => match kinds.iter().find(|kind| !counted.contains(kind)) {
                None => Ok(format!("gres in its accounting: {}", counted.join(", "))),
                Some(kind) => Err((
                    format!(
                        "its accounting does not count gres/{kind}: limits there can't hold, and use can't be checked"
                    ),
                    "Set AccountingStorageTRES=gres/npu (or gres/gpu) in slurm.conf and restart slurmctld.",
                )),
            },
            Err(error) => Err((error.to_string(), "slurmdbd must answer.")),
        },
    );
    add(
        "Slurm's nodes",
        match slurm.nodes() {
            Ok(nodes) => {
                let of =
                    |node: &&NodeRecord| config.partition.as_ref().is_none_or(|part| *part == node.partition);
                let with_cards: Vec<_> = nodes.iter().filter(of).filter(|node| node.gres.is_some()).collect();
                let up = with_cards.iter().filter(|node| node.condition == NodeCondition::Up).count();
                let detail = format!("{} nodes have cards, {up} of them are up", with_cards.len());
                if with_cards.is_empty() {
                    Err((
                        detail,
                        "Set GresTypes and Gres=npu:… (or gpu:…) for the nodes, or another partition here.",
                    ))
                } else {
                    Ok(detail)
                }
            }
            Err(error) => Err((error.to_string(), "sinfo must list the nodes.")),
        },
    );
    checks
}
