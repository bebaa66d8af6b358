//! HTTPS of the center's own, with certificates that openssl makes: people's way through it, HTTP/2, and a certificate that
//! is exchanged while the center runs.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;
use testkit::{Browser, Site, Terminal, grant, job};

use crate::{QIANTANG, tamper::path};

fn openssl(folder: &Path, args: &str) {
    let args = args.split(' ').map(|arg| arg.replace('~', " "));
    let made = Command::new("openssl").args(args).current_dir(folder).output().expect("openssl is installed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// A certificate authority in a folder of its own.
pub struct Authority(tempfile::TempDir);

impl Authority {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        openssl(
            folder.path(),
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=Test~CA",
        );
        Self(folder)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Makes the files `center.pem` and `center.key`, which are good for so many days.
    pub fn issue(&self, days: u32) {
        self.issue_as("center", days);
    }

    fn issue_as(&self, name: &str, days: u32) {
        let folder = self.0.path();
        std::fs::write(self.file("names"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n")
            .expect("it is written");
        openssl(
            folder,
            &format!(
                "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out {name}.csr -subj /CN=center"
            ),
        );
        let sign = "-CA ca.pem -CAkey ca.key -CAcreateserial -extfile names";
        openssl(folder, &format!("x509 -req -in {name}.csr -out {name}.pem -days {days} {sign}"));
    }

    fn settings(&self, more: &str) -> String {
        let (certificate, key) = (self.file("center.pem"), self.file("center.key"));
        format!(
            "[http.tls]\ncertificate = \"{}\"\nkey = \"{}\"\n{more}\n",
            certificate.display(),
            key.display()
        )
    }
}

/// A center that speaks HTTPS.
pub fn secure(authority: &Authority, more: &str) -> Site {
    let mut site = Site::new(QIANTANG, 1, "");
    site.stop();
    site.change_settings("[[pools]]", &format!("{}[[pools]]", authority.settings(more)));
    site.trust(&authority.file("ca.pem"));
    site.start();
    assert!(site.url.starts_with("https://"), "{}", site.url);
    site
}

fn certificate_loop(site: &Site) -> Value {
    let loops = site.get("/api/v1/loops", &site.operator);
    let found =
        loops.as_array().and_then(|all| all.iter().find(|known| known["name"] == "certificate").cloned());
    found.expect("the center has a certificate")
}

/// What curl is told: the version of HTTP, the status, and what it prints besides.
fn curl(authority: &Authority, args: &[&str]) -> (String, String) {
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--include", "--cacert", path(&authority.file("ca.pem"))])
        .args(["--write-out", "\n%{http_version} %{http_code}"])
        .args(args)
        .output()
        .expect("curl is installed");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    let (body, last) = told.rsplit_once('\n').expect("a last line");
    (last.to_owned(), body.to_owned())
}

#[test]
fn people_work_over_https_and_http_2_is_spoken() {
    let authority = Authority::new();
    authority.issue(30);
    let mut site = secure(&authority, "");
    let tenant = site.tenant("univ", "research", &grant(), 8);
    let at = Terminal::signed_in(&site, &format!("{}-developer", tenant.slug));
    let script = at.file("hello.sh", "#!/bin/sh\necho over TLS\n");
    let id = at.ok(&["submit", "--wait", "--parsable", &script]);
    assert_eq!(at.ok(&["logs", id.trim()]), "over TLS\n");
    // The file is kept with the sign-in.
    let mut again = at.command(&["whoami"]);
    assert!(again.env_remove("QIANTANG_CA").output().expect("it runs").status.success());

    let url = |path: &str| format!("{}{path}", site.url);
    let (version, head) = curl(&authority, &["--http2", &url("/healthz")]);
    assert_eq!(version, "2 200", "{head}");
    assert!(head.to_lowercase().contains("strict-transport-security: max-age=31536000"), "{head}");
    let (version, _) = curl(&authority, &["--http1.1", &url("/healthz")]);
    assert_eq!(version, "1.1 200");
    // A form over HTTP/2 that says where it comes from, as browsers without `Sec-Fetch-Site` do.
    let sign_in = format!("login=operator&password={}", testkit::PASSWORD);
    let from = |origin: &str| {
        let origin = format!("Origin: {origin}");
        curl(&authority, &["--http2", "--header", &origin, "--data", &sign_in, &url("/sign-in")])
    };
    let (version, head) = from(&site.url);
    assert_eq!(version, "2 303", "{head}");
    let cookie =
        head.lines().find(|line| line.to_lowercase().starts_with("set-cookie: session")).expect("a cookie");
    assert!(cookie.contains("Secure") && cookie.contains("HttpOnly"), "{cookie}");
    assert_eq!(from("https://elsewhere.example").0, "2 403");
    assert!(Browser::signed_in(&site, "operator").get("/").body.contains("operator"));

    let (_, metrics) = site.get_text("/metrics", &site.operator);
    assert!(metrics.contains("\nqiantang_certificate_days_left 29\n"), "{metrics}");
    // The port is kept over a restart, TLS or not.
    site.keep_address();
    let before = site.url.clone();
    let flag = site.folder.path().join("flag");
    let slow = format!("while [ ! -e {} ]; do sleep 0.05; done", flag.display());
    let slow = site.submit(&tenant, &job("slow", &slow));
    site.wait_for_state(&tenant.developer, &slow, "running");
    site.stop();
    let (code, _, told) = Terminal::at(&site).run(&["whoami"]);
    assert!(code == 5 && told.contains("does not speak HTTPS: the center is down"), "{told}");
    site.start();
    assert_eq!(site.url, before);
    std::fs::write(&flag, "").expect("it is written");
    assert_eq!(site.wait_for_end(&tenant.developer, &slow)["state"], "succeeded");
}

#[test]
fn nothing_is_sent_to_whom_nobody_vouches_for() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    authority.issue(30);
    let mut site = secure(&authority, "");
    let mut at = Terminal::signed_in(&site, "operator");
    let told = |at: &Terminal, ca: &str, args: &[&str]| {
        let output = at.command(args).env("QIANTANG_CA", ca).output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, err) = told(&at, path(&stranger.file("ca.pem")), &["whoami"]);
    assert_eq!(code, Some(5), "{err}");
    assert!(
        err.contains("is not trusted: nobody who is trusted here has signed it; nothing was sent"),
        "{err}"
    );
    assert!(err.contains("--ca"), "{err}");
    for (file, why) in [("/nowhere.pem", "No such file"), (path(&authority.file("names")), "there is none")] {
        let (code, err) = told(&at, file, &["whoami"]);
        assert!(code == Some(2) && err.contains(file) && err.contains(why), "{err}");
    }
    // By a name that the certificate does not have, and by plain HTTP.
    let port = site.url.rsplit(':').next().expect("a port").to_owned();
    let ca = authority.file("ca.pem");
    let (_, err) = told(&at, path(&ca), &["whoami", "--url", &format!("https://127.0.0.2:{port}")]);
    assert!(err.contains("it is for another name") || err.contains("no answer"), "{err}");
    let (code, err) = told(&at, path(&ca), &["whoami", "--url", &format!("http://127.0.0.1:{port}")]);
    assert!(code == Some(4) && err.contains("this center speaks HTTPS here"), "{err}");
    // Without any word about it, the web's authorities count.
    at = Terminal::signed_in(&site, "operator");
    let kept = at.home.path().join(".config/qiantang/client.json");
    let text = std::fs::read_to_string(&kept).expect("it is kept");
    assert!(text.contains(path(&ca)), "{text}");
    std::fs::remove_file(kept).expect("it is there");
    let mut bare = at.command(&["login", "operator", "--password-stdin"]);
    let bare = bare.env_remove("QIANTANG_CA").stdin(Stdio::piped()).spawn().expect("it starts");
    writeln!(bare.stdin.as_ref().expect("piped"), "{}", testkit::PASSWORD).expect("it reads");
    let output = bare.wait_with_output().expect("it ends");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && err.contains("is not trusted"), "{err}");
    site.stop();
}

#[test]
fn a_certificate_is_read_again_when_its_files_change_and_a_bad_one_is_not_taken() {
    let authority = Authority::new();
    authority.issue(3);
    let site = secure(&authority, "");
    let days = || {
        let (_, metrics) = site.get_text("/metrics", &site.operator);
        let line = metrics.lines().find(|line| line.starts_with("qiantang_certificate_days_left "));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<i64>().ok())
    };
    site.wait_for("a look at the certificate", || (days() == Some(2)).then_some(()));
    let soon = certificate_loop(&site);
    assert!(soon["error"].as_str().is_some_and(|text| text.contains("expires at")), "{soon}");
    // A new one is taken by itself.
    authority.issue(60);
    site.wait_for("the new certificate", || (days() == Some(59)).then_some(()));
    site.wait_for("no more complaint", || certificate_loop(&site)["error"].is_null().then_some(()));

    // Another's key: the one of before stays, and the loop says so. SIGHUP has it looked at at once.
    authority.issue_as("other", 60);
    std::fs::copy(authority.file("other.key"), authority.file("center.key")).expect("a copy");
    hang_up(&site);
    let bad = site.wait_for("the complaint", || {
        let told = certificate_loop(&site);
        told["error"].as_str().map(str::to_owned)
    });
    assert!(
        bad.contains("center.key is not that of the certificate")
            && bad.contains("the certificate of before stays"),
        "{bad}"
    );
    assert_eq!(days(), Some(59), "requests are served as before");
    let page = Browser::signed_in(&site, "operator").get("/").body;
    assert!(page.contains("notice is-bad") && page.contains("center.key"), "{page}");
    std::fs::copy(authority.file("other.pem"), authority.file("center.pem")).expect("a copy");
    hang_up(&site);
    site.wait_for("the good pair", || certificate_loop(&site)["error"].is_null().then_some(()));
}

fn hang_up(site: &Site) {
    let sent = Command::new("kill").args(["-HUP", &site.pid().to_string()]).status();
    assert!(sent.expect("kill runs").success());
}

#[test]
fn plain_http_is_told_to_come_by_https() {
    let authority = Authority::new();
    authority.issue(30);
    // Free a moment ago, and nobody else's business.
    let plain = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port");
    let site = secure(&authority, &format!("redirect = \"{plain}\""));
    let mut stream = TcpStream::connect(plain).expect("it listens");
    stream
        .write_all(b"GET /jobs?state=active HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let port = site.url.rsplit(':').next().expect("a port");
    assert!(answer.starts_with("HTTP/1.1 308 "), "{answer}");
    assert!(answer.contains(&format!("https://localhost:{port}/jobs?state=active")), "{answer}");
}

/// What a center says that is not to start with these settings.
fn not_started(authority: &Authority) -> String {
    let folder = testkit::open_folder();
    let settings = folder.path().join("center.toml");
    std::fs::write(&settings, authority.settings("")).expect("it is written");
    let mut serve = Command::new(QIANTANG)
        .args(["serve", "--config", path(&settings)])
        .env("QIANTANG__LISTEN", "127.0.0.1:0")
        .env("QIANTANG__DATA_DIR", folder.path().join("data"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut line = String::new();
    BufReader::new(serve.stdout.take().expect("piped")).read_line(&mut line).expect("it ends or says a line");
    if !line.is_empty() {
        serve.kill().expect("it is killed");
    }
    let output = serve.wait_with_output().expect("it ends");
    assert_eq!((line.as_str(), output.status.code()), ("", Some(5)));
    assert!(!folder.path().join("data/database").exists(), "nothing was touched");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_certificate_or_key_that_can_t_be_used_stops_the_start_with_file_and_reason() {
    use std::os::unix::fs::PermissionsExt as _;
    let authority = Authority::new();
    let told = not_started(&authority);
    assert!(told.contains("failed to read the certificate") && told.contains("center.pem"), "{told}");
    authority.issue(30);
    let (certificate, key) = (authority.file("center.pem"), authority.file("center.key"));
    let (good_certificate, good_key) =
        (std::fs::read(&certificate).expect("read"), std::fs::read(&key).expect("read"));
    authority.issue_as("other", 30);
    let other_key = std::fs::read(authority.file("other.key")).expect("read");
    let torn = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec();
    let cases: [(&[u8], &[u8], u32, &str); 6] = [
        (b"", &good_key, 0o600, "center.pem has no certificate"),
        (&good_key, &good_key, 0o600, "center.pem has no certificate"),
        (&torn, &good_key, 0o600, "center.pem can't be read"),
        (&good_certificate, &good_certificate, 0o600, "center.key has no key"),
        (&good_certificate, &other_key, 0o600, "center.key is not that of the certificate"),
        (&good_certificate, &good_key, 0o644, "everybody on this machine can read the key"),
    ];
    for (bytes, secret, mode, wanted) in cases {
        std::fs::write(&certificate, bytes).expect("it is written");
        std::fs::write(&key, secret).expect("it is written");
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).expect("a mode is set");
        let told = not_started(&authority);
        assert!(told.contains(wanted), "{wanted}: {told}");
    }
}
