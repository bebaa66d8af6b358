//! Scripts as people have them for sbatch give the same through `sbatch` and through `qiantang submit`: the
//! same end, output and files. Each is run both ways on one cluster, in a folder of its own.

mod outcome;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use testkit::{Cluster, Site, Tenant, grant, open_folder};

use self::outcome::{of_center, of_sbatch};
use crate::QIANTANG;

/// A script of `tests/sbatch`, with its arguments, the files that it finds, and how it has to end.
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
    // The one that takes longest comes first.
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

/// Scripts that wait for another, and how. All of them work in the first one's folder.
const CHAIN: &[(&str, &str, &str)] = &[
    ("train.sh", "afterok", "prepare.sh"),
    ("rescue.sh", "afternotok", "train.sh"),
    ("tidy.sh", "afterany", "rescue.sh"),
];

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sbatch")
}

/// The scripts that are also run by a center that asks slurmrestd.
const BY_REST: &[&str] = &["multi_node.sh", "hybrid.sh", "strict.sh", "background.sh"];

/// Submits a script from a folder, perhaps with an option to wait for another. Returns its id.
type Submit<'a> = Box<dyn Fn(&Path, Option<String>, &Case) -> String + 'a>;

/// Scripts that are all submitted in one way.
struct Way<'a> {
    root: PathBuf,
    /// The ids by script.
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

/// A command in the environment of somebody who has just signed in.
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
    let mut command = command(QIANTANG, folder);
    command.env("QIANTANG_URL", &site.url).env("QIANTANG_TOKEN", &tenant.developer);
    command
}

fn submit(site: &Site, tenant: &Tenant, folder: &Path, after: Option<String>, case: &Case) -> String {
    let mut command = qiantang(site, tenant, folder);
    command.args(["submit", "--parsable"]).args(after).arg(case.script).args(case.args);
    succeeded(&command.output().expect("it runs"), case.script)
}

/// A center on the cluster, by Slurm's commands or by slurmrestd, and one of its tenants.
fn center(cluster: &Cluster, shared: &Path, by_rest: bool) -> (Site, Tenant) {
    let mut settings = cluster.settings(shared);
    if by_rest {
        settings += &cluster.rest_settings();
    }
    let site = crate::center(&settings);
    let tenant = site.tenant("lab", "research", &grant(), 32);
    (site, tenant)
}

#[test]
fn a_script_gives_the_same_through_sbatch_and_through_the_center() {
    let Some((_alone, cluster)) = crate::cluster() else { return };
    let _may_be_there = cluster.try_slurm("sacctmgr", &["-i", "add", "account", "work"]);
    let _may_be_there = cluster.try_slurm("sacctmgr", &["-i", "add", "user", "root", "account=work"]);
    let (shared, work) = (open_folder(), open_folder());
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
        site.wait_for("the job that is to be cancelled", || ready.exists().then_some(()));
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
        let was_there = |name: &str| {
            let is_its = |case: &&Case| case.script == name || case.files.iter().any(|file| file.0 == name);
            cases.iter().any(is_its)
        };
        // The files of a chain are compared when its last script has ended.
        let is_in_chain = cases.len() > 1;
        let mut theirs = site.wait_for(&format!("the end of {script} by sbatch"), || {
            of_sbatch(&cluster, &slurms.folder(script), &slurms.ids[script], &was_there)
        });
        let mut own = site.wait_for(&format!("the end of {script} in the center"), || {
            of_center((&site, &tenant, &cluster), &ours.folder(script), &ours.ids[script], &was_there)
        });
        for result in [&mut theirs, &mut own] {
            result.leave_out_chance();
        }
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
            let mut own = site.wait_for(&format!("the end of {script} by slurmrestd"), || {
                of_center((&rest, &of_rest, &cluster), &by_rest.folder(script), id, &was_there)
            });
            own.leave_out_chance();
            if theirs != own {
                let _never_fails = writeln!(wrong, "{script} by sbatch {theirs:#?}\nby slurmrestd {own:#?}");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}\n{}\n{}", site.log(), rest.log());
}

/// A time limit is as many minutes to the center as to Slurm.
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

/// An option that the center ignores is named where the script is submitted, and one that Slurm takes is not.
fn what_is_not_taken_is_said(site: &Site, tenant: &Tenant, folder: &Path) {
    let mut ask = qiantang(site, tenant, folder);
    let output = ask.args(["submit", "--dry-run", "words.sh"]).output().expect("it runs");
    succeeded(&output, "words.sh");
    let said = String::from_utf8_lossy(&output.stderr);
    for option in ["--partition", "--mail-type", "--requeue"] {
        assert!(said.contains(option), "{option}: {said}");
    }
    let script = std::fs::read_to_string(sources().join("words.sh")).expect("the script");
    let answer = ureq::post(format!("{}/api/v1/jobs/script", site.url))
        .header("Authorization", format!("Bearer {}", tenant.developer))
        .header("Content-Type", "text/plain")
        .send(format!("{}exit 0\n#SBATCH -n 9\n", script.split("##SBATCH").next().expect("options")));
    let answer = answer.expect("an answer").into_body().read_to_string().expect("text");
    assert!(answer.contains("--mail-type") && !answer.contains("--output"), "{answer}");
}

/// A script for sbatch that is to be started on each node says so on a line that sbatch ignores.
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
