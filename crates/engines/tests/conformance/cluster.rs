//! The Slurm cluster of these tests: `tests/slurm/cluster` of the repository starts and stops it. With `QT_SLURM_FOLDER`
//! they take one that is there, which saves its start.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Stopped when dropped.
pub struct Cluster {
    folder: PathBuf,
    /// Ours to stop and to remove.
    own: Option<tempfile::TempDir>,
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/slurm/cluster")
}

impl Cluster {
    /// `None`, and why is said, where this machine lacks what is needed; with `CI=true` that fails.
    pub fn start() -> Option<Self> {
        if let Some(folder) = std::env::var_os("QT_SLURM_FOLDER") {
            return Some(Self { folder: folder.into(), own: None });
        }
        let check = Command::new(script()).arg("check").output().expect("the script runs");
        if !check.status.success() {
            let why = String::from_utf8_lossy(&check.stderr).into_owned();
            assert!(std::env::var("CI").as_deref() != Ok("true"), "no Slurm to test with: {why}");
            eprintln!("skipped, no Slurm to test with: {why}");
            return None;
        }
        let own = super::common::folder();
        let cluster = Self { folder: own.path().to_owned(), own: Some(own) };
        cluster.script(&["start"], &[]);
        Some(cluster)
    }

    fn script(&self, before: &[&str], after: &[&str]) {
        let out = Command::new(script()).args(before).arg(&self.folder).args(after).output();
        let out = out.expect("the script runs");
        assert!(out.status.success(), "{before:?} {after:?}: {}", String::from_utf8_lossy(&out.stderr));
    }

    /// A file of the cluster's folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn conf(&self) -> PathBuf {
        self.folder.join("slurm.conf")
    }

    pub fn jwt_key(&self) -> PathBuf {
        self.folder.join("jwt.key")
    }

    /// A value of the cluster's `env` file.
    pub fn env(&self, name: &str) -> String {
        let text = std::fs::read_to_string(self.file("env")).unwrap();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value.unwrap_or_else(|| panic!("{name} is not in {text}")).to_owned()
    }

    /// Ends a part of it: slurmctld, slurmdbd, npu1…
    pub fn kill(&self, part: &str) {
        self.script(&["kill"], &[part]);
    }

    /// Sends a part a signal: STOP, CONT…
    pub fn signal(&self, part: &str, signal: &str) {
        self.script(&["kill"], &[part, signal]);
    }

    pub fn up(&self, part: &str) {
        self.script(&["up"], &[part]);
    }

    /// One of Slurm's commands; gives its standard output.
    pub fn slurm(&self, program: &str, args: &[&str]) -> String {
        let out = self.try_slurm(program, args);
        out.unwrap_or_else(|why| panic!("{program} {args:?}: {why}"))
    }

    pub fn try_slurm(&self, program: &str, args: &[&str]) -> Result<String, String> {
        let out = Command::new(program).args(args).env("SLURM_CONF", self.conf()).output().expect("it runs");
        if out.status.success() {
            Ok(String::from_utf8_lossy(&out.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&out.stderr).into_owned())
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.own.is_some() {
            let _said_on_stderr = Command::new(script()).arg("stop").arg(&self.folder).status();
        }
    }
}
