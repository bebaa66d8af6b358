//! The outcome of a script: its end, its output, and the files that it left.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use domain::job::has_ended;
use serde_json::Value;
use testkit::{Cluster, Site, Tenant};

/// The outcome of a script.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    pub ends: String,
    /// Standard output and standard error, unless the script names a file for them.
    pub said: String,
    pub files: BTreeMap<String, String>,
}

impl Outcome {
    /// Leaves out that a shell tells of its child's death, where the script was cancelled: both are told to end at once, and
    /// whether the shell still tells is chance.
    pub fn leave_out_chance(&mut self) {
        if self.ends != "cancelled" {
            return;
        }
        let lines: Vec<&str> = self.said.lines().filter(|line| *line != "Terminated").collect();
        self.said = lines.join("\n");
    }
}

/// The files of a folder, without those that were there before.
fn files(
    folder: &Path,
    was_there: &dyn Fn(&str) -> bool,
    normal: &dyn Fn(&str) -> String,
) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(&at).expect("a folder").map(|entry| entry.expect("an entry")) {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).expect("it is in it").to_str().expect("text").to_owned();
            if !was_there(&name) {
                let text = String::from_utf8_lossy(&std::fs::read(&path).expect("a file")).into_owned();
                assert!(found.insert(normal(&name), normal(&text)).is_none(), "{name} twice");
            }
        }
    }
    found
}

/// A text without what differs between two ways: numbers of jobs (`ids`, long numbers, those behind `job=`),
/// names of nodes, the folder, and what Slurm itself writes into a log.
fn normalized(text: &str, ids: &[String], folder: &Path) -> String {
    let is_slurms = |line: &&str| {
        ["slurmstepd", "srun: Job ", "srun: Step created"].iter().any(|start| line.starts_with(start))
    };
    let text: String = text.split_inclusive('\n').filter(|line| !is_slurms(line)).collect();
    let text = text.replace(folder.to_str().expect("text"), "FOLDER");
    let (mut all, mut rest) = (String::new(), text.as_str());
    while let Some(first) = rest.chars().next() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits > 0 {
            let (number, behind) = rest.split_at(digits);
            let is_id = digits > 9 || ids.iter().any(|id| id == number) || all.ends_with("job=");
            all.push_str(if is_id { "JOB" } else { number });
            rest = behind;
        } else if let Some(behind) = rest
            .strip_prefix("npu")
            .filter(|behind| behind.starts_with('[') || behind.starts_with(|c: char| c.is_ascii_digit()))
        {
            let end =
                if behind.starts_with('[') { behind.find(']').map_or(behind.len(), |at| at + 1) } else { 1 };
            all.push_str("NODES");
            rest = &behind[end..];
        } else {
            all.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    all
}

/// Slurm's jobs with number as people see it, raw number, name, state and exit code.
fn accounted(cluster: &Cluster) -> Vec<[String; 5]> {
    let out = cluster.slurm(
        "sacct",
        &["-naXP", "--starttime=now-1hour", "--format=JobID,JobIDRaw,JobName%80,State,ExitCode"],
    );
    let line =
        |line: &str| line.split('|').map(str::to_owned).collect::<Vec<_>>().try_into().expect("five columns");
    out.lines().map(line).collect()
}

/// `FAILED` and `3:0` in Qiantang's words.
fn in_our_words(state: &str, exit: &str) -> String {
    let (code, signal) = exit.split_once(':').expect("code and signal");
    let code: i32 = code.parse().expect("a code");
    let signal: i32 = signal.parse().expect("a signal");
    let code = if signal > 0 { 128 + signal } else { code };
    match state.split(' ').next().unwrap_or_default() {
        "COMPLETED" => format!("succeeded {code}"),
        "FAILED" if signal > 0 => format!("signaled {code}"),
        "FAILED" => format!("failed {code}"),
        "TIMEOUT" => "timed_out".to_owned(),
        "CANCELLED" => "cancelled".to_owned(),
        other => other.to_owned(),
    }
}

fn is_open(state: &str) -> bool {
    ["PENDING", "RUNNING", "COMPLETING", "REQUEUED"].contains(&state)
}

/// The outcome of a script by sbatch, once all of it is over.
pub fn of_sbatch(
    cluster: &Cluster,
    folder: &Path,
    id: &str,
    was_there: &dyn Fn(&str) -> bool,
) -> Option<Outcome> {
    let prefix = format!("{id}_");
    let jobs: Vec<_> =
        accounted(cluster).into_iter().filter(|job| job[0] == id || job[0].starts_with(&prefix)).collect();
    if jobs.is_empty() || jobs.iter().any(|job| is_open(&job[3]) || job[0].contains('[')) {
        return None;
    }
    let mut tasks: Vec<String> = Vec::new();
    for job in &jobs {
        let how = in_our_words(&job[3], &job[4]);
        tasks.push(job[0].split_once('_').map_or(how.clone(), |(_, task)| format!("{task} {how}")));
    }
    tasks.sort();
    let ids = [id.to_owned()];
    let normal = |text: &str| normalized(text, &ids, folder);
    let mut files = files(folder, was_there, &normal);
    let said = files.remove("slurm-JOB.out").unwrap_or_default();
    Some(Outcome { ends: tasks.join(", "), said, files })
}

/// The outcome of a script through the center, once all of it is over.
pub fn of_center(
    (site, tenant, cluster): (&Site, &Tenant, &Cluster),
    folder: &Path,
    id: &str,
    was_there: &dyn Fn(&str) -> bool,
) -> Option<Outcome> {
    let job = site.get(&format!("/api/v1/jobs/{id}"), &tenant.developer);
    if !job["state"].as_str().is_some_and(has_ended) {
        return None;
    }
    let runs = site.get(&format!("/api/v1/jobs/{id}/runs"), &tenant.developer);
    let runs = runs["items"].as_array().expect("runs");
    let is_array = !job["spec"]["array"].is_null();
    let how = |run: &Value| {
        let mut how = run["state"].as_str().expect("a state").to_owned();
        if let Some(code) = run["exit_code"].as_i64() {
            let _never_fails = write!(how, " {code}");
        }
        if is_array { format!("{} {how}", run["task"]) } else { how }
    };
    let mut tasks: Vec<String> = runs.iter().map(how).collect();
    tasks.sort();
    let names: Vec<String> =
        runs.iter().map(|run| format!("qt-{}", run["id"].as_str().expect("an id"))).collect();
    let ids: Vec<String> = if is_array {
        Vec::new()
    } else {
        let all = accounted(cluster);
        all.into_iter().filter(|job| names.contains(&job[2])).map(|job| job[1].clone()).collect()
    };
    let normal = |text: &str| normalized(text, &ids, folder);
    let said = |stream: &str| {
        let path = format!("/api/v1/jobs/{id}/logs?stream={stream}");
        site.get(&path, &tenant.developer)["data"].as_str().unwrap_or_default().to_owned()
    };
    let files = files(folder, was_there, &normal);
    let (out, err) = (said("stdout"), said("stderr"));
    let mut said = normal(&(out.clone() + &err));
    let is_named = ["output", "error"].iter().any(|name| !job["spec"]["batch"][name].is_null());
    if is_named {
        // The output is in the file, and the center has it as well.
        let out = normal(&out);
        assert!(is_array || files.values().any(|text| *text == out), "{id}: {out}\n{files:#?}");
        said.clear();
    }
    Some(Outcome { ends: tasks.join(", "), said, files })
}
