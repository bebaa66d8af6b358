//! Somebody at a terminal who works with the real commands.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

use crate::site::{PASSWORD, Site};

/// A `login` by a browser that waits for its answer.
#[derive(Debug)]
pub struct Login {
    child: Child,
    /// The code that it shows.
    pub code: String,
    /// All that it has said.
    pub said: String,
}

impl Login {
    /// Waits until it ends. Gives its exit code and its standard output.
    pub fn end(mut self) -> (i32, String) {
        let mut out = String::new();
        self.child.stdout.take().expect("a pipe").read_to_string(&mut out).expect("text");
        (self.child.wait().expect("it ends").code().expect("a code"), out)
    }
}

/// A person with a home of their own, in which the commands keep the person's token.
#[derive(Debug)]
pub struct Terminal<'a> {
    site: &'a Site,
    pub home: tempfile::TempDir,
}

impl<'a> Terminal<'a> {
    /// Somebody who is not signed in.
    pub fn at(site: &'a Site) -> Self {
        Self { site, home: tempfile::tempdir().expect("a folder is made") }
    }

    pub fn signed_in(site: &'a Site, login: &str) -> Self {
        let terminal = Self::at(site);
        let mut child = terminal
            .command(&["login", login, "--password-stdin"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("the command starts");
        writeln!(child.stdin.take().expect("the input is piped"), "{PASSWORD}").expect("it reads");
        let output = child.wait_with_output().expect("the command ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        terminal
    }

    /// Begins to sign in by a browser: the command shows an address with a code, and waits.
    pub fn begin_login(&self) -> Login {
        let mut child = self.command(&["login", "--browser", "--json"]).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let mut said = String::new();
        let mut code = None;
        while code.is_none() {
            let line = lines.next().expect("it shows the address").expect("text");
            said.push_str(&line);
            said.push('\n');
            code = line.split_once("/device?user_code=").map(|(_, code)| code.trim().to_owned());
        }
        Login { child, code: code.expect("a code"), said }
    }

    /// A command that is yet to be started, as this person.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(self.site.program());
        command
            .args(args)
            .env("HOME", self.home.path())
            .env("QIANTANG_URL", &self.site.url)
            .env("LANG", "en_US.UTF-8")
            .envs(self.site.ca().map(|ca| ("QIANTANG_CA", ca)))
            .env_remove("LC_ALL")
            .env_remove("QIANTANG_TOKEN")
            .env_remove("QIANTANG_CONFIG")
            .env_remove("XDG_CONFIG_HOME")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command. Returns its exit code, standard output and standard error.
    pub fn run(&self, args: &[&str]) -> (i32, String, String) {
        let Output { status, stdout, stderr } = self.command(args).output().expect("the command runs");
        let text = |bytes| String::from_utf8(bytes).expect("the output is text");
        (status.code().expect("the command ends by itself"), text(stdout), text(stderr))
    }

    /// Runs a command that has to succeed. Returns its standard output.
    pub fn ok(&self, args: &[&str]) -> String {
        let (code, out, err) = self.run(args);
        assert_eq!(code, 0, "{args:?}: {out}{err}");
        out
    }

    /// Runs a command with `--json`. Returns the JSON of its standard output.
    pub fn json(&self, args: &[&str]) -> Value {
        let out = self.ok(&[&["--json"], args].concat());
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{args:?}: {error}: {out}"))
    }

    /// Writes a file into the person's home. Returns its path.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).expect("the file is written");
        path.to_str().expect("the path is text").to_owned()
    }
}
