//! Limits over all processes of a run, by a cgroup of version 2, where the center was given a part of that
//! tree.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use domain::RunId;

use crate::spec::RunLimits;

/// The cgroup of one run.
#[derive(Debug)]
pub(crate) struct Cgroup {
    path: PathBuf,
    /// The cgroup limits the memory of the run.
    pub limits_memory: bool,
    /// The cgroup limits the number of its processes.
    pub limits_processes: bool,
}

/// Finds the folder for the runs' cgroups: the one that the settings name, or else the parent of the center's
/// own cgroup, if it has the form that systemd gives it with `DelegateSubgroup=center`. Enables the
/// controllers that are there.
pub(crate) fn find(configured: Option<&Path>) -> Option<PathBuf> {
    let root = match configured {
        Some(path) => path.to_owned(),
        None => delegated(&fs::read_to_string("/proc/self/cgroup").ok()?, &mount_point()?)?,
    };
    let controllers = fs::read_to_string(root.join("cgroup.controllers")).ok()?;
    for controller in ["memory", "pids"] {
        if controllers.split_ascii_whitespace().any(|known| known == controller) {
            let _unavailable = fs::write(root.join("cgroup.subtree_control"), format!("+{controller}"));
        }
    }
    // A trial shows whether the folder is really ours to divide.
    let probe = root.join("qiantang-probe");
    fs::create_dir(&probe).ok()?;
    fs::remove_dir(&probe).ok()?;
    Some(root)
}

fn mount_point() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    mounts.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        (after.split(' ').next() == Some("cgroup2")).then(|| before.split(' ').nth(4).map(PathBuf::from))?
    })
}

fn delegated(own: &str, mount_point: &Path) -> Option<PathBuf> {
    let own = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let service = own.strip_suffix("/center")?;
    service.ends_with(".service").then(|| mount_point.join(service))
}

impl Cgroup {
    /// Makes the cgroup of a run, with its limits.
    pub(crate) fn make(root: &Path, run: RunId, limits: &RunLimits) -> io::Result<Self> {
        let path = root.join(run.to_string());
        fs::create_dir(&path)?;
        let limit = |file: &str, value: String| fs::write(path.join(file), value).is_ok();
        let limits_processes = limit("pids.max", limits.max_processes.to_string());
        let limits_memory = limits.memory_bytes.is_some_and(|bytes| limit("memory.max", bytes.to_string()));
        if limits_memory {
            limit("memory.oom.group", "1".to_owned());
        }
        Ok(Self { path, limits_memory, limits_processes })
    }

    /// The file to which a process writes `0` to enter the cgroup.
    pub(crate) fn entrance(&self) -> io::Result<File> {
        OpenOptions::new().write(true).open(self.path.join("cgroup.procs"))
    }

    /// Whether the kernel killed processes in it because they used too much memory.
    pub(crate) fn ran_out_of_memory(&self) -> bool {
        fs::read_to_string(self.path.join("memory.events")).is_ok_and(|events| tells_of_memory(&events))
    }

    /// Removes the cgroup once its last process is gone.
    pub(crate) fn remove(&self) {
        // The kernel needs a moment after the last process was waited for.
        for _ in 0..20 {
            match fs::remove_dir(&self.path) {
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                _ => return,
            }
        }
    }
}

/// Kills all processes in the cgroup of a run, if it has one.
pub(crate) fn kill(root: &Path, run: RunId) {
    let path = root.join(run.to_string());
    if path.is_dir() {
        let _older_kernel = fs::write(path.join("cgroup.kill"), "1");
    }
}

/// Removes the cgroup of a run whose supervisor left it behind.
pub(crate) fn clear(root: &Path, run: RunId) {
    kill(root, run);
    Cgroup { path: root.join(run.to_string()), limits_memory: false, limits_processes: false }.remove();
}

/// Whether a cgroup's `memory.events` count a kill.
fn tells_of_memory(events: &str) -> bool {
    let kills = events.lines().filter_map(|line| line.split_once(' '));
    kills.filter(|(name, _)| matches!(*name, "oom_kill" | "oom_group_kill")).any(|(_, count)| count != "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_counts_the_kills_of_a_cgroup() {
        let events =
            |kills: u32| format!("low 0\nhigh 0\nmax 9\noom 3\noom_kill {kills}\noom_group_kill 0\n");
        assert_eq!([0, 1].map(|kills| tells_of_memory(&events(kills))), [false, true]);
    }

    #[test]
    fn only_the_delegated_shape_is_taken() {
        let at = Path::new("/sys/fs/cgroup");
        for (own, want) in [
            (
                "0::/system.slice/qiantang.service/center\n",
                Some("/sys/fs/cgroup/system.slice/qiantang.service"),
            ),
            (
                "12:pids:/x\n0::/system.slice/q.service/center\n",
                Some("/sys/fs/cgroup/system.slice/q.service"),
            ),
            ("0::/system.slice/qiantang.service\n", None),
            ("0::/user.slice/user-0.slice/session-1.scope\n", None),
            ("0::/\n", None),
            ("", None),
        ] {
            assert_eq!(delegated(own, at), want.map(PathBuf::from), "{own}");
        }
    }
}
