//! The command line understands what it is told, or refuses it: nothing is passed over without a word.

use std::{
    fs::{File, OpenOptions},
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};
use testkit::{Site, Terminal, grant, job};

use crate::QIANTANG;

/// A command that talks to no center. Returns its exit code and what it says on standard error.
fn alone(args: &[&str], more: impl FnOnce(&mut Command)) -> (i32, String) {
    let mut command = Command::new(QIANTANG);
    command.args(args).env("LANG", "en_US.UTF-8").env_remove("LC_ALL");
    command.stdin(Stdio::null()).stdout(Stdio::null());
    more(&mut command);
    let output = command.output().expect("the command runs");
    let said = String::from_utf8(output.stderr).expect("text");
    (output.status.code().expect("a code"), said)
}

#[test]
fn options_that_would_be_ignored_are_refused() {
    for (args, reason) in [
        (&["submit", "--dry-run", "--wait", "job.sh"][..], "--wait"),
        (&["submit", "--dry-run", "--parsable", "job.sh"], "--parsable"),
        (&["submit", "--json", "--parsable", "job.sh"], "--parsable can't be used with --json"),
        (&["--json", "statement", "--csv"], "--csv can't be used with --json"),
        (&["history", "--out", "-", "--json"], "--out - can't be used with --json"),
        (&["demo", "--once", "--shared-dir", "/tmp"], "--shared-dir says something about Slurm"),
        (&["demo", "--once", "--slurm-user", "nobody"], "--slurm-user says something about Slurm"),
    ] {
        let (code, said) = alone(args, |_| ());
        assert!(code == 2 && said.contains(reason), "{args:?}: {code} {said}");
    }
}

#[test]
fn an_input_that_has_ended_gives_no_password() {
    for args in [&["login", "lin"][..], &["login", "lin", "--password-stdin"]] {
        let (code, said) = alone(args, |_| ());
        assert!(code == 2 && said.contains("no password was given"), "{args:?}: {code} {said}");
    }
    let (code, said) = alone(&["login"], |_| ());
    assert!(code == 2 && said.contains("no login was given"), "{code} {said}");
}

#[test]
fn output_that_cannot_be_written_is_a_failure_but_a_reader_that_has_gone_is_none() {
    let full = OpenOptions::new().write(true).open("/dev/full").expect("the system has it");
    let (code, said) = alone(&["completions", "bash"], |command| {
        command.stdout(full);
    });
    assert!(code == 5 && said.contains("standard output"), "{code} {said}");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let (code, said) = alone(&["completions", "bash"], |command| {
        command.stdout(writer);
    });
    assert_eq!((code, said.as_str()), (0, ""));
}

#[test]
fn a_damaged_file_of_the_token_is_named() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path().join("client.json");
    std::fs::write(&path, "{").expect("a file");
    for args in [&["jobs"][..], &["login", "lin", "--url", "http://127.0.0.1:1"]] {
        let (code, said) = alone(args, |command| {
            let password = home.path().join("password");
            std::fs::write(&password, "secret-enough\n").expect("a file");
            command.env("QIANTANG_CONFIG", &path).stdin(File::open(password).expect("it is there"));
        });
        let path = path.to_str().expect("a path");
        assert!(code == 5 && said.contains(path) && said.contains("remove this file"), "{code} {said}");
    }
}

#[test]
fn a_log_filter_that_cannot_be_read_stops_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, said) = alone(&["serve"], |command| {
        let data = folder.path().join("data");
        command.env("RUST_LOG", "center=loud").env("QIANTANG__DATA_DIR", data);
    });
    assert!(code == 2 && said.contains("center=loud"), "{code} {said}");
}

#[test]
fn a_log_is_followed_through_a_restart_of_the_center() {
    let mut site = Site::new(QIANTANG, 1, "");
    site.stop();
    site.keep_address();
    site.start();
    let tenant = site.tenant("univ", "research", &grant(), 8);
    let go = site.folder.path().join("go");
    let script = format!("echo before; while [ ! -e {} ]; do sleep 0.02; done; echo after", go.display());
    let id = site.submit(&tenant, &job("through", &script));
    let at = Terminal::signed_in(&site, "univ-developer");
    let (mut people, mut first) = followed(&mut at.command(&["logs", "-f", &id]));
    let (mut program, piece) = followed(&mut at.command(&["logs", "-f", &id, "--json"]));
    assert_eq!((first.as_str(), piece.contains("before")), ("before\n", true));
    site.stop();
    site.start();
    std::fs::write(go, "").expect("a file");
    site.wait_for_end(&tenant.developer, &id);
    let (code, said) = people.rest(&mut first);
    assert!(code == 0 && said.contains("trying again"), "{code} {said}");
    assert_eq!(first, "before\nafter\n");
    let mut pieces = piece;
    assert_eq!(program.rest(&mut pieces), (0, String::new()));
    let pieces = pieces.lines().map(|line| serde_json::from_str::<Value>(line).expect("an object"));
    let log: String = pieces.map(|piece| piece["data"].as_str().expect("text").to_owned()).collect();
    assert_eq!(log, "before\nafter\n");
}

/// A command that is followed while it runs.
struct Followed {
    child: Child,
    out: BufReader<ChildStdout>,
}

/// Starts a command and waits for its first line.
fn followed(command: &mut Command) -> (Followed, String) {
    let mut child = command.spawn().expect("it starts");
    let mut out = BufReader::new(child.stdout.take().expect("the output is piped"));
    let mut line = String::new();
    out.read_line(&mut line).expect("it says a line");
    (Followed { child, out }, line)
}

impl Followed {
    /// Adds the rest of its output. Returns its exit code and what it said on standard error.
    fn rest(&mut self, output: &mut String) -> (i32, String) {
        self.out.read_to_string(output).expect("text");
        let mut said = String::new();
        self.child.stderr.take().expect("it is piped").read_to_string(&mut said).expect("text");
        (self.child.wait().expect("it ends").code().expect("a code"), said)
    }
}

#[test]
fn all_runs_of_a_job_are_shown_and_a_script_may_be_called_script() {
    let site = Site::new(QIANTANG, 1, "");
    let tenant = site.tenant("univ", "research", &grant(), 8);
    let at = Terminal::signed_in(&site, "univ-developer");
    let mut spec = job("sweep", "true");
    spec["array"] = json!({ "ranges": [{ "first": 0, "last": 24 }] });
    let id = site.submit(&tenant, &spec);
    site.wait_for_end(&tenant.developer, &id);
    assert_eq!(at.json(&["show", &id])["runs"].as_array().map(Vec::len), Some(25));

    let file = at.file("train.sh", "#!/bin/sh\ntrue\n");
    let name = |args: &[&str]| at.json(&[&["submit"], args].concat())["name"].clone();
    assert_eq!(name(&[&file]), "train.sh");
    assert_eq!(name(&["--job-name=script", &file]), "script");
}
