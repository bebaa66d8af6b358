//! A real Slurm cluster on this machine. `tests/slurm/cluster` of the repository starts and stops it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A cluster of four nodes, `npu1` to `npu4`. One that the test started is stopped when the value is dropped.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    /// Set where the test started the cluster, and so has to stop it.
    own: Option<tempfile::TempDir>,
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/slurm/cluster")
}

impl Cluster {
    /// Starts a cluster, or takes the one of `QT_SLURM_FOLDER`, which saves the start.
    ///
    /// `None` where this machine lacks Slurm or what it needs: the reason is printed, and with `CI=true` the
    /// test fails.
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
        let own = crate::open_folder();
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
        self.file("slurm.conf")
    }

    pub fn jwt_key(&self) -> PathBuf {
        self.file("jwt.key")
    }

    /// A value of the cluster's `env` file.
    pub fn env(&self, name: &str) -> String {
        let text = std::fs::read_to_string(self.file("env")).expect("the cluster has its env file");
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value.unwrap_or_else(|| panic!("{name} is not in {text}")).to_owned()
    }

    /// The settings of a center on this cluster with its files in `shared`. They end within `[engine.slurm]`.
    pub fn settings(&self, shared: &Path) -> String {
        format!(
            "[engine]\nkind = \"slurm\"\n[engine.slurm]\nshared_dir = \"{}\"\nconf = \"{}\"\n\
             models = {{ ascend910 = \"ascend-910\" }}\n",
            shared.display(),
            self.conf().display()
        )
    }

    /// Settings to follow [`Self::settings`], for a center that asks slurmrestd.
    pub fn rest_settings(&self) -> String {
        format!("url = \"{}\"\njwt_key = \"{}\"\n", self.env("QT_SLURM_REST"), self.jwt_key().display())
    }

    /// Ends a part of the cluster: `slurmctld`, `slurmdbd`, `npu1`…
    pub fn kill(&self, part: &str) {
        self.script(&["kill"], &[part]);
    }

    /// Sends a part a signal: `STOP`, `CONT`…
    pub fn signal(&self, part: &str, signal: &str) {
        self.script(&["kill"], &[part, signal]);
    }

    /// Starts a part that does not run.
    pub fn up(&self, part: &str) {
        self.script(&["up"], &[part]);
    }

    /// The standard output of one of Slurm's commands, which has to succeed.
    pub fn slurm(&self, program: &str, args: &[&str]) -> String {
        let out = self.try_slurm(program, args);
        out.unwrap_or_else(|why| panic!("{program} {args:?}: {why}"))
    }

    /// The standard output of one of Slurm's commands, or the standard error of one that fails.
    pub fn try_slurm(&self, program: &str, args: &[&str]) -> Result<String, String> {
        let out = Command::new(program).args(args).env("SLURM_CONF", self.conf()).output();
        let out = out.expect("Slurm's commands are installed");
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
