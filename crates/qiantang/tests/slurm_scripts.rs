//! Scripts as people have them for sbatch give the same through `sbatch` and through `qiantang submit`: how they end, what
//! they say, and the files that they leave. Each is run both ways on one real cluster, in a folder of its own.

#[path = "../../engines/tests/conformance/cluster.rs"]
#[allow(dead_code, reason = "the engines' own tests use the rest")]
mod cluster;
mod support;

mod common {
    pub use super::support::open_folder as folder;
}

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use cluster::Cluster;
use serde_json::Value;
use support::{Site, Tenant, grant};

/// A script of `tests/sbatch`, its arguments, and the files that it finds.
struct Case {
    script: &'static str,
    args: &'static [&'static str],
    files: &'static [(&'static str, &'static str)],
    ends: &'static str,
}

const fn case(script: &'static str, ends: &'static str) -> Case {
    Case { script, args: &[], files: &[], ends }
}

const CASES: &[Case] = &[
    // The one that takes longest, first.
    case("warned.sh", "succeeded 0"),
    case("single.sh", "succeeded 0"),
    case("multi_node.sh", "succeeded 0"),
    case("torchrun.sh", "succeeded 0"),
    case("hybrid.sh", "succeeded 0"),
    Case {
        files: &[("params.txt", "0.1 10\n0.2 20\n0.3 never\n0.4 40\n"), ("logs/.keep", "")],
        ..case("array.sh", "0 succeeded 0, 2 succeeded 0, 4 failed 3, 6 succeeded 0")
    },
    case("export.sh", "succeeded 0"),
    case("export_none.sh", "succeeded 0"),
    case("strict.sh", "failed 4"),
    case("step_fails.sh", "failed 7"),
    case("killed.sh", "signaled 140"),
    case("cancelled.sh", "cancelled"),
    case("background.sh", "succeeded 0"),
    Case { args: &["a", "b c", "--nodes=9"], ..case("heredoc.sh", "succeeded 0") },
    case("words.sh", "succeeded 0"),
    Case { files: &[("data/input.txt", "c\na\nb\n")], ..case("chdir.sh", "succeeded 0") },
    case("plain_python.py", "succeeded 0"),
    case("prepare.sh", "succeeded 0"),
    case("train.sh", "failed 5"),
    case("rescue.sh", "succeeded 0"),
    case("tidy.sh", "succeeded 0"),
];

/// Which of them wait for another, how, and in whose folder all of them work.
const CHAIN: &[(&str, &str, &str)] = &[
    ("train.sh", "afterok", "prepare.sh"),
    ("rescue.sh", "afternotok", "train.sh"),
    ("tidy.sh", "afterany", "rescue.sh"),
];

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sbatch")
}

/// What came of a script one way.
#[derive(Debug, PartialEq, Eq)]
struct Result {
    ends: String,
    /// Standard output and error, where the script names no file for them.
    said: String,
    files: BTreeMap<String, String>,
}

/// These are run through slurmrestd, too.
const BY_REST: &[&str] = &["multi_node.sh", "hybrid.sh", "strict.sh", "background.sh"];

/// Submits a script from a folder, perhaps after another; gives its id.
type Submit<'a> = Box<dyn Fn(&Path, Option<String>, &Case) -> String + 'a>;

/// All scripts, or some, one way.
struct Way<'a> {
    root: PathBuf,
    /// By script, what it is known by.
    ids: BTreeMap<&'static str, String>,
    submit: Submit<'a>,
}

impl Way<'_> {
    fn folder(&self, script: &str) -> PathBuf {
        let is_in_chain = CHAIN.iter().any(|(script_of, ..)| *script_of == script);
        self.root.join(if is_in_chain { "prepare.sh" } else { script })
    }

    fn submit(&mut self, which: impl Fn(&str) -> bool) {
        for case in CASES.iter().filter(|case| which(case.script)) {
            let folder = self.folder(case.script);
            std::fs::create_dir_all(&folder).expect("a folder");
            for (name, text) in case.files {
                let path = folder.join(name);
                std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder");
                std::fs::write(path, text).expect("a file");
            }
            std::fs::copy(sources().join(case.script), folder.join(case.script)).expect("a copy");
            let link = CHAIN.iter().find(|(script, ..)| *script == case.script);
            let after = link.map(|(_, when, other)| format!("--dependency={when}:{}", self.ids[other]));
            let id = (self.submit)(&folder, after, case);
            self.ids.insert(case.script, id);
        }
    }
}

fn succeeded(output: &Output, what: &str) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{what}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout).trim().to_owned()
}

/// A command with the environment of somebody who has just signed in.
fn command(program: impl AsRef<std::ffi::OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
    command.env("HOME", folder).env("LANG", "C.UTF-8");
    command
}

fn sbatch(cluster: &Cluster, folder: &Path, after: Option<String>, case: &Case) -> String {
    let mut command = command("sbatch", folder);
    command.env("SLURM_CONF", cluster.conf()).arg("--parsable").args(after).arg(case.script).args(case.args);
    succeeded(&command.output().expect("it runs"), case.script)
}

fn qiantang(site: &Site, tenant: &Tenant, folder: &Path) -> Command {
    let mut command = command(Site::binary(), folder);
    command.env("QIANTANG_URL", &site.url).env("QIANTANG_TOKEN", &tenant.developer);
    command
}

fn submit(site: &Site, tenant: &Tenant, folder: &Path, after: Option<String>, case: &Case) -> String {
    let mut command = qiantang(site, tenant, folder);
    command.args(["submit", "--parsable"]).args(after).arg(case.script).args(case.args);
    succeeded(&command.output().expect("it runs"), case.script)
}

/// All files of a folder but the script itself and what was there before.
fn files(folder: &Path, cases: &[&Case], normal: &dyn Fn(&str) -> String) -> BTreeMap<String, String> {
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
            let was_there =
                |case: &&&Case| case.script == name || case.files.iter().any(|(of_case, _)| *of_case == name);
            if !cases.iter().any(|case| was_there(&case)) {
                let text = String::from_utf8_lossy(&std::fs::read(&path).expect("a file")).into_owned();
                assert!(found.insert(normal(&name), normal(&text)).is_none(), "{name} twice");
            }
        }
    }
    found
}

/// Without what is another way by way: numbers of jobs (`ids`, long numbers, what stands behind `job=`), names of nodes,
/// the folder.
/// What Slurm itself writes into a log (how it signals, that a step has to wait a moment) is left out.
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

/// How all of Slurm's jobs have ended: by number as people see it, and by name.
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

/// What came of a script by sbatch, once all of it is over.
fn of_sbatch(cluster: &Cluster, folder: &Path, id: &str, cases: &[&Case]) -> Option<Result> {
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
    let mut files = files(folder, cases, &normal);
    let said = files.remove("slurm-JOB.out").unwrap_or_default();
    Some(Result { ends: tasks.join(", "), said, files })
}

/// What came of it through the center, once all of it is over.
fn of_center(
    (site, tenant, cluster): (&Site, &Tenant, &Cluster),
    folder: &Path,
    id: &str,
    cases: &[&Case],
) -> Option<Result> {
    let job = site.get(&format!("/api/v1/jobs/{id}"), &tenant.developer);
    if matches!(job["state"].as_str(), Some("queued" | "running" | "stopping")) {
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
    let files = files(folder, cases, &normal);
    let (out, err) = (said("stdout"), said("stderr"));
    let mut said = normal(&(out.clone() + &err));
    let is_named = ["output", "error"].iter().any(|name| !job["spec"]["batch"][name].is_null());
    if is_named {
        // It is in the file; the center has it, too.
        let out = normal(&out);
        assert!(is_array || files.values().any(|text| *text == out), "{id}: {out}\n{files:#?}");
        said.clear();
    }
    Some(Result { ends: tasks.join(", "), said, files })
}

/// A center on the cluster, by Slurm's commands or by slurmrestd, and one of its tenants.
fn center(cluster: &Cluster, shared: &Path, by_rest: bool) -> (Site, Tenant) {
    let mut settings = format!(
        "[engine]\nkind = \"slurm\"\n[engine.slurm]\nshared_dir = \"{}\"\nconf = \"{}\"\n\
         models = {{ ascend910 = \"ascend-910\" }}\n",
        shared.display(),
        cluster.conf().display()
    );
    if by_rest {
        let (url, key) = (cluster.env("QT_SLURM_REST"), cluster.jwt_key());
        let _never_fails = writeln!(settings, "url = \"{url}\"\njwt_key = \"{}\"", key.display());
    }
    let site = Site::with_settings(&settings);
    site.wait_for("Slurm's nodes", || {
        let nodes = site.get("/api/v1/nodes", &site.operator);
        let nodes = nodes.as_array().cloned().unwrap_or_default();
        (nodes.len() == 4 && nodes.iter().all(|node| node["state"] == "up")).then_some(())
    });
    let tenant = site.tenant("lab", "research", &grant(), 32);
    (site, tenant)
}

#[test]
fn a_script_gives_the_same_through_sbatch_and_through_the_center() {
    let Some(cluster) = Cluster::start() else { return };
    let _may_be_there = cluster.try_slurm("sacctmgr", &["-i", "add", "account", "work"]);
    let _may_be_there = cluster.try_slurm("sacctmgr", &["-i", "add", "user", "root", "account=work"]);
    let (shared, work) = (common::folder(), common::folder());
    let (site, tenant) = center(&cluster, &shared.path().join("commands"), false);
    let (rest, of_rest) = center(&cluster, &shared.path().join("rest"), true);

    let way = |name: &str, submit| Way { root: work.path().join(name), ids: BTreeMap::new(), submit };
    let mut slurms = way(
        "sbatch",
        Box::new(|folder: &Path, after, case: &Case| sbatch(&cluster, folder, after, case)) as Submit<'_>,
    );
    let mut ours = way(
        "center",
        Box::new(|folder: &Path, after, case: &Case| submit(&site, &tenant, folder, after, case)),
    );
    let mut by_rest = way(
        "rest",
        Box::new(|folder: &Path, after, case: &Case| submit(&rest, &of_rest, folder, after, case)),
    );
    slurms.submit(|_| true);
    ours.submit(|_| true);
    by_rest.submit(|script| BY_REST.contains(&script));

    for way in [&slurms, &ours] {
        let ready = way.folder("cancelled.sh").join("ready.txt");
        site.wait_for("what is to be cancelled to run", || ready.exists().then_some(()));
    }
    cluster.slurm("scancel", &[&slurms.ids["cancelled.sh"]]);
    let mut cancel = qiantang(&site, &tenant, work.path());
    succeeded(&cancel.args(["cancel", &ours.ids["cancelled.sh"]]).output().expect("it runs"), "cancel");

    limits_are_read_alike(&cluster, &site, &tenant, &slurms.folder("single.sh"));
    what_is_not_taken_is_said(&site, &tenant, &slurms.folder("words.sh"));
    the_other_way_is_one_line(&site, &tenant);

    let mut wrong = String::new();
    for case in CASES {
        let script = case.script;
        let of_chain = || CASES.iter().filter(|other| slurms.folder(other.script) == slurms.folder(script));
        let cases: Vec<&Case> = of_chain().collect();
        // Files of a chain are looked at when its last one has ended.
        let is_in_chain = cases.len() > 1;
        let mut theirs = site.wait_for(&format!("the end of {script} by sbatch"), || {
            of_sbatch(&cluster, &slurms.folder(script), &slurms.ids[script], &cases)
        });
        let mut own = site.wait_for(&format!("the end of {script} in the center"), || {
            of_center((&site, &tenant, &cluster), &ours.folder(script), &ours.ids[script], &cases)
        });
        if is_in_chain {
            for result in [&mut theirs, &mut own] {
                let is_log = |name: &String| name.starts_with("slurm-");
                result.files.retain(|name, _| !is_log(name) && script == "tidy.sh");
                result.said.clear();
            }
        }
        if theirs != own || theirs.ends != case.ends {
            let _never_fails = writeln!(wrong, "{script} by sbatch {theirs:#?}\nin the center {own:#?}");
        }
        if let Some(id) = by_rest.ids.get(script) {
            let own = site.wait_for(&format!("the end of {script} by slurmrestd"), || {
                of_center((&rest, &of_rest, &cluster), &by_rest.folder(script), id, &cases)
            });
            if theirs != own {
                let _never_fails = writeln!(wrong, "{script} by sbatch {theirs:#?}\nby slurmrestd {own:#?}");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}\n{}\n{}", site.log(), rest.log());
}

/// Minutes, as Slurm counts them, and as the center does.
fn limits_are_read_alike(cluster: &Cluster, site: &Site, tenant: &Tenant, folder: &Path) {
    for limit in ["90", "1:30", "1:30:00", "00:05:00", "1-0", "1-00:00:00", "2-12:30"] {
        let mut hold = command("sbatch", folder);
        hold.env("SLURM_CONF", cluster.conf());
        let args = ["--parsable", "--hold", "--time", limit, "--output=/dev/null", "single.sh"];
        let id = succeeded(&hold.args(args).output().expect("it runs"), limit);
        let shown = cluster.slurm("scontrol", &["--oneliner", "show", "job", &id]);
        let of_slurm = shown.split(' ').find_map(|word| word.strip_prefix("TimeLimit=")).expect("a limit");
        let (days, rest) = of_slurm.split_once('-').unwrap_or(("0", of_slurm));
        let parts: Vec<i64> = rest.split(':').map(|part| part.parse().expect("a number")).collect();
        let seconds =
            days.parse::<i64>().expect("days") * 86_400 + parts.iter().fold(0, |all, part| all * 60 + part);
        cluster.slurm("scancel", &[&id]);
        let mut ask = qiantang(site, tenant, folder);
        let args = ["submit", "--json", "--dry-run", "--time", limit, "single.sh"];
        let answer: Value =
            serde_json::from_str(&succeeded(&ask.args(args).output().expect("it runs"), limit))
                .expect("JSON");
        let ms = answer["price"]["time_limit_ms"].as_i64().expect("a limit");
        assert_eq!((ms + 59_999) / 60_000 * 60, seconds, "{limit}: {of_slurm}, {answer}");
    }
}

/// What the center makes nothing of is named where the script is submitted; what Slurm takes is no news.
fn what_is_not_taken_is_said(site: &Site, tenant: &Tenant, folder: &Path) {
    let mut ask = qiantang(site, tenant, folder);
    let output = ask.args(["submit", "--dry-run", "words.sh"]).output().expect("it runs");
    succeeded(&output, "words.sh");
    let said = String::from_utf8_lossy(&output.stderr);
    for option in ["--partition", "--mail-type", "--mail-user", "--requeue"] {
        assert!(said.contains(option), "{option}: {said}");
    }
    let script = std::fs::read_to_string(sources().join("words.sh")).expect("the script");
    let answer = ureq::post(format!("{}/api/v1/jobs/script", site.url))
        .header("Authorization", format!("Bearer {}", tenant.developer))
        .header("Content-Type", "text/plain")
        .send(format!("{}exit 0\n#SBATCH -n 9\n", script.split("##SBATCH").next().expect("options")));
    let answer = answer.expect("an answer").into_body().read_to_string().expect("text");
    assert!(answer.contains("--mail-user") && !answer.contains("--output"), "{answer}");
}

/// A script for sbatch that is to be started on each node says so on a line that sbatch passes over.
fn the_other_way_is_one_line(site: &Site, tenant: &Tenant) {
    let mut ask = qiantang(site, tenant, &sources());
    let id = succeeded(
        &ask.args(["submit", "--parsable", "each_node.sh"]).output().expect("it runs"),
        "each_node",
    );
    let job = site.wait_for_end(&tenant.developer, &id);
    assert_eq!(job["state"], "succeeded", "{job}");
    let said = site.stdout(&tenant.developer, &id);
    let mut lines: Vec<&str> = said.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["rank 0 of 2 with 2 cards", "rank 1 of 2 with 2 cards"]);
}
