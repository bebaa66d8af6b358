//! Programs of Python's that tests hear from: a mail server, and a receiver of webhooks with the official verifier.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::tools::python_tool;

/// A program of `crates/testkit/helpers`, ended when the value is dropped.
#[derive(Debug)]
struct Helper {
    process: Child,
    /// What it said first.
    said: String,
}

impl Helper {
    fn start(python: &Path, script: &str, args: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("helpers").join(script);
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

/// A port of this machine at which nobody listens.
pub fn free_port() -> u16 {
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

/// A mail server, which keeps each mail as Python's own parser reads it.
#[derive(Debug)]
pub struct Relay {
    folder: tempfile::TempDir,
    pub port: u16,
    _helper: Helper,
}

impl Relay {
    /// `None` where `./test` did not install it; with `CI=true` the test fails then.
    pub fn start() -> Option<Self> {
        Self::at(free_port(), &[])
    }

    /// At a port; with a certificate and its key it asks for STARTTLS, and for a user with a password.
    pub fn at(port: u16, certificate: &[&str]) -> Option<Self> {
        let python = python_tool("python")?;
        let folder = tempfile::tempdir().expect("a folder");
        let (number, path) = (port.to_string(), folder.path().display().to_string());
        let helper = Helper::start(&python, "relay.py", &[&[&*number, &*path], certificate].concat());
        assert_eq!(helper.said, "ready");
        Some(Self { folder, port, _helper: helper })
    }

    pub fn mails(&self) -> Vec<Value> {
        kept(self.folder.path())
    }

    /// The first mail to an address whose subject has these words.
    pub fn find(&self, to: &str, about: &str) -> Option<Value> {
        let is_it = |mail: &Value| {
            mail["to"] == to && mail["headers"]["subject"].as_str().is_some_and(|it| it.contains(about))
        };
        self.mails().into_iter().find(is_it)
    }
}

/// A receiver of webhooks, which says of each by which secrets it is signed.
#[derive(Debug)]
pub struct Receiver {
    folder: tempfile::TempDir,
    pub port: u16,
    _helper: Helper,
}

impl Receiver {
    /// `None` where `./test` did not install the verifier; with `CI=true` the test fails then.
    pub fn start() -> Option<Self> {
        let python = python_tool("python")?;
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("secrets"), "").expect("it is written");
        let helper = Helper::start(&python, "receiver.py", &[&folder.path().display().to_string()]);
        let port = helper.said.parse().expect("a port");
        Some(Self { folder, port, _helper: helper })
    }

    /// Has it know these secrets, and no others.
    pub fn knows(&self, secrets: &[&str]) {
        std::fs::write(self.folder.path().join("secrets"), secrets.join("\n")).expect("it is written");
    }

    pub fn kept(&self) -> Vec<Value> {
        kept(self.folder.path())
    }
}
