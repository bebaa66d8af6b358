//! The real sbatch, and a port that answers nothing in place of a controller.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

/// The answer of sbatch to a script.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The options that it has read, as it prints them.
    Taken(BTreeMap<String, String>),
    Refused(String),
}

/// An sbatch with a configuration of its own.
#[derive(Debug)]
pub struct Sbatch {
    folder: PathBuf,
    next: AtomicUsize,
}

impl Drop for Sbatch {
    fn drop(&mut self) {
        let _is_only_left_behind = std::fs::remove_dir_all(&self.folder);
    }
}

impl Sbatch {
    /// The one of this machine.
    pub fn found() -> Option<Self> {
        Command::new("sbatch").arg("--version").output().ok()?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        // It takes what sbatch sends and closes, so that sbatch does not try again.
        std::thread::spawn(move || listener.incoming().for_each(drop));
        let folder = std::env::temp_dir().join(format!("qiantang-sbatch-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let settings = format!(
            "ClusterName=x\nSlurmctldHost=localhost(127.0.0.1)\nSlurmctldPort={port}\nAuthType=auth/none\n\
             GresTypes=npu,gpu\nSelectType=select/cons_tres\nNodeName=n[1-4] CPUs=64\nPartitionName=p Nodes=ALL\n"
        );
        std::fs::write(folder.join("slurm.conf"), settings).expect("it can be written");
        Some(Self { folder, next: AtomicUsize::new(0) })
    }

    pub fn read(&self, script: &[u8]) -> Answer {
        let file = self.folder.join(format!("script-{}", self.next.fetch_add(1, Ordering::Relaxed)));
        std::fs::write(&file, script).expect("it can be written");
        let told = self.told(&file);
        std::fs::remove_file(&file).expect("it is there");
        let Some((_, rest)) = told.split_once("sbatch: defined options") else {
            return Answer::Refused(told);
        };
        // Behind the options it can only fail to reach a controller.
        let (printed, after) = rest.split_once("sbatch: end of defined options").unwrap_or((rest, ""));
        if let Some(refusal) = after.lines().find(|line| line.contains("Failed to validate")) {
            return Answer::Refused(refusal.to_owned());
        }
        let values = printed.lines().filter_map(|line| {
            let (option, value) = line.strip_prefix("sbatch: ")?.split_once(':')?;
            Some((option.trim().to_owned(), value.strip_prefix(' ').unwrap_or(value).to_owned()))
        });
        Answer::Taken(values.collect())
    }

    fn told(&self, file: &Path) -> String {
        let output = Command::new("sbatch")
            .arg("-v")
            .arg(file)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("SLURM_CONF", self.folder.join("slurm.conf"))
            .current_dir(&self.folder)
            .output()
            .expect("sbatch runs");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}
