//! Situations written as text: nodes, queues, runs and jobs, and the expected plan.
//!
//! ```text
//! nodes 2x8 rings switch=pod/a label=ssd model=x pool=1 maint=2..4
//!                           2 nodes of 8 cards; maintenance in hours from now
//! node-out 1                the second node takes no runs
//! queue a g=8 lend=2 borrow=4 max=16 w=2 cohort=1 used=5 pools=0,1
//!                           guaranteed cards, limits, weight, used card-hours
//! lends 1 4                 cohort 1 lends 4 cards to queues outside of it
//! run r a 0:4,1:4 spot end=2 since=1
//!                           holds 4 cards of nodes 0 and 1; hours from now and before now
//! job j a 2x8 urgent limit=2 age=30 max=4 excl label=ssd model=x,y tasks=3
//!                           asks for 2 nodes of 8 cards; limit in hours, age in minutes
//! policy fifo none          where it is not the default
//! > start j                 in this order, and no others
//! > preempt r               in any order, and no others
//! > wait j free_cards       the limit that binds
//! > on j 0 1                the nodes on which it starts
//! ```

use std::collections::BTreeMap;

use domain::{
    AllianceId, CardMs, CardSet, ContractId, JobId, Millis, ServiceClass,
    card::Affinity,
    node::{Slot, even_rings},
};
use scheduler::{Backfill, Cohort, Gate, Occupied, Order, Policy, Snapshot, Window, plan};

use crate::build::*;

/// Reads a situation, plans, and compares.
#[track_caller]
pub fn assert_situation(text: &str) {
    let mut scene = Scene::default();
    let mut wanted: Vec<Vec<&str>> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix('>') {
            Some(expectation) => wanted.push(expectation.split_whitespace().collect()),
            None => scene.add(&line.split_whitespace().collect::<Vec<_>>()),
        }
    }
    scene.compare(&wanted, text);
}

#[derive(Default)]
struct Scene<'t> {
    snapshot: Snapshot,
    policy: Policy,
    queues: Vec<&'t str>,
    jobs: Vec<&'t str>,
    runs: Vec<&'t str>,
}

impl<'t> Scene<'t> {
    fn add(&mut self, words: &[&'t str]) {
        match words {
            ["nodes", shape, rest @ ..] => self.nodes(shape, rest),
            ["node-out", index] => self.snapshot.nodes[number(index) as usize].takes_runs = false,
            ["queue", name, rest @ ..] => self.queue(name, rest),
            ["lends", cohort, cards] => {
                let lending_limit = Some(number(cards));
                self.snapshot.cohorts.push(Cohort { id: alliance(number(cohort)), lending_limit });
            }
            ["run", name, queue, places, rest @ ..] => self.run(name, queue, places, rest),
            ["job", name, queue, shape, rest @ ..] => self.job(name, queue, shape, rest),
            ["policy", words @ ..] => words.iter().for_each(|word| self.policy(word)),
            other => panic!("no such line: {other:?}"),
        }
    }

    fn policy(&mut self, word: &str) {
        match word {
            "fifo" => self.policy.order = Order::Fifo,
            "shortest" => self.policy.order = Order::ShortestFirst,
            "none" => self.policy.backfill = Backfill::None,
            "conservative" => self.policy.backfill = Backfill::Conservative,
            "keep" => self.policy.reclaims = false,
            other => panic!("no such policy: {other}"),
        }
    }

    fn nodes(&mut self, shape: &str, rest: &[&str]) {
        let (count, cards) = pair(shape, 'x');
        let cards = u8::try_from(cards).expect("64 cards at most");
        for _ in 0..count {
            let number_of = u32::try_from(self.snapshot.nodes.len()).expect("few nodes");
            let mut node = node_of(number_of, Affinity::Any, cards, 0, "a");
            node.rings = even_rings(cards, 4).into();
            for word in rest {
                match word.split_once('=') {
                    None if *word == "rings" => node.affinity = Affinity::Rings,
                    None if *word == "pairs" => node.affinity = Affinity::Pairs,
                    Some(("switch", name)) => node.switch = name.into(),
                    Some(("label", names)) => node.labels = names.split(',').map(Into::into).collect(),
                    Some(("model", name)) => node.model = name.into(),
                    Some(("pool", pool)) => node.pool = pool_id(number(pool)),
                    Some(("maint", hours)) => {
                        let (from, until) = hours.split_once("..").expect("from..until");
                        let at = |hours: &str| NOW.plus(Millis::from_hours(i64::from(number(hours))));
                        node.maintenance = Some(Window { from: at(from), until: at(until) });
                    }
                    _ => panic!("no such word of a node: {word}"),
                }
            }
            self.snapshot.nodes.push(node);
        }
    }

    fn queue(&mut self, name: &'t str, rest: &[&str]) {
        let mut of = queue(u32::try_from(self.queues.len()).expect("few queues"));
        self.queues.push(name);
        for word in rest {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            match key {
                "g" => of.terms.guaranteed_cards = number(value),
                "lend" => of.terms.lending_limit = Some(number(value)),
                "borrow" => of.terms.borrowing_limit = Some(number(value)),
                "max" => of.terms.max_running_cards = number(value),
                "w" => of.terms.weight = number(value),
                "cohort" => of.cohort = Some(alliance(number(value))),
                "used" => of.use_card_ms = CardMs::from_card_hours(i64::from(number(value))),
                "pools" => of.pools = value.split(',').map(|pool| pool_id(number(pool))).collect(),
                "ended" => of.gate = Gate::Ended,
                _ => panic!("no such word of a queue: {word}"),
            }
        }
        self.snapshot.queues.push(of);
    }

    fn queue_id(&self, name: &str) -> ContractId {
        let index =
            self.queues.iter().position(|of| *of == name).unwrap_or_else(|| panic!("no queue {name}"));
        queue_id(u32::try_from(index).expect("few queues"))
    }

    fn run(&mut self, name: &'t str, queue: &str, places: &str, rest: &[&str]) {
        let (mut class, mut end, mut since) = (ServiceClass::Normal, 1, 1);
        for word in rest {
            match word.split_once('=') {
                None => class = class_of(word),
                Some(("end", hours)) => end = number(hours),
                Some(("since", hours)) => since = number(hours),
                _ => panic!("no such word of a run: {word}"),
            }
        }
        let mut slots = Vec::new();
        for place in places.split(',') {
            let (node, count) = pair(place, ':');
            let node = &mut self.snapshot.nodes[node as usize];
            let cards: CardSet = node.free.lowest(count).expect("the node has so many free cards");
            node.free = node.free.without(cards);
            slots.push(Slot { node: node.id, cards });
        }
        let placement = domain::Placement(slots);
        let index = u32::try_from(self.runs.len()).expect("few runs");
        self.runs.push(name);
        self.snapshot.running.push(Occupied {
            run: run_id(index),
            job: job_id(5000 + index),
            queue: self.queue_id(queue),
            class,
            cards: placement.card_count(),
            placement,
            counted: None,
            started_at: NOW.minus(Millis::from_hours(i64::from(since))),
            expected_end: NOW.plus(Millis::from_hours(i64::from(end))),
            is_preempted: false,
        });
    }

    fn job(&mut self, name: &'t str, queue: &str, shape: &str, rest: &[&str]) {
        let (nodes, cards) = pair(shape, 'x');
        let index = u32::try_from(self.jobs.len()).expect("few jobs");
        self.jobs.push(name);
        let mut of = job(index, 0, nodes, cards);
        of.queue = self.queue_id(queue);
        // Of the jobs without an age the first is the oldest.
        of.submitted_at = NOW.minus(Millis(1000 - i64::from(index)));
        for word in rest {
            match word.split_once('=') {
                None if *word == "excl" => of.is_exclusive = true,
                None => of.class = class_of(word),
                Some(("limit", hours)) => of.time_limit = Millis::from_hours(i64::from(number(hours))),
                Some(("age", minutes)) => {
                    of.submitted_at = NOW.minus(Millis::from_secs(60 * i64::from(number(minutes))));
                }
                Some(("max", most)) => of.max_nodes = number(most),
                Some(("label", names)) => of.labels = names.split(',').map(Into::into).collect(),
                Some(("model", names)) => of.models = names.split(',').map(Into::into).collect(),
                Some(("tasks", count)) => of.tasks = number(count),
                _ => panic!("no such word of a job: {word}"),
            }
        }
        self.snapshot.waiting.push(of);
    }

    #[track_caller]
    fn compare(&self, wanted: &[Vec<&str>], text: &str) {
        let decided = plan(&self.snapshot, &self.policy, NOW);
        let job =
            |id: JobId| (0..).zip(&self.jobs).find(|(i, _)| job_id(*i) == id).map_or("?", |(_, name)| *name);
        let starts: Vec<&str> = decided.starts.iter().map(|start| job(start.job)).collect();
        let run = |id| (0..).zip(&self.runs).find(|(i, _)| run_id(*i) == id).map_or("?", |(_, name)| *name);
        let mut preempted: Vec<&str> = decided.preemptions.iter().map(|of| of.run.map_or("?", run)).collect();
        preempted.sort_unstable();
        let limits: BTreeMap<&str, String> =
            decided.verdicts.iter().map(|verdict| (job(verdict.job), verdict.code().to_owned())).collect();
        let lists = |what: &str| -> Vec<&str> {
            wanted.iter().filter(|line| line[0] == what).flat_map(|line| line[1..].iter().copied()).collect()
        };
        assert_eq!(starts, lists("start"), "what starts in\n{text}\nlimits: {limits:?}");
        let mut to_preempt = lists("preempt");
        to_preempt.sort_unstable();
        assert_eq!(preempted, to_preempt, "what is preempted in\n{text}\nlimits: {limits:?}");
        for line in wanted.iter().filter(|line| line[0] == "wait") {
            assert_eq!(
                limits.get(line[1]).map(String::as_str),
                Some(line[2]),
                "why {} waits in\n{text}",
                line[1]
            );
        }
        for line in wanted.iter().filter(|line| line[0] == "on") {
            let start = decided.starts.iter().find(|start| job(start.job) == line[1]).expect("it starts");
            let nodes = start.placement.0.iter().map(|slot| {
                let index = self.snapshot.nodes.iter().position(|node| node.id == slot.node);
                index.expect("a node of the snapshot").to_string()
            });
            assert_eq!(nodes.collect::<Vec<_>>(), line[2..], "where {} starts in\n{text}", line[1]);
        }
    }
}

fn alliance(number: u32) -> AllianceId {
    let mut random = [0; 10];
    random[6..].copy_from_slice(&number.to_be_bytes());
    AllianceId::new(NOW, random)
}

fn class_of(word: &str) -> ServiceClass {
    let class = ServiceClass::ALL.into_iter().find(|class| class.code() == word);
    class.unwrap_or_else(|| panic!("no such word: {word}"))
}

fn number(text: &str) -> u32 {
    text.parse().unwrap_or_else(|_| panic!("no number: {text}"))
}

fn pair(text: &str, between: char) -> (u32, u32) {
    let (first, second) = text.split_once(between).unwrap_or_else(|| panic!("no pair: {text}"));
    (number(first), number(second))
}
