//! The demo's center after its first work: tenants go on submitting, so that the hall is at work for as long as it is
//! looked at. The work takes time, says so in its log, and computes nothing.

use std::{collections::BTreeMap, time::Duration};

use base::error::AppError;
use center::{
    Ready,
    app::{
        contracts::{self, TopUp},
        jobs,
    },
    center::Center,
};
use domain::{JobId, Lang, MicroCny, ServiceClass, contract::Funds};

use super::people::People;
use crate::tell::tell;

/// How often tenants look whether they have enough work.
const EVERY: Duration = Duration::from_secs(2);
/// A tenant pays in when less than this is left.
const LOW: MicroCny = MicroCny::from_yuan(300);

/// The work of a tenant: its project, names, shapes as nodes and cards on each, and how many jobs it keeps active. Some
/// are more than its quota runs at once, so that there is always a queue with its reasons.
#[derive(Debug)]
pub struct Line {
    pub tenant: &'static str,
    pub project: &'static str,
    pub names: [&'static str; 4],
    pub shapes: [(u32, u32); 4],
    active: usize,
}

pub const LINES: [Line; 5] = [
    Line {
        tenant: "xixi-build",
        project: "heat-load",
        names: ["heat-load-east", "heat-load-west", "facade-check", "district-forecast"],
        shapes: [(1, 8), (2, 8), (1, 4), (1, 8)],
        active: 4,
    },
    Line {
        tenant: "linghu-voice",
        project: "keywords",
        names: ["keywords-wu-dialect", "keywords-child", "keywords-car", "keywords-noise"],
        shapes: [(1, 4), (2, 8), (1, 8), (1, 2)],
        active: 4,
    },
    Line {
        tenant: "qianwan-univ",
        project: "digits",
        names: ["digits-ablation", "digits-width", "digits-noise", "digits-seed"],
        shapes: [(1, 8), (1, 1), (2, 8), (1, 4)],
        active: 5,
    },
    Line {
        tenant: "wushan-tech",
        project: "digits",
        names: ["data-parallel-2", "data-parallel-1", "all-reduce", "pipeline"],
        shapes: [(2, 8), (1, 8), (1, 4), (1, 8)],
        active: 3,
    },
    Line {
        tenant: "linjiang-traffic",
        project: "signals",
        names: ["signals-morning", "signals-evening", "signals-ring-road", "signals-bridge"],
        shapes: [(1, 4), (1, 2), (1, 8), (1, 1)],
        active: 2,
    },
];

/// Goes on until it is dropped.
pub async fn run(lang: Lang, ready: &Ready, people: &People) {
    let center = &ready.center;
    let mut active: BTreeMap<&'static str, Vec<JobId>> = BTreeMap::new();
    let mut turn = 0_u32;
    loop {
        if let Err(error) = round(center, people, &mut active, &mut turn).await {
            // The demo is looked at; what fails here shows there, and the next round is soon.
            tell_once(lang, &error);
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Told once: a disk that is full would otherwise tell it every two seconds.
fn tell_once(lang: Lang, error: &AppError) {
    static TOLD: std::sync::Once = std::sync::Once::new();
    TOLD.call_once(|| match lang {
        Lang::Zh => tell!("qiantang：演示的作业没有继续（{error}）"),
        Lang::En => tell!("qiantang: the demo's work does not go on: {error}"),
    });
}

async fn round(
    center: &Center,
    people: &People,
    active: &mut BTreeMap<&'static str, Vec<JobId>>,
    turn: &mut u32,
) -> Result<(), AppError> {
    pay(center, people).await?;
    for line in &LINES {
        let Some(caller) = people.developers.get(line.tenant) else { continue };
        let own = active.entry(line.tenant).or_default();
        let mut still = Vec::new();
        for id in own.drain(..) {
            if !jobs::show(center, caller, &id.into()).await?.job.state.has_ended() {
                still.push(id);
            }
        }
        *own = still;
        // One a round, so that work arrives and leaves by and by.
        if own.len() < line.active {
            *turn = turn.wrapping_add(1);
            let mut spec = domain::script::parse(script(*turn)).map_err(AppError::Invalid)?.spec;
            let pick = (*turn / 5) as usize % line.names.len();
            (spec.nodes, spec.cards_per_node) = line.shapes[(pick + *turn as usize) % line.shapes.len()];
            line.names[pick].clone_into(&mut spec.name);
            spec.project = Some(line.project.to_owned());
            if turn.is_multiple_of(11) {
                spec.service_class = ServiceClass::Urgent;
            }
            own.push(jobs::submit(center, caller, spec, None).await?);
        }
    }
    Ok(())
}

/// Epochs that take their time, between half a minute and three; now and then one fails.
fn script(turn: u32) -> String {
    let epochs = 6 + turn.wrapping_mul(7) % 31;
    let end = if turn % 17 == 5 { "echo 'the loss is not a number' >&2; exit 1\n" } else { "" };
    format!(
        "#!/bin/sh\n#SBATCH --gres=npu:1\n#SBATCH --time=00:10:00\n# Work of the demo: it takes time, and computes nothing.\n\
         epoch=0\nwhile [ $epoch -lt {epochs} ]; do\n  epoch=$((epoch + 1))\n  \
         echo \"epoch $epoch of {epochs}: loss 0.$((900 - 700 * epoch / {epochs}))\"\n  sleep 5\ndone\n{end}"
    )
}

/// Contracts that are paid for by the card-hour are paid in for, before their work would stop.
async fn pay(center: &Center, people: &People) -> Result<(), AppError> {
    for contract in contracts::list(center, &people.operator).await? {
        let Funds::Money { micro_cny } = contract.funds else { continue };
        if contract.state.is_final() || micro_cny >= LOW {
            continue;
        }
        let paid = TopUp {
            amount_micro_cny: MicroCny::from_yuan(1000).0,
            card_ms: 0,
            reference: format!("{} {}", contract.number, base::moment::now()),
            ..TopUp::default()
        };
        contracts::top_up(center, &people.operator, &contract.id.to_string(), paid).await?;
    }
    Ok(())
}
