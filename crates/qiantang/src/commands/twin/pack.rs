//! `twin pack`: how tightly the planner fills a hall, beside plain best fit.

use std::{fs::File, io::BufReader, sync::mpsc};

use domain::Lang;
use serde_json::{Value, json};
use twin::{
    Faults, Trace,
    hall::{HallNode, read_nodes},
    pack::{Chooser, Packed, Pressure, pack},
};

use super::{Done, Screen, options::Pack, read};
use crate::{
    commands::say,
    errors::Failure,
    output::{pick, table},
};

const CHOOSERS: [Chooser; 2] = [Chooser::Planner, Chooser::BestFit];

pub(super) fn run(screen: &Screen, options: &Pack) -> Done {
    let (trace, _) = read(screen, &options.input)?;
    let nodes = nodes(screen, options)?;
    let means: Vec<(u32, [Packed; 2])> =
        options.loads.iter().map(|load| (*load, mean(&trace, &nodes, options, *load))).collect();
    if screen.json {
        let row = |(load, [planner, best_fit]): &(u32, [Packed; 2])| json!({ "load": f64::from(*load) / 1000.0, "planner": object(planner), "best_fit": object(best_fit) });
        let rows: Vec<Value> = means.iter().map(row).collect();
        let cards: u32 = nodes.iter().map(|node| u32::from(node.cards)).sum();
        say(&json!({ "nodes": nodes.len(), "cards": cards, "loads": rows }).to_string());
    } else {
        say(&shown(screen.lang, &means));
    }
    Ok(())
}

fn nodes(screen: &Screen, options: &Pack) -> Result<Vec<HallNode>, Failure> {
    let name = options.node_list.display();
    let hint = pick(
        screen.lang,
        "每行一个节点的 CSV，列 cards 或 gpu（docs/twin.md）",
        "a CSV with a line a node and a column cards or gpu (docs/twin.md)",
    );
    let file = File::open(&options.node_list)
        .map_err(|error| Failure::usage("no_node_list", format!("failed to open {name}: {error}"), hint))?;
    let mut faults = Faults::default();
    let nodes = read_nodes(BufReader::new(file), &mut faults);
    for fault in faults.samples.iter().take(5) {
        eprintln!("{name}:{}: {}: {}", fault.line, fault.flaw.text(screen.lang), fault.sample);
    }
    if nodes.is_empty() {
        return Err(Failure::usage("no_nodes", format!("{name} has no nodes with cards"), hint));
    }
    Ok(nodes)
}

/// The mean over the rounds, of each chooser; the rounds run side by side.
fn mean(trace: &Trace, nodes: &[HallNode], options: &Pack, load_milli: u32) -> [Packed; 2] {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let work: Vec<(u64, usize)> =
        (0..options.rounds).flat_map(|round| [0, 1].map(|chooser| (u64::from(round), chooser))).collect();
    let (done, results) = mpsc::channel();
    std::thread::scope(|scope| {
        for share in 0..threads {
            let (done, work) = (done.clone(), &work);
            scope.spawn(move || {
                for &(round, chooser) in work.iter().skip(share).step_by(threads) {
                    let seed = options.seed.wrapping_add(round);
                    let pressure = Pressure { seed, jobs: options.jobs, load_milli };
                    let _ = done.send((round, chooser, pack(trace, nodes, pressure, CHOOSERS[chooser])));
                }
            });
        }
    });
    drop(done);
    let mut all: Vec<(u64, usize, Packed)> = results.into_iter().collect();
    // Sums of floats depend on their order: always the same one.
    all.sort_by_key(|(round, chooser, _)| (*chooser, *round));
    [0, 1].map(|wanted| {
        let of = |field: fn(&Packed) -> f64| {
            let values = all.iter().filter(|(_, chooser, _)| *chooser == wanted);
            values.map(|(_, _, packed)| field(packed)).sum::<f64>() / f64::from(options.rounds)
        };
        Packed {
            allocation: of(|packed| packed.allocation),
            fragmentation: of(|packed| packed.fragmentation),
            unusable: of(|packed| packed.unusable),
            turned_away: of(|packed| packed.turned_away),
            card_time_turned_away: of(|packed| packed.card_time_turned_away),
        }
    })
}

fn object(packed: &Packed) -> Value {
    json!({
        "allocation": packed.allocation,
        "fragmentation": packed.fragmentation,
        "unusable": packed.unusable,
        "turned_away": packed.turned_away,
        "card_time_turned_away": packed.card_time_turned_away,
    })
}

fn shown(lang: Lang, means: &[(u32, [Packed; 2])]) -> String {
    let titles = match lang {
        Lang::Zh => ["负载", "选择者", "分配率", "碎片率", "不可用率", "拒绝的作业", "拒绝的卡时"],
        Lang::En => [
            "load",
            "chooser",
            "allocation",
            "fragmentation",
            "unusable",
            "jobs turned away",
            "card time turned away",
        ],
    };
    let percent = |share: f64| format!("{:.4} %", share * 100.0);
    let row = |load: u32, chooser: &str, packed: &Packed| {
        vec![
            format!("{:.2}", f64::from(load) / 1000.0),
            chooser.to_owned(),
            percent(packed.allocation),
            percent(packed.fragmentation),
            percent(packed.unusable),
            percent(packed.turned_away),
            percent(packed.card_time_turned_away),
        ]
    };
    let names = [pick(lang, "调度器", "planner"), pick(lang, "最佳适应", "best fit")];
    let rows = means.iter().flat_map(|(load, both)| [0, 1].map(|at| row(*load, names[at], &both[at])));
    table(&titles, rows.collect(), 2)
}
