//! The center's books, beside Slurm's accounting.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::{Duration, Instant},
};

use domain::Timestamp;
use serde_json::Value;
use testkit::{Cluster, PATIENCE, Site, Tenant, load::expected};

use super::PARTS;
use crate::RATE;

/// How long a record may be on its way into the accounting.
const ON_THE_WAY: Duration = Duration::from_secs(30);

/// One life of a job in the accounting. A job that is requeued has several.
#[derive(Clone, Debug)]
struct Life {
    /// Seconds since 1970.
    start: i64,
    /// Seconds since 1970.
    end: i64,
    cards: i64,
    state: String,
}

impl Life {
    /// The card-milliseconds that are charged for it. A life that the center is to blame for is free.
    fn charged(&self) -> i64 {
        let is_free = ["NODE_FAIL", "BOOT_FAIL", "PREEMPTED"].contains(&self.state.as_str());
        if is_free { 0 } else { (self.end - self.start) * self.cards * 1000 }
    }
}

/// A job that was handed to Slurm directly, as the center has it.
#[derive(Debug)]
struct Billed {
    number: String,
    start: i64,
    end: i64,
    used: i64,
}

/// A center and its cluster after all faults.
#[derive(Clone, Copy)]
pub struct Books<'a> {
    pub site: &'a Site,
    pub cluster: &'a Cluster,
    /// When the controller was killed, in seconds since 1970.
    pub deaths: &'a [i64],
    /// The folders of the center's runs.
    pub folders: &'a Path,
}

/// Counts of a check, to be told.
#[derive(Debug, Default)]
struct Counts {
    used_card_ms: i64,
    tried_again: usize,
    unaccounted: usize,
}

fn seconds(instant: &Value) -> i64 {
    let instant: Timestamp = instant.as_str().expect("an instant").parse().expect("an instant");
    assert_eq!(instant.as_micros() % 1_000_000, 0, "Slurm counts whole seconds");
    instant.as_micros() / 1_000_000
}

fn id(of: &Value) -> &str {
    of["id"].as_str().expect("an id")
}

impl Books<'_> {
    /// Every job that was acknowledged has ended as its script says, and costs what Slurm accounts for.
    pub fn check(self, acknowledged: &BTreeMap<String, Value>) {
        assert!(!acknowledged.is_empty());
        let lives = self.wait_accounted(acknowledged);
        let mut counts = Counts::default();
        for (id, spec) in acknowledged {
            self.check_job(id, spec, &lives, &mut counts);
        }
        println!(
            "{} card-milliseconds as Slurm accounts for them; {} runs were tried again; the ends of {} never \
             reached the accounting",
            counts.used_card_ms, counts.tried_again, counts.unaccounted
        );
        let ledger = self.site.get("/api/v1/ledger/check", &self.site.operator);
        assert_eq!(ledger["is_balanced"], true, "{ledger}");
    }

    fn runs_of(&self, job: &str) -> Value {
        self.site.get(&format!("/api/v1/jobs/{job}/runs"), &self.site.operator)
    }

    /// The lives of all runs that began, by the names of their jobs in Slurm.
    fn wait_accounted(&self, acknowledged: &BTreeMap<String, Value>) -> BTreeMap<String, Vec<Life>> {
        let began = |runs: Value| {
            let all = runs["items"].as_array().cloned().unwrap_or_default();
            let began = all.into_iter().filter(|run| !run["started_at"].is_null());
            began.map(|run| format!("qt-{}", id(&run))).collect::<Vec<_>>()
        };
        let names: Vec<String> = acknowledged.keys().map(|id| self.runs_of(id)).flat_map(began).collect();
        let began_waiting = Instant::now();
        // The accounting hears of everything later than the controller.
        self.site.wait_for("all runs to be accounted for", || {
            // A record that a dead controller took along never comes. One that is on its way comes within
            // seconds.
            let is_all_told = !self.deaths.is_empty()
                && began_waiting.elapsed() > ON_THE_WAY
                && self.is_accounting_up_to_date();
            let lives = self.lives(|name, _| Some(name.to_owned()));
            (is_all_told || names.iter().all(|name| lives.contains_key(name))).then_some(lives)
        })
    }

    fn check_job(
        &self,
        job_id: &str,
        spec: &Value,
        lives: &BTreeMap<String, Vec<Life>>,
        counts: &mut Counts,
    ) {
        let (name, code) = expected(spec);
        let job = self.site.get(&format!("/api/v1/jobs/{job_id}"), &self.site.operator);
        let runs = self.runs_of(job_id);
        assert_eq!(job["name"], name, "another job under this id");
        let state = if code == 0 { "succeeded" } else { "failed" };
        assert!(
            job["state"] == state && (job["exit_code"] == code || self.is_code_lost(&job, &runs, code)),
            "want {state} with {code}: {job} {runs}\n{}\n{}",
            self.site.log(),
            self.traces(&runs)
        );
        let mut used = 0;
        for run in runs["items"].as_array().expect("runs") {
            counts.tried_again += usize::from(run["attempt"] != 1);
            let of_run = lives.get(&format!("qt-{}", id(run))).map_or(&[][..], Vec::as_slice);
            let is_charged = run["state"] != "lost" && run["state"] != "preempted";
            if run["started_at"].is_null() {
                continue;
            }
            // Nobody knows when it ended, so nobody pays for it.
            if run["state"] == "lost" && of_run.is_empty() {
                counts.unaccounted += 1;
                continue;
            }
            let (start, end) = (seconds(&run["started_at"]), seconds(&run["ended_at"]));
            let life = of_run.iter().find(|life| (life.start, life.end) == (start, end));
            let cards = match life {
                Some(life) => life.cards,
                None if self.is_taken_along((start, end), of_run) => {
                    ["nodes", "cards_per_node"].map(|of| spec[of].as_i64().expect("a count")).iter().product()
                }
                None => panic!("{run}: {of_run:?}\n{}\n{}", self.site.log(), self.traces(&runs)),
            };
            counts.unaccounted += usize::from(life.is_none());
            assert_eq!(run["used_card_ms"], (end - start) * cards * 1000, "{run}");
            if is_charged {
                used += (end - start) * cards * 1000;
            }
        }
        assert_eq!(job["used_card_ms"], used, "{job} {runs}");
        assert_eq!(job["charge_micro_cny"], used * RATE / 3_600_000, "{job}");
        counts.used_card_ms += used;
    }

    /// Whether the exit code of a job that failed can't be known. An end that the controller has forgotten is
    /// in the accounting alone, of which an old slurmrestd shows no exit codes.
    fn is_code_lost(&self, job: &Value, runs: &Value, code: i64) -> bool {
        // The last run is the first in the list.
        let note = self.folders.join(id(&runs["items"][0])).join("stderr");
        let note = std::fs::read_to_string(note).unwrap_or_default();
        let ended_at = seconds(&job["ended_at"]);
        code != 0
            && job["exit_code"] == 1
            && note.contains("Slurm says that it failed")
            && self.deaths.iter().any(|death| *death >= ended_at)
    }

    /// A job that was handed to Slurm directly is billed as well, and once, unless the center is to blame for
    /// its end.
    pub fn check_direct(self, tenant: &Tenant, handed_in: &BTreeSet<String>) {
        // A dead controller forgets numbers and gives them to other jobs. `wrap` is sbatch's name for these.
        let is_direct = |name: &str, number: &str| name == "wrap" && handed_in.contains(number);
        let lives = self.lives(|name, number| is_direct(name, number).then(|| number.to_owned()));
        let of_number = |number: &str| lives.get(number).map_or(&[][..], Vec::as_slice);
        let is_right = |job: &&Billed| {
            let life =
                of_number(&job.number).iter().find(|life| (life.start, life.end) == (job.start, job.end));
            life.map_or_else(
                || self.is_taken_along((job.start, job.end), of_number(&job.number)),
                |life| life.charged() == job.used,
            )
        };
        let until = Instant::now() + PATIENCE;
        loop {
            let billed = self.billed(tenant);
            let is_billed = |number: &str, life: &Life| {
                life.charged() == 0
                    || billed.iter().any(|job| job.number == number && job.start == life.start)
            };
            let wrong: Vec<&Billed> = billed.iter().filter(|job| !is_right(job)).collect();
            let all = lives.iter().flat_map(|(number, lives)| lives.iter().map(move |life| (number, life)));
            let missing: Vec<(&String, &Life)> =
                all.filter(|(number, life)| !is_billed(number, life)).collect();
            let mut starts: Vec<(&str, i64)> =
                billed.iter().map(|job| (job.number.as_str(), job.start)).collect();
            starts.sort_unstable();
            assert!(starts.windows(2).all(|pair| pair[0] != pair[1]), "one is billed twice: {billed:?}");
            if wrong.is_empty() && missing.is_empty() {
                let is_unknown =
                    |job: &&Billed| of_number(&job.number).iter().all(|life| life.start != job.start);
                println!(
                    "{} jobs that were handed in directly are billed; {} of them never reached the accounting",
                    billed.len(),
                    billed.iter().filter(is_unknown).count()
                );
                return;
            }
            assert!(
                Instant::now() < until,
                "billed otherwise: {:?}; not billed: {missing:?}\n{}",
                wrong.iter().map(|job| (job, of_number(&job.number))).collect::<Vec<_>>(),
                self.site.log()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The tenant's jobs that were handed in directly and cost something. A lost one ends when it was last
    /// seen, and is free.
    fn billed(&self, tenant: &Tenant) -> Vec<Billed> {
        let jobs = self.site.get("/api/v1/jobs?limit=200", &tenant.developer);
        let of = |job: &Value| {
            let job = self.site.get(&format!("/api/v1/jobs/{}", id(job)), &tenant.developer);
            let number = job["direct"]["number"].as_u64()?.to_string();
            let used = job["used_card_ms"].as_i64().filter(|used| *used > 0)?;
            let (start, end) = (seconds(&job["started_at"]), seconds(&job["ended_at"]));
            Some(Billed { number, start, end, used })
        };
        jobs["items"].as_array().expect("jobs").iter().filter_map(of).collect()
    }

    /// Whether a controller that died took along what the accounting should have of a start and an end, in
    /// seconds since 1970. The job then never ends there, or ends later than the controller had said before
    /// it died, or has only a later life, which was not let through.
    fn is_taken_along(&self, (start, end): (i64, i64), lives: &[Life]) -> bool {
        let has_died_by = |until: i64| self.deaths.iter().any(|death| (start..=until).contains(death));
        let is_later = |life: &Life| {
            has_died_by(life.start) || life.start == start && life.end > end && has_died_by(life.end)
        };
        // The number may have been another job's before.
        has_died_by(i64::MAX) && lives.iter().filter(|life| life.end > start).all(is_later)
    }

    /// Whether the controller has nothing left to tell the accounting.
    fn is_accounting_up_to_date(&self) -> bool {
        let told = self.cluster.try_slurm("sdiag", &[]).unwrap_or_default();
        let size = told.lines().find_map(|line| line.trim().strip_prefix("DBD Agent queue size:"));
        size.is_some_and(|size| size.trim() == "0")
    }

    /// The lives of jobs that had nodes, under the key that `key` makes of a job's name and number.
    fn lives(&self, key: impl Fn(&str, &str) -> Option<String>) -> BTreeMap<String, Vec<Life>> {
        let format = "--format=JobName%80,JobIDRaw,Start,End,AllocTRES,NodeList,State";
        let out = std::process::Command::new("sacct")
            .args(["-naXPD", "--starttime=now-3hours", format])
            .env("SLURM_CONF", self.cluster.conf())
            .env("SLURM_TIME_FORMAT", "%s")
            .output()
            .expect("sacct runs");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let mut lives: BTreeMap<String, Vec<Life>> = BTreeMap::new();
        for line in String::from_utf8_lossy(&out.stdout).lines() {
            let columns: Vec<&str> = line.split('|').collect();
            let seconds = |at: usize| columns[at].parse::<i64>().ok();
            let (Some(start), Some(end)) = (seconds(2), seconds(3)) else { continue };
            let Some(key) = key(columns[0], columns[1]).filter(|_| columns[5] != "None assigned") else {
                continue;
            };
            let of_entry = |entry: &str| entry.strip_prefix("gres/npu=")?.parse::<i64>().ok();
            let cards = columns[4].split(',').find_map(of_entry).unwrap_or(0);
            lives.entry(key).or_default().push(Life { start, end, cards, state: columns[6].to_owned() });
        }
        lives
    }

    /// All there is to find out what became of a job's runs: their files, their lives, and lines of Slurm's
    /// logs.
    fn traces(&self, runs: &Value) -> String {
        let mut told = Vec::new();
        for run in runs["items"].as_array().into_iter().flatten().map(id) {
            told.push(format!("== {run}"));
            for entry in std::fs::read_dir(self.folders.join(run)).into_iter().flatten().flatten() {
                let written = entry.metadata().and_then(|meta| meta.modified()).ok();
                let written = written.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
                let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
                let text: String = text.chars().take(400).collect();
                told.push(format!("{} {written:?}: {text:?}", entry.file_name().display()));
            }
            let format = "--format=JobID,State,ExitCode,Submit,Start,End,NodeList";
            let name = format!("--name=qt-{run}");
            let lives = self.cluster.try_slurm("sacct", &["-naPD", "--starttime=now-3hours", format, &name]);
            let lives = lives.unwrap_or_else(|error| error);
            told.extend(lives.lines().map(str::to_owned));
            let numbers: BTreeSet<&str> =
                lives.lines().filter_map(|line| line.split(['|', '.']).next()).collect();
            for part in PARTS {
                let log =
                    std::fs::read_to_string(self.cluster.file(&format!("log/{part}"))).unwrap_or_default();
                let of_run = log.lines().filter(|line| numbers.iter().any(|number| line.contains(number)));
                told.extend(of_run.map(|line| format!("{part}: {line}")));
            }
        }
        told.join("\n")
    }
}
