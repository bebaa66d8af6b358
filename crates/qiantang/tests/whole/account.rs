//! Signing in and out, passwords, tokens and kept sign-ins by commands.

mod devices;

use std::{io::Write as _, os::unix::fs::PermissionsExt as _, process::Stdio};

use testkit::{Browser, PASSWORD, Site, Terminal, enrol, grant};

use crate::QIANTANG;

/// The file of kept sign-ins in a home.
const KEPT: &str = ".config/qiantang/client.json";

/// Runs a command that reads a password. Returns its exit code and what it said.
fn with_password(terminal: &Terminal<'_>, args: &[&str], password: &str) -> (i32, String) {
    let mut command = terminal.command(args);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    writeln!(stdin, "{password}").expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().expect("a code"), text(&output.stdout) + &text(&output.stderr))
}

#[test]
fn who_signs_out_leaves_no_token_behind() {
    let mut site = Site::new(QIANTANG, 1, "");
    site.tenant("univ", "research", &grant(), 8);
    let terminal = Terminal::signed_in(&site, "univ-developer");
    assert!(terminal.ok(&["whoami"]).contains("univ-developer"));
    let rights =
        std::fs::metadata(terminal.home.path().join(KEPT)).expect("the sign-in is kept").permissions().mode();
    assert_eq!(rights & 0o777, 0o600, "nobody else reads it");
    let kept = std::fs::read_to_string(terminal.home.path().join(KEPT));
    let kept = kept.expect("the sign-in is kept");
    let kept: serde_json::Value = serde_json::from_str(&kept).expect("JSON");
    let token = kept["profiles"]["default"]["token"].as_str().expect("a token").to_owned();

    // A token for a program is told once, works, and ends.
    let made = terminal.json(&["tokens", "new", "nightly"]);
    let program = made["token"].as_str().expect("a token").to_owned();
    assert_eq!(site.get("/api/v1/me", &program)["login"], "univ-developer");
    assert!(terminal.ok(&["tokens"]).contains("nightly"));
    terminal.ok(&["tokens", "revoke", made["id"].as_str().expect("an id")]);
    assert_eq!(site.ask("GET", "/api/v1/me", &program, None).0, 401);

    // A new password ends all others' sign-ins, and not one's own here.
    let elsewhere = site.login("univ-developer");
    let (code, said) = with_password(&terminal, &["passwd"], &format!("{PASSWORD}\nshort"));
    assert!(code == 4 && said.contains("password"), "{said}");
    let (code, said) = with_password(&terminal, &["passwd"], "not the present one\nanother one, longer");
    assert!(code == 4 && said.contains("old_password"), "{said}");
    let (code, said) = with_password(&terminal, &["passwd"], &format!("{PASSWORD}\npassword123"));
    assert!(code == 4 && said.contains("first that guessers try"), "{said}");
    let (code, said) = with_password(&terminal, &["passwd"], &format!("{PASSWORD}\nanother one, longer"));
    assert_eq!(code, 0, "{said}");
    assert_eq!(site.ask("GET", "/api/v1/me", &elsewhere, None).0, 401);
    assert_eq!(site.ask("GET", "/api/v1/me", &token, None).0, 401);
    assert_eq!(terminal.json(&["whoami"])["member"]["login"], "univ-developer");
    let (code, said) = with_password(&terminal, &["login", "univ-developer"], "wrong, and long enough");
    assert!(code == 4 && said.contains("the login or the password is wrong"), "{said}");

    let kept = std::fs::read_to_string(terminal.home.path().join(KEPT)).expect("it is kept");
    let kept: serde_json::Value = serde_json::from_str(&kept).expect("JSON");
    let token = kept["profiles"]["default"]["token"].as_str().expect("a token").to_owned();
    assert_eq!(terminal.json(&["logout"])["is_token_ended"], true);
    assert_eq!(site.ask("GET", "/api/v1/me", &token, None).0, 401, "the token has ended");
    let (code, _, said) = terminal.run(&["jobs"]);
    assert!(code == 4 && said.contains("nobody is signed in") && said.contains("qiantang login"), "{said}");
    assert!(!said.contains("Bearer"), "{said}");
    let (code, _, said) = terminal.run(&["logout"]);
    assert!(code == 2 && said.contains("nobody is signed in"), "{said}");

    // What QIANTANG_TOKEN has is said of QIANTANG_TOKEN.
    for (given, says, exit) in [("qt_old", "QIANTANG_TOKEN", 4), ("qt_a\nqt_b", "line breaks", 2)] {
        let output = terminal.command(&["jobs"]).env("QIANTANG_TOKEN", given).output().expect("it runs");
        let said = String::from_utf8(output.stderr).expect("text");
        assert!(output.status.code() == Some(exit) && said.contains(says), "{given:?}: {said}");
    }

    // Nobody knows the operator's password any more.
    let config = site.folder.path().join("center.toml").to_str().expect("text").to_owned();
    let break_glass = ["passwd", "operator", "--config", &config];
    let (home, program) = (terminal.home, site.program().to_owned());
    let run = |password: &str, args: &[&str]| {
        let mut child = std::process::Command::new(&program)
            .args(args)
            .env("QIANTANG_CONFIG", home.path().join(KEPT))
            .env("LANG", "en_US.UTF-8")
            .env_remove("LC_ALL")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        writeln!(child.stdin.take().expect("a pipe"), "{password}").expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().expect("a code"), String::from_utf8(said).expect("text"))
    };
    let (code, said) = run("found it again", &break_glass);
    assert!(code == 5 && said.contains("stop"), "the center runs: {said}");
    let before = site.operator.clone();
    site.stop();
    let (code, said) = run("found it again", &["passwd", "nobody", "--config", &config]);
    assert!(code == 5 && said.contains("operator"), "{said}");
    let (code, said) = run("found it again", &break_glass);
    assert_eq!(code, 0, "{said}");
    site.start();
    assert_eq!(site.ask("GET", "/api/v1/me", &before, None).0, 401);
    let body = serde_json::json!({ "login": "operator", "password": "found it again" });
    let operator = site.post("/api/v1/login", "", &body)["token"].as_str().expect("a token").to_owned();
    let newest = site.get("/api/v1/audit?action=manage_member", &operator)["items"][0].clone();
    assert_eq!((&newest["actor"], &newest["detail"]["on_the_machine"]), (&"center".into(), &true.into()));
    assert_eq!(site.get("/api/v1/ledger/check", &operator)["is_balanced"], true);
}

#[test]
fn sign_ins_at_two_centers_are_kept_apart() {
    let sites = ["one", "two"].map(|slug| {
        let site = Site::new(QIANTANG, 1, "");
        site.tenant(slug, "research", &grant(), 8);
        site
    });
    let first = Terminal::signed_in(&sites[0], "one-developer");
    let second = Terminal::signed_in(&sites[1], "two-developer");
    let sign_in = |url: &str, login: &str, name: &str| {
        let mut command = std::process::Command::new(QIANTANG);
        let mut child = command
            .args(["login", login, "--password-stdin", "--url", url, "--profile", name])
            .env("QIANTANG_CONFIG", first.home.path().join(KEPT))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
        writeln!(child.stdin.take().expect("a pipe"), "{PASSWORD}").expect("it reads");
        assert!(child.wait().expect("it ends").success());
    };
    sign_in(&sites[1].url, "two-developer", "lab");
    drop(second);
    let who = |args: &[&str]| {
        let mut command = std::process::Command::new(QIANTANG);
        command.args(args).env("QIANTANG_CONFIG", first.home.path().join(KEPT));
        let output = command.args(["whoami", "--json"]).output().expect("it runs");
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        answer["member"]["login"].as_str().map(str::to_owned)
    };
    assert_eq!(who(&[]).as_deref(), Some("two-developer"), "the last sign-in");
    assert_eq!(who(&["--profile", "default"]).as_deref(), Some("one-developer"));
    assert_eq!(who(&["--url", &sites[0].url]).as_deref(), Some("one-developer"));
    assert_eq!(who(&["--profile", "lap"]), None);
    let run = |args: &[&str]| {
        let mut command = std::process::Command::new(QIANTANG);
        command.args(args).env("QIANTANG_CONFIG", first.home.path().join(KEPT));
        let output = command.env("LANG", "en_US.UTF-8").output().expect("it runs");
        String::from_utf8([output.stdout, output.stderr].concat()).expect("text")
    };
    assert!(run(&["profiles", "use", "lap"]).contains("default, lab"));
    run(&["profiles", "use", "default"]);
    assert_eq!(who(&[]).as_deref(), Some("one-developer"));
    run(&["profiles", "remove", "default"]);
    let left = run(&["profiles"]);
    assert!(left.contains("lab") && !left.contains("one-developer"), "{left}");
}

#[test]
fn one_person_of_two_tenants_says_at_the_sign_in_as_whom() {
    let site = Site::new(QIANTANG, 1, "[limits]\nsign_ins_per_minute = 1000000\n");
    site.tenant("univ", "research", &grant(), 8);
    site.tenant("corp", "enterprise", &grant(), 8);
    let operator = Terminal::signed_in(&site, "operator");
    operator.ok(&["members", "add", "univ-developer", "--role", "finance", "--tenant", "corp"]);
    let terminal = Terminal::at(&site);
    let sign_in =
        |more: &[&str]| with_password(&terminal, &[&["login", "univ-developer"], more].concat(), PASSWORD);
    let (code, said) = sign_in(&[]);
    assert!(code == 4 && said.contains("corp, univ") && said.contains("short name"), "{said}");
    let (code, said) = sign_in(&["--tenant", "corp"]);
    assert_eq!(code, 0, "{said}");
    let whoami = terminal.ok(&["whoami"]);
    assert!(whoami.contains("corp · ") && whoami.contains("univ · "), "{whoami}");
    assert_eq!(terminal.json(&["whoami"])["member"]["tenant_slug"], "corp");
    let (code, said) = sign_in(&["--center"]);
    assert!(code == 4 && said.contains("tenant"), "{said}");
    // A new password keeps one signed in as the same member.
    let (code, said) = with_password(&terminal, &["passwd"], &format!("{PASSWORD}\nanother one, longer"));
    assert_eq!(code, 0, "{said}");
    assert_eq!(terminal.json(&["whoami"])["member"]["tenant_slug"], "corp");

    // Which of two members is meant is asked for, too.
    let (code, _, said) = operator.run(&["members", "disable", "univ-developer"]);
    assert!(code == 2 && said.contains("corp") && said.contains("--tenant"), "{said}");
    operator.ok(&["members", "disable", "univ-developer", "--tenant", "corp"]);
    assert_eq!(terminal.run(&["jobs"]).0, 4);
    assert!(operator.ok(&["persons"]).contains("univ-developer"));
    operator.ok(&["persons", "set", "univ-developer", "--email", "dev@univ.example"]);
    operator.ok(&["persons", "disable", "univ-developer"]);
    let known = operator.json(&["persons"]);
    let known = known.as_array().expect("persons").iter().find(|person| person["login"] == "univ-developer");
    let known = known.expect("the person");
    assert_eq!((&known["is_enabled"], &known["email"]), (&false.into(), &"dev@univ.example".into()));
    operator.ok(&["persons", "enable", "univ-developer"]);
}

#[test]
fn an_administrator_invites_and_takes_back() {
    let site = Site::new(QIANTANG, 1, "");
    site.tenant("univ", "research", &grant(), 8);
    let admin = Terminal::signed_in(&site, "univ-admin");
    let link = admin.ok(&["members", "invite", "lin@univ.example", "--role", "developer"]);
    let (url, token) = link.trim().split_once("/join/").expect("a link");
    assert_eq!(url, site.url);
    let made = admin.json(&["members", "invite", "wang@univ.example", "--role", "finance"]);
    let id = made["invitation"]["id"].as_str().expect("an id");
    admin.ok(&["members", "take-back", id]);
    let body = serde_json::json!({ "token": token, "login": "lin", "name": "Lin", "password": PASSWORD });
    site.post("/api/v1/join", "", &body);
    assert_eq!(admin.json(&["sessions"]), serde_json::json!([]), "a command is no browser");
    let browser = Browser::signed_in(&site, "univ-admin");
    let listed = admin.json(&["sessions"]);
    let session = listed[0]["id"].as_str().expect("an id");
    assert!(admin.ok(&["sessions"]).contains(session));
    admin.ok(&["sessions", "end", session]);
    assert_eq!(browser.get("/").status, 303);
    let all = admin.ok(&["members", "invitations"]);
    assert!(
        all.contains("revoked") && all.contains("lin@univ.example") && all.contains("univ-admin"),
        "{all}"
    );
    assert!(!all.contains(token), "{all}");
    assert!(admin.ok(&["members"]).contains("Lin"));
}

#[test]
fn a_lost_second_factor_is_removed_on_the_center_s_machine() {
    let mut site = Site::new(QIANTANG, 1, "");
    enrol(&Browser::signed_in(&site, "operator"), PASSWORD);
    let login = serde_json::json!({ "login": "operator", "password": PASSWORD });
    assert_eq!(site.ask("POST", "/api/v1/login", "", Some(&login)).1["code"], "code_needed");
    let (code, said) = with_password(&Terminal::at(&site), &["login", "operator"], PASSWORD);
    assert!(code == 4 && said.contains("second factor") && said.contains("recovery code"), "{said}");
    let config = site.folder.path().join("center.toml").to_str().expect("text").to_owned();
    let remove = ["passwd", "operator", "--config", &config, "--remove-second-factor"];
    let (code, _, said) = Terminal::at(&site).run(&remove);
    assert!(code == 5 && said.contains("stop"), "the center runs: {said}");
    site.stop();
    assert_eq!(Terminal::at(&site).run(&remove).0, 0);
    let (code, _, said) = Terminal::at(&site).run(&remove);
    assert!(code == 5 && said.contains("no second factor"), "{said}");
    site.start();
    assert_eq!(site.ask("GET", "/api/v1/me", &site.operator, None).0, 401, "its tokens have ended");
    let operator = site.post("/api/v1/login", "", &login)["token"].as_str().expect("a token").to_owned();
    let newest = site.get("/api/v1/audit?action=drop_second_factor", &operator)["items"][0].clone();
    assert_eq!((&newest["actor"], &newest["detail"]["on_the_machine"]), (&"center".into(), &true.into()));
}
