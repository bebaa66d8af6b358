//! Counters for Prometheus.

use std::sync::Mutex;

use domain::{CardMs, MicroCny, RunState};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

use crate::center::Center;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OutcomeLabel {
    pub outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CardLabel {
    pub state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabel {
    pub status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CallLabel {
    pub call: String,
}

#[derive(Debug)]
pub struct Metrics {
    registry: Mutex<Registry>,
    pub jobs_submitted: Counter,
    pub runs_started: Counter,
    pub runs_ended: Family<OutcomeLabel, Counter>,
    pub used_card_ms: Counter,
    pub charged_micro_cny: Counter,
    pub plan_seconds: Histogram,
    pub requests: Family<RequestLabel, Counter>,
    cards: Family<CardLabel, Gauge>,
    jobs_waiting: Gauge,
    runs_alive: Gauge,
    commits: Gauge,
    commit_closures: Gauge,
    slurm_calls: Family<CallLabel, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    pub fn new() -> Self {
        let metrics = Self {
            registry: Mutex::default(),
            jobs_submitted: Counter::default(),
            runs_started: Counter::default(),
            runs_ended: Family::default(),
            used_card_ms: Counter::default(),
            charged_micro_cny: Counter::default(),
            plan_seconds: Histogram::new(exponential_buckets(0.000_1, 4.0, 9)),
            requests: Family::default(),
            cards: Family::default(),
            jobs_waiting: Gauge::default(),
            runs_alive: Gauge::default(),
            commits: Gauge::default(),
            commit_closures: Gauge::default(),
            slurm_calls: Family::default(),
        };
        let mut registry = Registry::with_prefix("qiantang");
        registry.register("jobs_submitted", "Jobs kept since the start", metrics.jobs_submitted.clone());
        registry.register("runs_started", "Runs started since the start", metrics.runs_started.clone());
        registry.register("runs_ended", "Runs ended since the start, by outcome", metrics.runs_ended.clone());
        registry.register(
            "used_card_ms",
            "Card-milliseconds of runs that ended",
            metrics.used_card_ms.clone(),
        );
        registry.register(
            "charged_micro_cny",
            "Micro-CNY charged for runs that ended",
            metrics.charged_micro_cny.clone(),
        );
        registry.register("plan_seconds", "Time to make a plan", metrics.plan_seconds.clone());
        registry.register("http_requests", "Requests answered, by status", metrics.requests.clone());
        registry.register("cards", "Cards, by state", metrics.cards.clone());
        registry.register("jobs_waiting", "Jobs with tasks that wait", metrics.jobs_waiting.clone());
        registry.register("runs_alive", "Runs that have not ended", metrics.runs_alive.clone());
        registry.register("store_commits", "Commits since the start", metrics.commits.clone());
        registry.register("store_changes", "Changes in those commits", metrics.commit_closures.clone());
        registry.register(
            "slurm_calls",
            "What was asked of Slurm since the start",
            metrics.slurm_calls.clone(),
        );
        *metrics.registry.lock().expect("not poisoned") = registry;
        metrics
    }

    /// A run ended: how, and what it used and cost since it was last metered.
    pub fn run_ended(&self, state: RunState, used: CardMs, charged: MicroCny) {
        if let Some(outcome) = state.outcome() {
            self.runs_ended.get_or_create(&OutcomeLabel { outcome: outcome.code().0 }).inc();
        }
        self.used_card_ms.inc_by(u64::try_from(used.0).unwrap_or(0));
        self.charged_micro_cny.inc_by(u64::try_from(charged.0).unwrap_or(0));
    }

    /// All of it as Prometheus reads it.
    pub fn render(&self, center: &Center) -> String {
        self.look(center);
        let mut text = String::new();
        let registry = self.registry.lock().expect("not poisoned");
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("a string takes any text");
        text
    }

    fn look(&self, center: &Center) {
        let mut counts = [("busy", 0), ("idle", 0), ("drained", 0), ("failed", 0)];
        let live = center.live();
        for known in live.nodes.values() {
            let busy = i64::from(known.busy.len());
            let free = match known.node.state.code() {
                "up" => 1,
                "drained" => 2,
                _ => 3,
            };
            counts[0].1 += busy;
            counts[free].1 += i64::from(known.node.cards) - busy;
        }
        for (state, cards) in counts {
            self.cards.get_or_create(&CardLabel { state }).set(cards);
        }
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        self.jobs_waiting.set(count(live.jobs.values().filter(|job| job.job.tasks.waiting() > 0).count()));
        self.runs_alive.set(count(live.runs.len()));
        let stats = center.store.stats();
        self.commits.set(i64::try_from(stats.commits).unwrap_or(i64::MAX));
        self.commit_closures.set(i64::try_from(stats.closures).unwrap_or(i64::MAX));
        for (call, count) in center.slurm.iter().flat_map(|engine| engine.calls()) {
            let counter = self.slurm_calls.get_or_create_owned(&CallLabel { call });
            // Two may look at once, and it never goes back.
            counter.inner().fetch_max(count, std::sync::atomic::Ordering::Relaxed);
        }
    }
}
