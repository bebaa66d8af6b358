//! The processes of a run, found in `/proc`, and their end.

use std::collections::{HashMap, HashSet};

use rustix::process::Signal;

use super::sys::Handle;

/// A process as it was when somebody looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub pid: i32,
    pub parent: i32,
    pub session: i32,
    pub threads: u32,
    /// In ticks since the start of the machine. Together with the number it names a process for good.
    started: u64,
    is_zombie: bool,
}

/// All processes of this machine that can be seen.
pub(crate) fn all() -> Vec<Process> {
    pids().filter_map(look).collect()
}

fn pids() -> impl Iterator<Item = i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

fn look(pid: i32) -> Option<Process> {
    parse_stat(&String::from_utf8_lossy(&std::fs::read(format!("/proc/{pid}/stat")).ok()?))
}

/// Reads a line of `/proc/<pid>/stat`. A process can choose the name in the parentheses, so the fields are
/// counted from the last closing parenthesis.
fn parse_stat(line: &str) -> Option<Process> {
    let (pid, rest) = line.split_once(" (")?;
    let fields: Vec<&str> = rest.rsplit_once(") ")?.1.split_ascii_whitespace().collect();
    Some(Process {
        pid: pid.parse().ok()?,
        is_zombie: matches!(*fields.first()?, "Z" | "X"),
        parent: fields.get(1)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        threads: fields.get(17)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
    })
}

/// The living descendants of `root`, without those below the processes that `except` names.
pub(crate) fn descendants(all: &[Process], root: i32, except: &dyn Fn(i32) -> bool) -> Vec<Process> {
    let mut children: HashMap<i32, Vec<&Process>> = HashMap::new();
    for process in all {
        children.entry(process.parent).or_default().push(process);
    }
    let mut found = Vec::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        for process in children.remove(&parent).unwrap_or_default() {
            if !except(process.pid) {
                parents.push(process.pid);
                found.push(*process);
            }
        }
    }
    found.retain(|process| !process.is_zombie);
    found
}

/// Sends a signal to a process, and not to a later one with its number.
pub(crate) fn signal(process: &Process, signal: Signal) {
    if let Some(handle) = Handle::open(process.pid)
        && look(process.pid).is_some_and(|now| now.started == process.started)
    {
        handle.signal(signal);
    }
}

/// Stops all processes that `find` finds, until it finds no new ones, and then kills them. A stopped process
/// starts no others, so not even a fork bomb outruns this. Returns how many there were.
pub(crate) fn freeze_and_kill(find: &dyn Fn() -> Vec<Process>) -> usize {
    let found = freeze(find);
    for process in &found {
        signal(process, Signal::KILL);
    }
    found.len()
}

/// Stops all processes that `find` finds, until it finds no new ones.
pub(crate) fn freeze(find: &dyn Fn() -> Vec<Process>) -> Vec<Process> {
    let mut stopped: HashSet<(i32, u64)> = HashSet::new();
    let mut found = find();
    // A stopped process may be set going again by one that isn't stopped yet. After that many rounds it is
    // time to kill what there is, and the caller looks again.
    for _ in 0..100 {
        let fresh: Vec<_> =
            found.iter().filter(|process| stopped.insert((process.pid, process.started))).collect();
        if fresh.is_empty() {
            break;
        }
        for process in fresh {
            signal(process, Signal::STOP);
        }
        found = find();
    }
    found
}

/// Finds the leftovers of a run whose supervisor was killed: processes of its sessions, and those that have
/// its id in the environment they were started with.
pub(crate) fn leftovers(run: domain::RunId, sessions: &[i32]) -> Vec<Process> {
    let marker = format!("QIANTANG_RUN_ID={run}");
    let own = std::process::id().cast_signed();
    all()
        .into_iter()
        .filter(|process| process.pid != own && !process.is_zombie)
        .filter(|process| match run_marker(process.pid) {
            Some(found) => found == marker,
            // A process may have overwritten its environment. Then its session tells, unless the session's
            // number was given to another session since, whose first process is alive.
            None => {
                sessions.contains(&process.session)
                    && look(process.session).is_none_or(|leader| leader.is_zombie)
            }
        })
        .collect()
}

fn run_marker(pid: i32) -> Option<String> {
    let environ = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    environ
        .split(|&byte| byte == 0)
        .find(|entry| entry.starts_with(b"QIANTANG_RUN_ID="))
        .map(|entry| String::from_utf8_lossy(entry).into_owned())
}

/// Counts the processes and threads that each of the uids chosen by `counts` has on this machine now.
pub(crate) fn count_by_uid(counts: &dyn Fn(u32) -> bool) -> HashMap<u32, u64> {
    use std::os::unix::fs::MetadataExt as _;
    let mut found = HashMap::new();
    for pid in pids() {
        let Ok(folder) = std::fs::metadata(format!("/proc/{pid}")) else { continue };
        if counts(folder.uid())
            && let Some(process) = look(pid)
        {
            *found.entry(folder.uid()).or_default() += u64::from(process.threads);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_name_of_a_process_cannot_forge_its_fields() {
        let line = "77 (a) R 1 1 (b) S 5 6 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 3 0 998 1 1";
        let want = Process { pid: 77, parent: 5, session: 7, threads: 3, started: 998, is_zombie: false };
        assert_eq!(parse_stat(line), Some(want));
        assert_eq!(
            look(std::process::id().cast_signed()).map(|me| me.pid),
            Some(std::process::id().cast_signed())
        );
    }

    #[test]
    fn descendants_leave_out_what_is_excepted() {
        let process =
            |pid, parent| Process { pid, parent, session: 0, threads: 1, started: 0, is_zombie: pid == 5 };
        let all = [process(2, 1), process(3, 2), process(4, 2), process(5, 4), process(6, 5), process(9, 8)];
        let pids = |except: i32| {
            let mut pids: Vec<_> =
                descendants(&all, 1, &|pid| pid == except).iter().map(|process| process.pid).collect();
            pids.sort_unstable();
            pids
        };
        assert_eq!(pids(0), [2, 3, 4, 6]);
        assert_eq!(pids(4), [2, 3]);
    }

    proptest! {
        #[test]
        fn no_line_panics(line in ".{0,80}") {
            let _ = parse_stat(&line);
            let _ = parse_stat(&format!("1 (x) {line}"));
        }
    }
}
