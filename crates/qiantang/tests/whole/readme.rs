//! The first center of the README, by its own commands, in both languages.

use std::process::{Command, Stdio};

use testkit::{PASSWORD, Site, Terminal};

use crate::QIANTANG;

/// The settings and the commands of the section on a first center.
fn first_center(readme: &str) -> (String, Vec<String>) {
    let settings =
        readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("settings");
    // A test has its own address and folder.
    let own = |line: &&str| !line.starts_with("listen") && !line.starts_with("data_dir");
    let settings = settings.lines().filter(own).collect::<Vec<_>>().join("\n") + "\n";
    let steps = readme.split("\n**3.").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("steps");
    let lines = steps.lines().filter_map(|line| line.strip_prefix("    "));
    let mut commands: Vec<String> = Vec::new();
    let mut ends_with = None::<String>;
    for line in lines {
        let is_part = ends_with.is_some();
        if ends_with.as_deref() == Some(line) {
            ends_with = None;
        } else if let Some((_, word)) = line.split_once("<<'") {
            ends_with = Some(word.trim_end_matches('\'').to_owned());
        }
        match commands.last_mut().filter(|_| is_part) {
            Some(last) => {
                last.push('\n');
                last.push_str(&line.replace("sleep 20", "sleep 1"));
            }
            None => commands.push(line.to_owned()),
        }
    }
    (settings, commands)
}

fn walk(readme: &str) {
    let (settings, commands) = first_center(readme);
    assert!(commands.len() > 15, "{commands:?}");
    let site = Site::with_settings(QIANTANG, &settings);
    std::fs::copy(site.settings(), site.folder.path().join("center.toml")).expect("it is there");
    let at = Terminal::at(&site);
    let bin = std::path::Path::new(QIANTANG).parent().expect("a folder").display().to_string();
    let mut job = String::new();
    for command in commands {
        if command.contains("JOB") && job.is_empty() {
            let jobs = at.json(&["jobs"]);
            jobs["items"][0]["id"].as_str().expect("a job").clone_into(&mut job);
        }
        let text = if command.starts_with("cat") { command.clone() } else { command.replace("JOB", &job) };
        let text = text.replace("--config center.toml", &format!("--config {}", site.settings().display()));
        let mut shell = Command::new("bash");
        shell.args(["-c", &text]).current_dir(at.home.path()).env("HOME", at.home.path());
        shell.env("PATH", format!("{bin}:{}", std::env::var("PATH").expect("a path")));
        shell.env("QIANTANG_URL", &site.url).env_remove("QIANTANG_TOKEN").env_remove("XDG_CONFIG_HOME");
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = shell.spawn().expect("bash starts");
        // Commands that ask for a password read it from their input where that is no terminal.
        let mut input = child.stdin.take().expect("its input");
        let _ = std::io::Write::write_all(&mut input, format!("{PASSWORD}\n").as_bytes());
        drop(input);
        let output = child.wait_with_output().expect("it ends");
        let told =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        // What waits no more has no reason to wait, and a machine may lack what the doctor looks for.
        let may_fail = ["qiantang why", "qiantang doctor"].iter().any(|word| text.starts_with(word));
        assert!(output.status.success() || may_fail, "{text}\n{told}");
    }
    let operator = Terminal::signed_in(&site, "operator");
    let doctor = operator.run(&["doctor", "--json"]).1;
    assert!(doctor.contains("all done"), "nothing of the first steps is left: {doctor}");
    let backups = std::fs::read_dir(site.backups()).expect("the folder for backups");
    let mut names = backups.map(|entry| entry.expect("an entry").path());
    assert!(names.any(|path| path.extension().is_some_and(|ending| ending == "db")), "the backup is there");
    let ended = site.get(&format!("/api/v1/jobs/{job}"), &site.operator);
    assert_eq!(ended["state"], "succeeded", "{ended}");
}

#[test]
fn the_first_center_of_the_readme_works_as_printed() {
    walk(include_str!("../../../../README.md"));
}

#[test]
fn the_first_center_of_the_chinese_readme_works_as_printed() {
    walk(include_str!("../../../../README.zh.md"));
}
