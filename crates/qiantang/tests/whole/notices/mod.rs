//! What happens reaches people: mail through a real mail server, webhooks to a receiver with the official verifier.

mod mail;
mod webhooks;

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use testkit::{Site, python_tool};

use crate::QIANTANG;

/// A program of Python's, ended with the test.
struct Helper {
    process: Child,
    /// What it said first.
    said: String,
}

impl Helper {
    fn start(python: &Path, script: &str, args: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/whole/notices").join(script);
        let mut process = Command::new(python)
            .arg(script)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let mut said = String::new();
        let out = process.stdout.take().expect("the output is piped");
        BufReader::new(out).read_line(&mut said).expect("it says a line");
        assert!(!said.is_empty(), "{} did not start", args.join(" "));
        Self { process, said: said.trim().to_owned() }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port is free")
        .port()
}

/// What a helper kept so far, in its order.
fn kept(folder: &Path) -> Vec<Value> {
    let files = std::fs::read_dir(folder).expect("the folder is there");
    let mut names: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    names.retain(|name| name.extension().is_some_and(|kind| kind == "json"));
    names.sort();
    let read = |name: &PathBuf| std::fs::read_to_string(name).expect("it is read");
    names.iter().map(|name| serde_json::from_str(&read(name)).expect("it is JSON")).collect()
}

/// The settings of a center whose mail goes to a port of this machine.
fn mailing(port: u16) -> String {
    format!(
        "[limits]\nsign_ins_per_minute = 1000000\napplications_per_hour = 1000000\n\
         [notices]\nurl = \"https://center.example\"\naddresses = [\"127.0.0.0/8\"]\n\
         [mail]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"plain\"\n\
         from = \"钱塘中心 <no-reply@center.example>\"\n"
    )
}

/// A center with a mail server beside it.
struct Mailing {
    site: Site,
    folder: tempfile::TempDir,
    _relay: Helper,
}

impl Mailing {
    /// None where `./test` did not install the mail server.
    fn start() -> Option<Self> {
        let python = python_tool("python")?;
        let folder = tempfile::tempdir().expect("a folder");
        let port = free_port();
        let path = folder.path().display().to_string();
        let relay = Helper::start(&python, "relay.py", &[&port.to_string(), &path]);
        assert_eq!(relay.said, "ready");
        let site = Site::new(QIANTANG, 1, &mailing(port));
        Some(Self { site, folder, _relay: relay })
    }

    fn mails(&self) -> Vec<Value> {
        kept(self.folder.path())
    }

    /// The first mail to an address whose subject has these words.
    fn mail(&self, to: &str, about: &str) -> Value {
        self.site.wait_for(&format!("a mail to {to} about {about}"), || {
            self.mails().into_iter().find(|mail| {
                mail["to"] == to && mail["headers"]["subject"].as_str().is_some_and(|it| it.contains(about))
            })
        })
    }
}

/// Gives the caller an address.
fn with_address(site: &Site, token: &str, email: &str) {
    let (status, answer) = site.ask("PATCH", "/api/v1/me", token, Some(&json!({ "email": email })));
    assert_eq!(status, 200, "{answer}");
}

/// The first address in a text that begins so, without the center's part.
fn link(text: &str, begin: &str) -> String {
    let whole = format!("https://center.example{begin}");
    let from = text.find(&whole).unwrap_or_else(|| panic!("{begin} in {text}"));
    let path = &text[from + "https://center.example".len()..];
    path[..path.find(char::is_whitespace).unwrap_or(path.len())].to_owned()
}
