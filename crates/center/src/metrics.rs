//! Counters for Prometheus.

use base::loops::LoopView;
use domain::RunState;
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
use store::ledger::Turnover;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OutcomeLabel {
    pub outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AccountLabel {
    pub account: &'static str,
    pub unit: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CardLabel {
    pub state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct LoopLabel {
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CallLabel {
    pub call: String,
}

/// Figures that are counted only when somebody asks for them.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    pub cards: [(&'static str, u64); 4],
    pub jobs_waiting: u64,
    pub runs_alive: u64,
    pub commits: u64,
    /// Changes in these commits.
    pub changes: u64,
    /// The turnovers of the center's own accounts.
    pub turnovers: Vec<Turnover>,
    pub loops: Vec<LoopView>,
    /// The kinds of calls to Slurm, each with the number of calls since the start.
    pub slurm_calls: Vec<(String, u64)>,
}

#[derive(Debug)]
pub struct Metrics {
    pub jobs_submitted: Counter,
    pub runs_started: Counter,
    pub runs_ended: Family<OutcomeLabel, Counter>,
    ledger_credits: Family<AccountLabel, Counter>,
    ledger_debits: Family<AccountLabel, Counter>,
    pub plan_seconds: Histogram,
    pub clock_jumps: Counter,
    cards: Family<CardLabel, Gauge>,
    jobs_waiting: Gauge,
    runs_alive: Gauge,
    commits: Gauge,
    commit_closures: Gauge,
    loop_since_good: Family<LoopLabel, Gauge>,
    loop_failures: Family<LoopLabel, Counter>,
    slurm_calls: Family<CallLabel, Counter>,
}

impl Metrics {
    /// All counters at 0, in that registry.
    pub fn new(registry: &mut Registry) -> Self {
        let metrics = Self {
            jobs_submitted: Counter::default(),
            runs_started: Counter::default(),
            runs_ended: Family::default(),
            ledger_credits: Family::default(),
            ledger_debits: Family::default(),
            clock_jumps: Counter::default(),
            plan_seconds: Histogram::new(exponential_buckets(0.000_1, 4.0, 9)),
            cards: Family::default(),
            jobs_waiting: Gauge::default(),
            runs_alive: Gauge::default(),
            commits: Gauge::default(),
            commit_closures: Gauge::default(),
            loop_since_good: Family::default(),
            loop_failures: Family::default(),
            slurm_calls: Family::default(),
        };
        registry.register("jobs_submitted", "Jobs kept since the start", metrics.jobs_submitted.clone());
        registry.register("runs_started", "Runs started since the start", metrics.runs_started.clone());
        registry.register("runs_ended", "Runs ended since the start, by outcome", metrics.runs_ended.clone());
        registry.register(
            "ledger_credits",
            "What was moved into each account of the center, in card-milliseconds or micro-CNY, since its beginning",
            metrics.ledger_credits.clone(),
        );
        registry.register(
            "ledger_debits",
            "What was moved out of each account of the center, in card-milliseconds or micro-CNY, since its beginning",
            metrics.ledger_debits.clone(),
        );
        registry.register(
            "clock_jumps",
            "How often the machine's clock was set since the start",
            metrics.clock_jumps.clone(),
        );
        registry.register("plan_seconds", "Time to make a plan", metrics.plan_seconds.clone());
        registry.register("cards", "Cards, by state", metrics.cards.clone());
        registry.register("jobs_waiting", "Jobs with tasks that wait", metrics.jobs_waiting.clone());
        registry.register("runs_alive", "Runs that have not ended", metrics.runs_alive.clone());
        registry.register("store_commits", "Commits since the start", metrics.commits.clone());
        registry.register("store_changes", "Changes in those commits", metrics.commit_closures.clone());
        registry.register(
            "loop_since_good_seconds",
            "Seconds since the last good turn of each loop",
            metrics.loop_since_good.clone(),
        );
        registry.register(
            "loop_failures",
            "Turns of each loop that failed since the start",
            metrics.loop_failures.clone(),
        );
        registry.register(
            "slurm_calls",
            "What was asked of Slurm since the start",
            metrics.slurm_calls.clone(),
        );
        metrics
    }

    /// A run ended.
    pub fn run_ended(&self, state: RunState) {
        if let Some(outcome) = state.outcome() {
            self.runs_ended.get_or_create(&OutcomeLabel { outcome: outcome.code().0 }).inc();
        }
    }

    /// Takes in figures that are counted when somebody asks for them.
    pub fn take(&self, figures: &Figures) {
        let gauge = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        for &(state, cards) in &figures.cards {
            self.cards.get_or_create(&CardLabel { state }).set(gauge(cards));
        }
        self.jobs_waiting.set(gauge(figures.jobs_waiting));
        self.runs_alive.set(gauge(figures.runs_alive));
        self.commits.set(gauge(figures.commits));
        self.commit_closures.set(gauge(figures.changes));
        for &Turnover { account, unit, debits, credits } in &figures.turnovers {
            let label = AccountLabel { account: account.code(), unit: unit.code() };
            raise(&self.ledger_debits.get_or_create_owned(&label), u64::try_from(debits).unwrap_or(0));
            raise(&self.ledger_credits.get_or_create_owned(&label), u64::try_from(credits).unwrap_or(0));
        }
        for known in &figures.loops {
            let label = LoopLabel { name: known.name.clone() };
            self.loop_since_good.get_or_create(&label).set(known.since_good_ms.as_secs());
            raise(&self.loop_failures.get_or_create(&label), known.failures);
        }
        for (call, count) in &figures.slurm_calls {
            raise(&self.slurm_calls.get_or_create_owned(&CallLabel { call: call.clone() }), *count);
        }
    }
}

/// Raises a counter to what was counted elsewhere. Two may ask at once, and a counter never goes back.
fn raise(counter: &Counter, count: u64) {
    counter.inner().fetch_max(count, std::sync::atomic::Ordering::Relaxed);
}
