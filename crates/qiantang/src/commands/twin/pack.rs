//! `twin pack`: how tightly the planner fills a hall, beside plain best fit.

use std::{fs::File, io::BufReader, sync::mpsc};

use domain::{Lang, both};
use serde_json::{Map, Value, json};
use twin::{
    Faults, HallNode, Trace,
    pack::{Chooser, Packed, Pressure, pack},
    read_nodes,
};

use super::{
    options::Pack,
    screen::{Screen, add_faults, not_opened, read, tell_faults},
};
use crate::{
    context::{Done, say},
    errors::Failure,
    output::{pick, table},
};

const CHOOSERS: [Chooser; 2] = [Chooser::Planner, Chooser::BestFit];

pub(super) fn run(screen: &Screen, options: &Pack) -> Done {
    let (trace, faults) = read(screen, &options.input)?;
    let (nodes, node_faults) = nodes(screen, options)?;
    let outcomes: Vec<Outcome> =
        options.loads.iter().map(|load| outcome(&trace, &nodes, options, *load)).collect();
    if screen.json {
        let row = |of: &Outcome| {
            json!({
                "load": f64::from(of.load_milli) / 1000.0,
                "planner": object(&of.means[0]),
                "best_fit": object(&of.means[1]),
                "difference": object(&of.difference),
                "standard_error": of.error.as_ref().map(object),
            })
        };
        let rows: Vec<Value> = outcomes.iter().map(row).collect();
        let cards: u32 = nodes.iter().map(|node| u32::from(node.cards)).sum();
        let mut answer = json!({ "nodes": nodes.len(), "cards": cards, "loads": rows });
        add_faults(&mut answer, &faults);
        answer["bad_lines_of_nodes"] = json!(node_faults.bad);
        say(&answer.to_string())
    } else {
        say(&shown(screen.lang, &outcomes))
    }
}

fn nodes(screen: &Screen, options: &Pack) -> Result<(Vec<HallNode>, Faults), Failure> {
    let name = options.node_list.display();
    let hint = both(
        "每行一个节点的 CSV，列 cards 或 gpu（docs/twin.md）",
        "a CSV with a line a node and a column cards or gpu (docs/twin.md)",
    );
    let file = File::open(&options.node_list)
        .map_err(|error| Failure::usage("no_node_list", not_opened(&name, &error), hint.clone()))?;
    let mut faults = Faults::default();
    let nodes = read_nodes(BufReader::new(file), &mut faults);
    tell_faults(screen, &options.node_list, &faults);
    if nodes.is_empty() {
        let message = both(format!("{name} 中没有带加速卡的节点"), format!("{name} has no nodes with cards"));
        return Err(Failure::usage("no_nodes", message, hint));
    }
    Ok((nodes, faults))
}

/// The results of all rounds at one load.
struct Outcome {
    load_milli: u32,
    /// Means, as in [`CHOOSERS`].
    means: [Packed; 2],
    /// Planner less best fit, in the same rounds: the mean, and its standard error; that is none of one round.
    difference: Packed,
    error: Option<Packed>,
}

/// The rounds run side by side; in each, both choosers meet the same jobs.
fn outcome(trace: &Trace, nodes: &[HallNode], options: &Pack, load_milli: u32) -> Outcome {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (done, results) = mpsc::channel();
    std::thread::scope(|scope| {
        for share in 0..threads {
            let done = done.clone();
            scope.spawn(move || {
                for round in (0..options.rounds).skip(share).step_by(threads) {
                    let seed = options.seed.wrapping_add(u64::from(round));
                    let pressure = Pressure { seed, jobs: options.jobs, load_milli };
                    let _ = done.send((round, CHOOSERS.map(|chooser| pack(trace, nodes, pressure, chooser))));
                }
            });
        }
    });
    drop(done);
    let mut rounds: Vec<(u32, [Packed; 2])> = results.into_iter().collect();
    // Sums of floats depend on their order: always the same one.
    rounds.sort_by_key(|(round, _)| *round);
    let count = f64::from(options.rounds);
    let mean = |of: &dyn Fn(&[Packed; 2], Field) -> f64| {
        each(|field| rounds.iter().map(|(_, both)| of(both, field)).sum::<f64>() / count)
    };
    let less = |both: &[Packed; 2], field: Field| field(&both[0]) - field(&both[1]);
    let difference = mean(&less);
    let variance = mean(&|both, field| (less(both, field) - field(&difference)).powi(2));
    let error = each(|field| (field(&variance) / (count - 1.0)).sqrt());
    let means = [0, 1].map(|chooser| mean(&|both, field| field(&both[chooser])));
    Outcome { load_milli, means, difference, error: (options.rounds > 1).then_some(error) }
}

type Field = fn(&Packed) -> f64;

/// A figure for each of those of a round.
fn each(of: impl Fn(Field) -> f64) -> Packed {
    let [allocation, fragmentation, unusable, turned_away, card_time_turned_away] =
        FIELDS.map(|(_, field)| of(field));
    Packed { allocation, fragmentation, unusable, turned_away, card_time_turned_away }
}

const FIELDS: [(&str, Field); 5] = [
    ("allocation", |packed| packed.allocation),
    ("fragmentation", |packed| packed.fragmentation),
    ("unusable", |packed| packed.unusable),
    ("turned_away", |packed| packed.turned_away),
    ("card_time_turned_away", |packed| packed.card_time_turned_away),
];

fn object(packed: &Packed) -> Value {
    FIELDS
        .iter()
        .map(|(name, field)| ((*name).to_owned(), json!(field(packed))))
        .collect::<Map<_, _>>()
        .into()
}

fn shown(lang: Lang, outcomes: &[Outcome]) -> String {
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
    let percent = |packed: &Packed, shown: &dyn Fn(f64) -> String| {
        FIELDS.map(|(_, field)| shown(field(packed) * 100.0)).to_vec()
    };
    let plain = |packed: &Packed| percent(packed, &|share| format!("{share:.4} %"));
    let rows = outcomes.iter().flat_map(|outcome| {
        let load = format!("{:.2}", f64::from(outcome.load_milli) / 1000.0);
        let [planner, best_fit] = &outcome.means;
        let mut rows = vec![
            (pick(lang, "调度器", "planner"), plain(planner)),
            (pick(lang, "最佳适应", "best fit"), plain(best_fit)),
            (pick(lang, "差", "difference"), percent(&outcome.difference, &|share| format!("{share:+.4} %"))),
        ];
        if let Some(error) = &outcome.error {
            rows.push((
                pick(lang, "标准误差", "standard error"),
                percent(error, &|share| format!("±{share:.4} %")),
            ));
        }
        let whole = move |(name, figures): (&str, Vec<String>)| {
            [vec![load.clone(), name.to_owned()], figures].concat()
        };
        rows.into_iter().map(whole).collect::<Vec<_>>()
    });
    table(&titles, rows.collect(), 2)
}
