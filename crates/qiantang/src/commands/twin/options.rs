//! Options of the twin's commands.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use domain::{Both, MicroCny, ServiceClass, both, card::Affinity};
use twin::{QueueSetup, ReplayPolicy};

/// The digital twin: replay traces, compare policies and sizes, make workloads.
#[derive(Debug, Subcommand)]
pub enum Twin {
    /// Replay a trace under one policy.
    Replay(Box<Replay>),
    /// Replay a trace under several policies and sizes, side by side.
    Compare(Box<Compare>),
    /// Ask what would be if the center or its demand changed: now, and then.
    Grow(Box<Grow>),
    /// Make a workload that is like a trace, of any length and demand.
    Generate(Generate),
    /// Fill a hall beyond what it can take, and see how tightly the planner packs it, beside plain best fit.
    Pack(Pack),
}

/// A trace and how to read it.
#[derive(Debug, Args)]
pub struct Input {
    /// The trace: SWF, an openb list of pods, `sacct -P`, or this platform's CSV, also as gz; `-` reads standard input.
    pub trace: PathBuf,
    /// The format; found by what the trace looks like where left out.
    #[arg(long, value_parser = ["swf", "openb", "sacct", "csv"])]
    pub format: Option<String>,
}

/// The hall that is replayed: its cards and nodes, queues, failures, prices and power.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("failing").multiple(true))]
pub struct Hall {
    /// How many cards there are; as many as the trace says, where left out.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "nodes")]
    pub cards: Option<u32>,
    /// How many nodes there are, with --cards-per-node cards each; jobs are then placed on nodes, not on a count of cards.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub nodes: Option<u32>,
    /// How many cards each node has.
    #[arg(long, requires = "nodes", conflicts_with = "cards", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub cards_per_node: u8,
    /// How the cards of a node may be shared out: any, rings (of four) or pairs.
    #[arg(long, requires = "nodes", conflicts_with = "cards", default_value = "any", value_parser = affinity)]
    pub affinity: Affinity,
    /// How many nodes are behind one switch.
    #[arg(long, requires = "nodes", conflicts_with = "cards", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..))]
    pub nodes_per_switch: u32,
    /// The terms of a queue, such as NAME:weight=2,guaranteed=64,borrowing=8,lending=0,alliance=1. NAME:shut
    /// lets none of its jobs start, NAME:unpriced=spot none of that class. May be given again for another
    /// queue.
    #[arg(long = "queue", value_name = "NAME:KEY=N,…", value_parser = queue)]
    pub queues: Vec<(String, QueueSetup)>,
    /// After how many hours a node fails, on average; only with --nodes.
    #[arg(long, group = "failing", requires = "nodes", conflicts_with = "cards", value_name = "HOURS", value_parser = clap::value_parser!(i64).range(1..=1_000_000))]
    pub mtbf_h: Option<i64>,
    /// How many hours a node that failed is out.
    #[arg(long, requires = "failing", default_value_t = 4, value_name = "HOURS", value_parser = clap::value_parser!(i64).range(1..=10_000))]
    pub repair_h: i64,
    /// The seed of what is drawn at random: failures, and the jobs of more demand.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// After how many hours past use counts half, under fair share.
    #[arg(long, default_value_t = 168, value_name = "HOURS", value_parser = clap::value_parser!(i64).range(1..=1_000_000))]
    pub half_life_h: i64,
    /// The price of a card-hour, in yuan.
    #[arg(long, default_value = "5", value_name = "YUAN", value_parser = price)]
    pub price: MicroCny,
    /// How many watts a card draws at work.
    #[arg(long, default_value_t = 310)]
    pub tdp_w: u32,
    /// How many watts the center draws for each watt of its cards.
    #[arg(long, default_value = "1.25", value_parser = thousandths)]
    pub pue: u32,
}

/// Where the results go.
#[derive(Debug, Args)]
pub struct Results {
    /// Write a CSV with a row for each job: when it was submitted, started and ended, and its cards.
    #[arg(long, value_name = "FILE")]
    pub jobs_csv: Option<PathBuf>,
    /// Write a report with plots, in one file that needs nothing else.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Replay {
    #[command(flatten)]
    pub input: Input,
    #[command(flatten)]
    pub hall: Hall,
    /// The policy: fcfs, easy, conservative, sjf, fair-share, or an order and a backfill, such as fair-share+easy.
    #[arg(long, default_value = "easy")]
    pub policy: ReplayPolicy,
    /// Show how well the forecasts and promises that waiting jobs would have been told came true.
    #[arg(long)]
    pub forecasts: bool,
    #[command(flatten)]
    pub results: Results,
}

#[derive(Debug, Args)]
pub struct Compare {
    #[command(flatten)]
    pub input: Input,
    #[command(flatten)]
    pub hall: Hall,
    /// The policies to compare, with commas between.
    #[arg(long, value_delimiter = ',', default_value = "fcfs,easy,sjf+easy,fair-share+easy")]
    pub policies: Vec<ReplayPolicy>,
    /// More sizes to compare, in cards.
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..))]
    pub sizes: Vec<u32>,
    /// Write a report with plots, in one file that needs nothing else.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Grow {
    #[command(flatten)]
    pub input: Input,
    #[command(flatten)]
    pub hall: Hall,
    /// The policy now.
    #[arg(long, default_value = "easy")]
    pub policy: ReplayPolicy,
    /// How many cards to add; with --nodes, as many whole nodes as have them.
    #[arg(long, default_value_t = 0)]
    pub add_cards: u32,
    /// How many nodes to add.
    #[arg(long, default_value_t = 0, requires = "nodes", conflicts_with = "cards")]
    pub add_nodes: u32,
    /// How many times today's demand: 1.5 submits half as many jobs again.
    #[arg(long, default_value = "1", value_parser = thousandths)]
    pub demand: u32,
    /// The price of a card-hour then, in yuan.
    #[arg(long, value_name = "YUAN", value_parser = price)]
    pub then_price: Option<MicroCny>,
    /// The policy then; the same as now where left out.
    #[arg(long)]
    pub then_policy: Option<ReplayPolicy>,
    /// The terms of a queue then, in place of those that --queue gives it.
    #[arg(long = "then-queue", value_name = "NAME:KEY=N,…", value_parser = queue)]
    pub then_queues: Vec<(String, QueueSetup)>,
    /// After how many hours a node fails then, on average.
    #[arg(long, group = "failing", requires = "nodes", conflicts_with = "cards", value_name = "HOURS", value_parser = clap::value_parser!(i64).range(1..=1_000_000))]
    pub then_mtbf_h: Option<i64>,
    #[command(flatten)]
    pub results: Results,
}

#[derive(Debug, Args)]
pub struct Generate {
    #[command(flatten)]
    pub input: Input,
    /// The file to write, as this platform's CSV; `-` writes standard output.
    #[arg(long, short)]
    pub out: PathBuf,
    /// The seed of what is drawn at random; the same seed makes the same workload.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many days it lasts; as long as the trace, where left out.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub days: Option<u32>,
    /// How many times as many jobs a day as in the trace.
    #[arg(long, default_value = "1", value_parser = thousandths)]
    pub demand: u32,
    /// How many times as many cards a job as in the trace.
    #[arg(long, default_value = "1", value_parser = thousandths)]
    pub cards_scale: u32,
}

#[derive(Debug, Args)]
pub struct Pack {
    #[command(flatten)]
    pub input: Input,
    /// The nodes of the hall: a CSV file with a line for each, its cards in `cards` or `gpu`, and its `model`.
    #[arg(long, value_name = "FILE")]
    pub node_list: PathBuf,
    /// How many times as many cards are asked for as there are; several loads, with commas between.
    #[arg(long, value_delimiter = ',', default_value = "1.5,2,3", value_parser = thousandths)]
    pub loads: Vec<u32>,
    /// How many jobs come, drawn from the trace; the hall must have had time to fill up halfway through.
    #[arg(long, default_value_t = 600_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub jobs: u32,
    /// How many times each load is tried, with other draws.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: u32,
    /// The seed of what is drawn at random; the same seed draws the same jobs.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Yuan, not below zero.
fn price(text: &str) -> Result<MicroCny, Both> {
    let price: MicroCny = text
        .parse()
        .map_err(|_| both("不是以元为单位的金额", format!("`{text}` is not an amount in yuan")))?;
    if price < MicroCny::ZERO {
        Err(both("价格不能低于零", "a price is not below zero"))
    } else {
        Ok(price)
    }
}

fn affinity(text: &str) -> Result<Affinity, Both> {
    match text {
        "any" => Ok(Affinity::Any),
        "rings" => Ok(Affinity::Rings),
        "pairs" => Ok(Affinity::Pairs),
        other => Err(both("应为 any、rings 或 pairs", format!("`{other}` is not any, rings or pairs"))),
    }
}

/// `NAME:weight=2,guaranteed=64`, `NAME:shut`, `NAME:unpriced=spot`. The name may hold colons: the last one counts.
fn queue(text: &str) -> Result<(String, QueueSetup), Both> {
    let no_colon = || both("队列名称后面没有 `:`", format!("`{text}` has no `:` after the queue's name"));
    let (name, terms) = text.rsplit_once(':').ok_or_else(no_colon)?;
    let mut setup = QueueSetup::default();
    for term in terms.split(',') {
        if term == "shut" {
            setup.is_shut = true;
            continue;
        }
        let no_term = || {
            both(format!("`{term}` 不是 KEY=NUMBER 或 shut"), format!("`{term}` is not KEY=NUMBER or shut"))
        };
        let (key, value) = term.split_once('=').ok_or_else(no_term)?;
        if key == "unpriced" {
            let class = ServiceClass::from_code(value).ok_or_else(|| {
                both(
                    format!("`{value}` 不是 urgent、normal 或 spot"),
                    format!("`{value}` is not urgent, normal or spot"),
                )
            })?;
            setup.unpriced[class as usize] = true;
            continue;
        }
        let no_number = |_| {
            both(format!("{key} 的 `{value}` 不是整数"), format!("`{value}` of {key} is not a whole number"))
        };
        let number: u32 = value.parse().map_err(no_number)?;
        match key {
            "weight" if number > 0 => setup.weight = number,
            "weight" => return Err(both("weight 至少为 1", "a weight is at least 1")),
            "guaranteed" => setup.guaranteed_cards = number,
            "borrowing" => setup.borrowing_limit = Some(number),
            "lending" => setup.lending_limit = Some(number),
            "alliance" => {
                let too_large = |_| both("alliance 为 0 至 255", "alliances are numbered 0 to 255");
                setup.alliance = Some(u8::try_from(number).map_err(too_large)?);
            }
            other => {
                return Err(both(
                    format!(
                        "`{other}` 不是 weight、guaranteed、borrowing、lending、alliance、unpriced 或 shut"
                    ),
                    format!(
                        "`{other}` is not weight, guaranteed, borrowing, lending, alliance, unpriced or shut"
                    ),
                ));
            }
        }
    }
    Ok((name.to_owned(), setup))
}

/// A number with at most three places, from 0.001 to 1000, in thousandths.
fn thousandths(text: &str) -> Result<u32, Both> {
    let (whole, places) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{places:0<3}");
    let known = places.len() <= 3 && !whole.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number =
        known.then(|| digits.parse().ok()).flatten().filter(|number| (1..=1_000_000).contains(number));
    number.ok_or_else(|| {
        both(
            "应为 0.001 至 1000 之间、最多三位小数的数",
            format!("`{text}` is not a number from 0.001 to 1000 with at most three places"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_reads_as_its_type() {
        for words in [
            "replay t.swf --nodes 4 --cards-per-node 8 --affinity rings --nodes-per-switch 2 --policy sjf+easy --pue 1.1 --tdp-w 400",
            "compare t.swf --cards 8 --policies fcfs,easy --sizes 16,32 --html r.html --half-life-h 24 --price 4.5",
            "grow t.swf --add-cards 8 --demand 1.5 --then-price 3 --seed 2 --jobs-csv j.csv --queue a:b:weight=2,guaranteed=8",
            "grow t.swf --nodes 4 --add-nodes 2 --mtbf-h 1000 --then-mtbf-h 500 --repair-h 2 --then-policy fcfs --then-queue a:lending=0",
            "pack t.csv --node-list n.csv --loads 1.5,2 --jobs 1000 --rounds 2 --seed 3",
            "generate t.swf -o - --seed 2 --days 3 --demand 2 --cards-scale 0.5 --format swf",
        ] {
            let words = ["qiantang", "twin"].into_iter().chain(words.split(' '));
            let read = <crate::cli::Cli as clap::Parser>::try_parse_from(words);
            assert!(read.is_ok(), "{}", read.unwrap_err());
        }
    }

    #[test]
    fn an_option_without_what_it_is_about_is_refused() {
        for words in [
            "replay t.swf --cards 8 --cards-per-node 8",
            "replay t.swf --affinity rings",
            "replay t.swf --nodes-per-switch 2",
            "replay t.swf --nodes 4 --repair-h 2",
            "replay t.swf --cards 8 --mtbf-h 9",
            "grow t.swf --cards 8 --then-mtbf-h 9",
            "grow t.swf --cards 8 --add-nodes 2",
            "replay t.swf --price=-1",
            "replay t.swf --half-life-h=-1",
            "grow t.swf --then-price=-0.5",
        ] {
            let words = ["qiantang", "twin"].into_iter().chain(words.split(' '));
            let read = <crate::cli::Cli as clap::Parser>::try_parse_from(words.clone());
            assert!(read.is_err(), "{:?}", words.collect::<Vec<_>>());
        }
    }

    #[test]
    fn queues_read() {
        let of = |guaranteed_cards| QueueSetup { guaranteed_cards, ..QueueSetup::default() };
        assert_eq!(queue("a:guaranteed=8"), Ok(("a".into(), of(8))));
        let all = QueueSetup {
            weight: 2,
            guaranteed_cards: 8,
            borrowing_limit: Some(4),
            lending_limit: Some(0),
            alliance: Some(3),
            is_shut: true,
            unpriced: [true, false, true],
        };
        assert_eq!(
            queue(
                "x:y:weight=2,guaranteed=8,borrowing=4,lending=0,alliance=3,shut,unpriced=spot,unpriced=urgent"
            ),
            Ok(("x:y".into(), all))
        );
        for bad in [
            "a",
            "a:",
            "a:weight",
            "a:weight=0",
            "a:weight=-1",
            "a:alliance=256",
            "a:colour=1",
            "a:shut=1",
            "a:unpriced=dear",
        ] {
            assert!(queue(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn factors_read() {
        for (text, number) in [("1", 1000), ("1.5", 1500), ("0.001", 1), ("1000", 1_000_000), ("2.25", 2250)]
        {
            assert_eq!(thousandths(text), Ok(number));
        }
        for bad in ["", "0", "-1", "1.0001", "1001", ".5", "1e3", "99999999999999"] {
            assert!(thousandths(bad).is_err(), "{bad}");
        }
    }
}
