//! Secrets: a job gets what it names, and nothing else shows it.

use std::{fs, io::Write as _, os::unix::fs::PermissionsExt as _, path::Path, process::Stdio};

use serde_json::{Value, json};
use testkit::{Site, Terminal, grant, job};

use crate::QIANTANG;

/// Runs a command with this on its standard input.
fn with_input(terminal: &Terminal, args: &[&str], input: &str) -> (bool, String) {
    let mut child = terminal.command(args).stdin(Stdio::piped()).spawn().expect("the command starts");
    child.stdin.take().expect("it is piped").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("the command ends");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).expect("text"))
}

fn set(terminal: &Terminal, args: &[&str], value: &str) {
    let (is_good, said) = with_input(terminal, &[&["secrets", "set"], args].concat(), value);
    assert!(is_good, "{said}");
    assert!(!said.contains(value), "{said}");
}

/// All files below a folder that have the text in them.
fn files_with(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            // A fifo, as the engine's hints are, has no end.
            } else if entry.file_type().is_ok_and(|kind| kind.is_file())
                && fs::read(&path)
                    .is_ok_and(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
            {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

fn named(script: &str, secrets: &[&str]) -> Value {
    let mut spec = job("uses", script);
    spec["secrets"] = json!(secrets);
    spec["project"] = json!("work");
    spec
}

#[test]
fn a_job_gets_the_secrets_that_it_names_and_nothing_else_shows_them() {
    let mut site = Site::new(QIANTANG, 2, "");
    let (tenant, other) =
        (site.tenant("univ", "research", &grant(), 16), site.tenant("lab", "research", &grant(), 8));
    let (value, project_value) = ("s3cr3t-of-all-4711", "s3cr3t-of-work-4712");
    {
        let admin = Terminal::signed_in(&site, "univ-admin");
        let developer = Terminal::signed_in(&site, "univ-developer");
        set(&admin, &["API_KEY", "--tenant"], value);
        set(&admin, &["DB_PASS", "--tenant"], "wide-4713");
        set(&admin, &["DB_PASS", "--project", "work"], project_value);
        set(&developer, &["MINE"], "own-4714\nof two lines");
        // Who may not keep the tenant's is refused, and so is a value among the arguments.
        let (is_good, said) = with_input(&developer, &["secrets", "set", "API_KEY", "--tenant"], "x");
        assert!(!is_good && said.contains("keep_secret"), "{said}");
        assert_ne!(developer.run(&["secrets", "set", "API_KEY", "value"]).0, 0);
        let listed = developer.ok(&["secrets"]);
        for name in ["API_KEY", "DB_PASS", "MINE", "work", "yourself"] {
            assert!(listed.contains(name), "{listed}");
        }
        assert!(!listed.contains("4711") && !admin.ok(&["secrets", "list"]).contains("MINE"), "{listed}");
        // By a line of a script, on the command line and in a task file; the closest owner's wins.
        let script = developer.file(
            "a.sh",
            "#!/bin/bash\n#QIANTANG --secrets=API_KEY,DB_PASS\n#SBATCH -A work -t 1\n\
             test \"$API_KEY\" = s3cr3t-of-all-47''11 && test \"$DB_PASS\" = s3cr3t-of-work-4712 && test -z \"$MINE\" && echo good\n",
        );
        assert!(
            developer.ok(&["submit", "--wait", &script]).contains("good") || {
                let id = developer.json(&["jobs"])["items"][0]["id"].as_str().expect("an id").to_owned();
                site.stdout(&tenant.developer, &id) == "good\n"
            }
        );
        let task = developer.file(
            "b.yaml",
            "name: b\nproject: work\nsecrets: [MINE]\ncommands:\n  - test \"$MINE\" = \"$(printf 'own-4714\\nof two lines')\"\n",
        );
        let applied = developer.json(&["apply", "--file", &task])["id"].as_str().expect("an id").to_owned();
        assert_eq!(site.wait_for_end(&tenant.developer, &applied)["state"], "succeeded");
        let plain = developer.file("c.sh", "#!/bin/bash\ntest \"$API_KEY\" = s3cr3t-of-all-47''11\n");
        developer.ok(&["submit", "--wait", "--secrets", "API_KEY", "-A", "work", &plain]);
    }
    // What is not there is refused as it is submitted: another tenant's, another person's, a word that is no name.
    for (token, name) in
        [(&other.developer, "API_KEY"), (&tenant.admin, "MINE"), (&tenant.developer, "no name")]
    {
        let (status, answer) = site.ask("POST", "/api/v1/jobs", token, Some(&named("true", &[name])));
        assert_eq!((status, answer["errors"][0]["field"].as_str()), (422, Some("secrets")), "{answer}");
    }
    let mut both = named("true", &["API_KEY"]);
    both["env"] = json!({ "API_KEY": "x" });
    assert_eq!(site.ask("POST", "/api/v1/jobs", &tenant.developer, Some(&both)).0, 422);

    // Nothing of the center shows a value: no answer, no event, no line of its logs, no file, no backup.
    let running = site.submit(&tenant, &named("while [ ! -e enough ]; do sleep 0.1; done", &["API_KEY"]));
    site.wait_for_state(&tenant.developer, &running, "running");
    for path in ["jobs", "secrets", "audit", "overview"] {
        let told = site.get(&format!("/api/v1/{path}"), &tenant.admin).to_string();
        assert!(!told.contains("4711"), "{path}: {told}");
    }
    let told = site.get(&format!("/api/v1/jobs/{running}"), &tenant.developer);
    assert_eq!(told["spec"]["secrets"], json!(["API_KEY"]));
    assert!(!told.to_string().contains("4711"));
    let audit = site.get("/api/v1/audit?action=keep_secret", &site.operator).to_string();
    assert!(audit.contains("API_KEY") && !audit.contains("471"), "{audit}");
    let backup = site.backups().join("one.db");
    site.post("/api/v1/backup", &site.operator, &json!({ "path": backup.display().to_string() }));
    assert_eq!(files_with(site.folder.path(), value), Vec::<String>::new());
    let key = site.data().join("secrets.key");
    assert_eq!(fs::metadata(&key).expect("the key").permissions().mode() & 0o777, 0o600);
    let line = fs::read_to_string(&key).expect("the key");
    assert_eq!(files_with(&site.backups(), line.trim()), Vec::<String>::new());

    // A new key takes the old one's place, and all goes on, also after a restart.
    let operator = Terminal::signed_in(&site, "operator");
    assert!(operator.ok(&["secrets", "rotate-key"]).starts_with("4 secrets"));
    drop(operator);
    assert_ne!(fs::read_to_string(&key).expect("the key"), line);
    site.stop();
    site.start();
    site.wait_for("the center", || site.try_ask("GET", "/api/v1/me", &site.operator, None, &[]).ok());
    let again = site.submit(&tenant, &named("test \"$API_KEY\" = s3cr3t-of-all-47''11", &["API_KEY"]));
    assert_eq!(site.wait_for_end(&tenant.developer, &again)["state"], "succeeded");
}

#[test]
fn a_secret_that_is_gone_ends_the_run_with_the_reason() {
    let site = Site::new(QIANTANG, 1, "");
    let tenant = site.tenant("univ", "research", &grant(), 8);
    let developer = Terminal::signed_in(&site, "univ-developer");
    set(&developer, &["MINE"], "own");
    let mut all = named("while [ ! -e enough ]; do sleep 0.1; done", &[]);
    all["cards_per_node"] = json!(8);
    let first = site.submit(&tenant, &all);
    site.wait_for_state(&tenant.developer, &first, "running");
    let waits = site.submit(&tenant, &named("true", &["MINE"]));
    developer.ok(&["secrets", "remove", "MINE"]);
    assert_ne!(developer.run(&["secrets", "remove", "MINE"]).0, 0, "it is gone");
    site.post(&format!("/api/v1/jobs/{first}/cancel"), &tenant.developer, &json!({}));
    site.wait_for_end(&tenant.developer, &waits);
    let runs = site.get(&format!("/api/v1/jobs/{waits}/runs"), &tenant.developer);
    assert_eq!(runs["items"][0]["state"], "failed_to_start", "{runs}");
}
