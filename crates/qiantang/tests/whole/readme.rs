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

/// The words of a page's language: those of a job that waits no more, and the mark of a check that failed.
struct Words {
    lang: &'static str,
    waits_no_more: &'static str,
    failed: &'static str,
}

/// What a machine may lack of what a center can use: the doctor says so, and the center runs.
const MAY_LACK: [&str; 4] = ["isolation", "surroundings", "隔离", "运行环境"];

impl Words {
    /// A command that fails may do so for one reason: what waits no more has no reason to wait, and a machine may lack
    /// what isolates runs.
    fn may_fail(&self, command: &str, code: Option<i32>, told: &str) -> bool {
        if command.starts_with("qiantang why") {
            return code == Some(4) && told.contains(self.waits_no_more);
        }
        let failed: Vec<&str> = told.lines().filter_map(|line| line.strip_prefix(self.failed)).collect();
        let is_known = |line: &&str| MAY_LACK.iter().any(|name| line.trim_start().starts_with(name));
        command.starts_with("qiantang doctor")
            && code == Some(5)
            && !failed.is_empty()
            && failed.iter().all(is_known)
    }
}

fn walk(readme: &str, words: &Words) {
    let (settings, commands) = first_center(readme);
    assert!(commands.len() > 15, "{commands:?}");
    let site = Site::with_settings(QIANTANG, &settings);
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
        shell.env("LANG", words.lang).env_remove("LC_ALL").env_remove("LC_MESSAGES");
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
        let code = output.status.code();
        assert!(code == Some(0) || words.may_fail(&text, code, &told), "{text}: {code:?}\n{told}");
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
    let words = Words {
        lang: "en_US.UTF-8",
        waits_no_more: "nothing of the job waits; it has ended: succeeded",
        failed: "FAIL",
    };
    walk(include_str!("../../../../README.md"), &words);
}

#[test]
fn the_first_center_of_the_chinese_readme_works_as_printed() {
    let words = Words {
        lang: "zh_CN.UTF-8", waits_no_more: "作业不在等待，已经结束：成功", failed: "异常"
    };
    walk(include_str!("../../../../README.zh.md"), &words);
}
