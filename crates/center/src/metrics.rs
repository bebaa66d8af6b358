//! Counters for Prometheus.

use std::collections::BTreeMap;

use crate::disk::rule::Disk;
use base::loops::LoopView;
use domain::{RunState, Timestamp};
use parking_lot::Mutex;
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
pub struct DiskLabel {
    pub disk: &'static str,
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
    /// Seconds since the newest backup, and its bytes.
    pub backup: (u64, u64),
    /// Days until the center's certificate expires, where it has one.
    pub certificate_days: Option<i64>,
    pub disks: Vec<Disk>,
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
    backup_age: Gauge,
    backup_bytes: Gauge,
    certificate_days: Gauge,
    certificate_expires_at: Mutex<Option<Timestamp>>,
    disk_size: Family<DiskLabel, Gauge>,
    disk_free: Family<DiskLabel, Gauge>,
    disk_floor: Family<DiskLabel, Gauge>,
    disk_full: Family<DiskLabel, Gauge>,
    slurm_calls: Family<CallLabel, Counter>,
}

impl Metrics {
    /// When the certificate that the center shows expires.
    pub fn certificate_expires(&self, at: Timestamp) {
        *self.certificate_expires_at.lock() = Some(at);
    }

    pub fn certificate_expires_at(&self) -> Option<Timestamp> {
        *self.certificate_expires_at.lock()
    }

    /// All counters at 0, in that registry. Days of a certificate are told where the center has one.
    pub fn new(registry: &mut Registry, has_certificate: bool) -> Self {
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
            backup_age: Gauge::default(),
            backup_bytes: Gauge::default(),
            certificate_days: Gauge::default(),
            certificate_expires_at: Mutex::default(),
            disk_size: Family::default(),
            disk_free: Family::default(),
            disk_floor: Family::default(),
            disk_full: Family::default(),
            slurm_calls: Family::default(),
        };
        registry.register("jobs_submitted", "Jobs kept since the start", metrics.jobs_submitted.clone());
        registry.register("runs_started", "Runs started since the start", metrics.runs_started.clone());
        registry.register("runs_ended", "Runs ended since the start, by outcome", metrics.runs_ended.clone());
        registry.register(
            "ledger_credits",
            "Amounts moved into each account of the center since its beginning, in card-milliseconds or micro-CNY",
            metrics.ledger_credits.clone(),
        );
        registry.register(
            "ledger_debits",
            "Amounts moved out of each account of the center since its beginning, in card-milliseconds or micro-CNY",
            metrics.ledger_debits.clone(),
        );
        registry.register(
            "clock_jumps",
            "Times that the machine's clock was set since the start",
            metrics.clock_jumps.clone(),
        );
        registry.register("plan_seconds", "Time to make a plan", metrics.plan_seconds.clone());
        registry.register(
            "cards",
            "Cards, by state: `busy`, `idle`, `drained`, `failed`",
            metrics.cards.clone(),
        );
        registry.register("jobs_waiting", "Jobs with tasks that wait", metrics.jobs_waiting.clone());
        registry.register("runs_alive", "Runs that have not ended", metrics.runs_alive.clone());
        registry.register("store_commits", "Commits since the start", metrics.commits.clone());
        registry.register(
            "store_changes",
            "Changes in those commits: more than one a commit is the group commit at work",
            metrics.commit_closures.clone(),
        );
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
        let disk: [(&str, &str, _); 4] = [
            (
                "disk_size_bytes",
                "The size of each disk that the center and its runs write to",
                &metrics.disk_size,
            ),
            ("disk_free_bytes", "What is free of it", &metrics.disk_free),
            ("disk_floor_bytes", "What must stay free of it", &metrics.disk_floor),
            ("disk_full", "1 while it has less free than that: nothing starts", &metrics.disk_full),
        ];
        for (name, help, family) in disk {
            registry.register(name, help, family.clone());
        }
        registry.register(
            "backup_age_seconds",
            "Seconds since the newest backup in the folder for them was made; since the center's first day where there is none",
            metrics.backup_age.clone(),
        );
        registry.register("backup_size_bytes", "Size of that backup", metrics.backup_bytes.clone());
        if has_certificate {
            registry.register(
                "certificate_days_left",
                "Whole days until the center's certificate expires; only where it speaks HTTPS",
                metrics.certificate_days.clone(),
            );
        }
        registry.register(
            "slurm_calls",
            "Calls to Slurm since the start, by the command, or the way in slurmrestd",
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
        // Those of all pots are one, and those of all vouchers.
        let mut turnovers: BTreeMap<_, (i64, i64)> = BTreeMap::new();
        for &Turnover { account, unit, debits, credits } in &figures.turnovers {
            let sums = turnovers.entry((account.name().code(), unit.code())).or_default();
            *sums = (sums.0.saturating_add(debits), sums.1.saturating_add(credits));
        }
        for ((account, unit), (debits, credits)) in turnovers {
            let label = AccountLabel { account, unit };
            raise(&self.ledger_debits.get_or_create_owned(&label), u64::try_from(debits).unwrap_or(0));
            raise(&self.ledger_credits.get_or_create_owned(&label), u64::try_from(credits).unwrap_or(0));
        }
        for known in &figures.loops {
            let label = LoopLabel { name: known.name.clone() };
            self.loop_since_good.get_or_create(&label).set(known.since_good_ms.as_secs());
            raise(&self.loop_failures.get_or_create(&label), known.failures);
        }
        self.backup_age.set(gauge(figures.backup.0));
        self.backup_bytes.set(gauge(figures.backup.1));
        if let Some(days) = figures.certificate_days {
            self.certificate_days.set(days);
        }
        for disk in &figures.disks {
            let label = DiskLabel { disk: disk.name.code() };
            self.disk_size.get_or_create(&label).set(gauge(disk.space.size_bytes));
            self.disk_free.get_or_create(&label).set(gauge(disk.space.free_bytes));
            self.disk_floor.get_or_create(&label).set(gauge(disk.floor_bytes));
            self.disk_full.get_or_create(&label).set(disk.is_full().into());
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use base::loops::LoopState;
    use domain::{
        Millis,
        ledger::{Account, Unit},
    };

    use std::fmt::Write as _;

    use super::*;

    /// Every metric with one figure in it.
    fn rendered() -> String {
        let all = base::metrics::Metrics::default();
        let metrics = Metrics::new(&mut all.registry(), true);
        all.requests.get_or_create(&base::metrics::RequestLabel { status: 200 }).inc();
        metrics.runs_ended.get_or_create(&OutcomeLabel { outcome: "succeeded" }).inc();
        let known = LoopView {
            name: crate::wakers::PLAN.into(),
            state: LoopState::Done,
            turned_at: None,
            took_ms: None,
            since_good_ms: Millis(0),
            is_late: false,
            failures: 0,
            failures_in_a_row: 0,
            failing_since: None,
            error: None,
        };
        metrics.take(&Figures {
            cards: [("busy", 1), ("idle", 0), ("drained", 0), ("failed", 0)],
            turnovers: vec![Turnover { account: Account::Cash, unit: Unit::MicroCny, debits: 1, credits: 1 }],
            loops: vec![known],
            certificate_days: Some(30),
            disks: vec![crate::disk::rule::sample()],
            slurm_calls: vec![("squeue".into(), 1)],
            ..Figures::default()
        });
        all.render()
    }

    /// A line of the table for each metric: its name with its labels, and its help.
    fn table(rendered: &str) -> String {
        let mut labels: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for line in rendered.lines().filter(|line| !line.starts_with('#')) {
            let (name, rest) = line.split_once('{').unwrap_or((line, ""));
            let pairs = rest.split_once('}').map_or("", |(pairs, _)| pairs);
            let keys = pairs.split(',').filter_map(|pair| Some(pair.split_once('=')?.0));
            labels.insert(name, keys.collect());
        }
        let kinds: BTreeMap<&str, &str> =
            rendered.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
        let mut table = String::from("| metric | |\n|---|---|\n");
        for (name, help) in rendered.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split_once(' '))
        {
            let full = if kinds[name] == "counter" { format!("{name}_total") } else { name.to_owned() };
            let labels =
                labels.get(full.as_str()).map(|keys| keys.join(", ")).filter(|keys| !keys.is_empty());
            let labels = labels.map(|keys| format!("{{{keys}}}")).unwrap_or_default();
            let kind = if kinds[name] == "histogram" { " (histogram)" } else { "" };
            let _ = writeln!(table, "| `{full}{labels}` | {}{kind} |", help.trim_end_matches('.'));
        }
        table
    }

    #[test]
    fn the_operators_guide_has_a_line_for_each_metric() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operators.md");
        let guide = std::fs::read_to_string(&path).expect("text");
        let (before, rest) = guide.split_once("| metric | |\n").expect("the table of metrics");
        let (_, after) = rest.split_once("\n\n").expect("a paragraph after the table");
        let table = table(&rendered());
        assert_eq!(table.lines().count(), 2 + 23, "{table}");
        testkit::assert_golden(&path, &format!("{before}{table}\n{after}"));
    }
}
