//! The doctor of the Slurm engine: what the engine needs of a cluster.

use std::collections::BTreeSet;

use domain::{Both, both};

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
type Finding = Result<Both, (Both, Both)>;

/// What Slurm itself says, in its own words, behind the name of what was tried.
fn said(tried: &str, error: impl std::fmt::Display) -> Both {
    let error = error.to_string();
    both(format!("{tried}：{error}"), error)
}

/// Checks the cluster, the way to it, and the shared folder. It takes as long as Slurm does to answer.
pub fn check_slurm(config: &SlurmConfig) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut add = |name: &'static str, finding: Finding| {
        let is_ok = finding.is_ok();
        let (detail, hint) =
            finding.map_or_else(|(detail, hint)| (detail, hint), |detail| (detail, Both::default()));
        checks.push(Check { name, ok: is_ok, detail, hint });
        is_ok
    };
    add("shared folder", check_shared_folder(config));
    let slurm = match open_port(config, &std::sync::Arc::default()) {
        Ok(slurm) => slurm,
        Err(error) => {
            let hint = both("请查看设置中的 `[engine.slurm]`。", "See `[engine.slurm]` in the settings.");
            add("Slurm", Err((said("无法连接 Slurm", error), hint)));
            return checks;
        }
    };
    let described = slurm.describe().map(|said| both(format!("有应答（{said}）"), said)).map_err(|error| {
        let hint = both(
            "请启动 Slurm 的服务，或在设置的 `[engine.slurm]` 中写明正确的服务。",
            "Start Slurm's services, or name the right ones in `[engine.slurm]` of the settings.",
        );
        (said("Slurm 没有应答", error), hint)
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
        Ok(_) => Ok(both(
            format!("{shared}；所有节点都必须以此路径访问它"),
            format!("{shared}; all nodes must have it under this path"),
        )),
        Err(error) => Err((
            both(format!("{shared} 不能使用：{error}"), format!("{shared}: {error}")),
            both("请在所有节点共享的文件系统上创建它。", "Make it on the file system that all nodes share."),
        )),
    }
}

fn check_token(config: &SlurmConfig, url: &str, token: &Token) -> Finding {
    let checked = open_rest(config, url, token).map_err(|error| error.to_string());
    let checked = checked.and_then(|rest| rest.check_token().map_err(|error| error.to_string()));
    let hint = match token {
        Token::Key(_) => both(
            "`jwt_key` 必须是 slurm.conf 和 slurmdbd.conf 的 AuthAltParameters=jwt_key=… 中的密钥，两者都要设置 AuthAltTypes=auth/jwt。",
            "`jwt_key` must be the key in AuthAltParameters=jwt_key=… of slurm.conf and slurmdbd.conf, with AuthAltTypes=auth/jwt in both.",
        ),
        Token::Scontrol { .. } => both(
            "请在 slurm.conf 和 slurmdbd.conf 中设置 AuthAltTypes=auth/jwt 和 AuthAltParameters=jwt_key=…；只有 root 和 SlurmUser 能为他人签发令牌。",
            "Set AuthAltTypes=auth/jwt and AuthAltParameters=jwt_key=… in slurm.conf and slurmdbd.conf; only root and SlurmUser make tokens for others.",
        ),
    };
    checked.map_err(|why| (said("令牌不能使用", why), hint))
}

fn check_clock(slurm: &dyn Port) -> Finding {
    let there = slurm.clock().map_err(|error| {
        let hint = both("请检查 slurmctld 是否应答。", "Check that slurmctld answers.");
        (said("无法读取控制器的时钟", error), hint)
    })?;
    let off_s = (there - clock::now_s()).abs();
    let detail = both(
        format!("控制器与本机的时钟相差 {off_s} 秒"),
        format!("the controller's clock and this one differ by {off_s} s"),
    );
    let hint = both("请用 NTP 校准两边的时钟。", "Set both clocks by NTP.");
    if off_s <= MAX_OFF_S { Ok(detail) } else { Err((detail, hint)) }
}

fn check_accounting(slurm: &dyn Port) -> Finding {
    let query = AccountingQuery {
        names: vec!["qt-none".to_owned()],
        since: clock::now_s(),
        ..AccountingQuery::default()
    };
    slurm.accounting(&query).map(|_| both("有应答", "it answers")).map_err(|error| {
        let hint = both(
            "请运行 slurmdbd：没有它，控制器已忘记的作业结局会丢失。",
            "Run slurmdbd: without it, ends that the controller has forgotten are lost.",
        );
        (said("记账服务没有应答", error), hint)
    })
}

/// The nodes, or the fault that they could not be asked for.
fn listed<'a>(nodes: Result<&'a [NodeRecord], &SlurmError>) -> Result<&'a [NodeRecord], (Both, Both)> {
    nodes.map_err(|error| {
        let hint =
            both("请检查 Slurm 能否列出节点（`sinfo`）。", "Check that Slurm lists its nodes (`sinfo`).");
        (said("无法列出节点", error), hint)
    })
}

fn check_counts(slurm: &dyn Port, nodes: Result<&[NodeRecord], &SlurmError>) -> Finding {
    let kinds: BTreeSet<&String> =
        listed(nodes)?.iter().filter_map(|node| Some(&node.gres.as_ref()?.0)).collect();
    let counted = slurm.accounted_gres().map_err(|error| {
        let hint = both("请检查 slurmdbd 是否应答。", "Check that slurmdbd answers.");
        (said("无法得知记账中的 gres", error), hint)
    })?;
    let listed = counted.join(", ");
    match kinds.into_iter().find(|kind| !counted.contains(kind)) {
        None => Ok(both(format!("记账中的 gres：{listed}"), format!("gres in its accounting: {listed}"))),
        Some(kind) => Err((
            both(
                format!("记账不统计 gres/{kind}：其中的限额不起作用，用量也无法核对"),
                format!(
                    "its accounting does not count gres/{kind}: limits there can't hold, and use can't be checked"
                ),
            ),
            both(
                "请在 slurm.conf 中设置 AccountingStorageTRES=gres/npu（或 gres/gpu），并重启 slurmctld。",
                "Set AccountingStorageTRES=gres/npu (or gres/gpu) in slurm.conf and restart slurmctld.",
            ),
        )),
    }
}

fn check_nodes(config: &SlurmConfig, nodes: Result<&[NodeRecord], &SlurmError>) -> Finding {
    let nodes = listed(nodes)?;
    let is_meant = |node: &&NodeRecord| config.partition.as_ref().is_none_or(|part| *part == node.partition);
    let with_cards: Vec<_> = nodes.iter().filter(is_meant).filter(|node| node.gres.is_some()).collect();
    let up = with_cards.iter().filter(|node| node.condition == NodeCondition::Up).count();
    let count = with_cards.len();
    let detail = both(
        format!("{count} 个节点有加速卡，其中 {up} 个可用"),
        format!("{count} nodes have cards, {up} of them are up"),
    );
    if with_cards.is_empty() {
        Err((
            detail,
            both(
                "请为节点设置 GresTypes 和 Gres=npu:…（或 gpu:…），或在此处换一个分区。",
                "Set GresTypes and Gres=npu:… (or gpu:…) for the nodes, or another partition here.",
            ),
        ))
    } else {
        Ok(detail)
    }
}
