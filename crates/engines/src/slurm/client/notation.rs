//! Slurm's notations: lists of hosts, resources, times, exit codes.

use std::collections::HashMap;

use super::{
    job::JobState,
    node::{Daemon, NodeCondition},
};

/// The longest list. A list such as `n[1-4000000000]` is not taken at its word.
const MAX_HOSTS: usize = 65_536;

/// The names in a list of hosts: `npu[1-3,07-08],login` is npu1, npu2, npu3, npu07, npu08, login. `None` if
/// the text is no such list.
pub(crate) fn hosts(list: &str) -> Option<Vec<String>> {
    let mut all = Vec::new();
    let mut rest = list.trim();
    if rest.is_empty() || rest == "(null)" || rest == "None assigned" {
        return Some(all);
    }
    loop {
        let end = top_level_comma(rest)?;
        expand(&rest[..end], String::new(), &mut all)?;
        match rest.get(end + 1..) {
            Some(more) => rest = more,
            None => return Some(all),
        }
    }
}

/// The end of a list's first entry: a comma outside of brackets, or the end of the list.
fn top_level_comma(list: &str) -> Option<usize> {
    let mut depth = 0_u32;
    for (at, c) in list.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.checked_sub(1)?,
            ',' if depth == 0 => return Some(at),
            _ => {}
        }
    }
    (depth == 0).then_some(list.len())
}

fn expand(entry: &str, before: String, all: &mut Vec<String>) -> Option<()> {
    let Some((fixed, rest)) = entry.split_once('[') else {
        let name = before + entry;
        if name.is_empty() || all.len() >= MAX_HOSTS {
            return None;
        }
        all.push(name);
        return Some(());
    };
    let (ranges, after) = rest.split_once(']')?;
    for range in ranges.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let width = first.len();
        let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
        for number in first..=last {
            expand(after, format!("{before}{fixed}{number:0width$}"), all)?;
        }
    }
    Some(())
}

/// Counts the cards of the kinds `npu` and `gpu` in a list such as
/// `cpu=8,node=1,gres/npu=8,gres/npu:ascend910=8`. Typed and untyped entries say the same twice, so the
/// larger sum of each kind counts.
pub(crate) fn cards_of_tres(list: &str) -> u32 {
    let sum = |kind: &str| {
        let (mut plain, mut typed) = (0_u32, 0_u32);
        for entry in list.split(',') {
            let Some((name, count)) = entry.split_once('=') else { continue };
            let Some(name) = name.trim().strip_prefix("gres/") else { continue };
            let count = count.parse().unwrap_or(0);
            match name.split_once(':') {
                None if name == kind => plain += count,
                Some((of, _)) if of == kind => typed += count,
                _ => {}
            }
        }
        plain.max(typed)
    };
    sum("npu") + sum("gpu")
}

/// The cards of a node, from its list of generic resources: `npu:ascend910:8(S:0-1)` is kind, type and count.
pub(crate) fn gres_of_node(list: &str) -> Option<(String, Option<String>, u32)> {
    let entry = list.split(',').find(|entry| entry.starts_with("npu:") || entry.starts_with("gpu:"))?;
    let entry = entry.split('(').next()?;
    let mut parts = entry.split(':');
    let kind = parts.next()?.to_owned();
    let (second, third) = (parts.next()?, parts.next());
    match third {
        Some(count) => Some((kind, Some(second.to_owned()), count.parse().ok()?)),
        None => match second.parse() {
            Ok(count) => Some((kind, None, count)),
            Err(_) => Some((kind, Some(second.to_owned()), 1)),
        },
    }
}

/// Seconds since 1970; `None` for a time that has not come: `Unknown`, `N/A`, 0.
pub(crate) fn epoch(text: &str) -> Option<i64> {
    text.trim().parse().ok().filter(|seconds| *seconds > 0)
}

/// An exit code such as `0:15`, as code and signal.
pub(crate) fn exit_code(text: &str) -> Option<(i32, i32)> {
    let (code, signal) = text.trim().split_once(':')?;
    Some((code.parse().ok()?, signal.parse().ok()?))
}

/// A wait status, which has code and signal in one number.
pub(crate) fn wait_status(status: i32) -> (i32, i32) {
    ((status >> 8) & 0xff, status & 0x7f)
}

/// A state as Slurm writes it out, with what may stand behind it: `CANCELLED by 1000`, `CANCELLED+`.
pub(crate) fn job_state(text: &str) -> JobState {
    let word = text.split([' ', '+']).next().unwrap_or_default();
    match word {
        "PENDING" => JobState::Pending,
        "CONFIGURING" | "RUNNING" | "STAGE_OUT" | "SIGNALING" | "RESIZING" | "SUSPENDED" | "STOPPED" => {
            JobState::Running
        }
        "COMPLETING" => JobState::Completing,
        "COMPLETED" => JobState::Completed,
        "FAILED" | "LAUNCH_FAILED" => JobState::Failed,
        "TIMEOUT" | "DEADLINE" => JobState::TimedOut,
        "NODE_FAIL" | "BOOT_FAIL" | "REVOKED" | "RECONFIG_FAIL" => JobState::NodeFailed,
        "PREEMPTED" => JobState::Preempted,
        "OUT_OF_MEMORY" => JobState::OutOfMemory,
        "CANCELLED" => JobState::Cancelled,
        "REQUEUED" | "REQUEUE_FED" | "REQUEUE_HOLD" | "SPECIAL_EXIT" => JobState::Requeued,
        _ => JobState::Unknown,
    }
}

/// A job's state in the accounting, which says whether somebody asked for the job to be cancelled.
pub(crate) fn accounted_state(state: JobState, is_asked_for: bool) -> JobState {
    if state == JobState::Cancelled && !is_asked_for { JobState::Forgotten } else { state }
}

/// A node's state as sinfo writes it: a word in lower case with marks behind.
pub(crate) fn node_condition(text: &str) -> NodeCondition {
    let text = text.trim().to_ascii_lowercase();
    // `*`: the node does not answer. `~`, `#`, `!`, `%`: it is powered down, or on its way up or down. `$`,
    // `@`, `^`: maintenance, reboot.
    let is_silent = text.ends_with('*');
    let word = text.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
    let has = |part: &str| word.split(['+', '_']).any(|found| found == part);
    if is_silent || ["down", "fail", "failing", "error", "unknown", "future"].iter().any(|bad| has(bad)) {
        NodeCondition::Down
    } else if ["drain", "drained", "draining", "maint", "reserved", "planned_down", "inval"]
        .iter()
        .any(|out| has(out))
    {
        NodeCondition::Drained
    } else {
        NodeCondition::Up
    }
}

/// The switch of each node, as a path from the top, `spine/leaf-1`. `scontrol show topology` has a line for
/// each switch or block, with its nodes or with the switches below it.
pub(crate) fn switch_paths(lines: &str) -> HashMap<String, String> {
    let mut above: HashMap<String, String> = HashMap::new();
    let mut leaves = Vec::new();
    for line in lines.lines() {
        let of = |key: &str| {
            line.split_whitespace().find_map(|part| part.strip_prefix(key)).filter(|value| *value != "(null)")
        };
        let Some(name) = of("SwitchName=").or_else(|| of("BlockName=")) else { continue };
        match (of("Switches="), of("Nodes=").and_then(hosts)) {
            (Some(below), _) => {
                let below = hosts(below).unwrap_or_default();
                above.extend(below.into_iter().map(|below| (below, name.to_owned())));
            }
            (None, Some(nodes)) => leaves.push((name.to_owned(), nodes)),
            (None, None) => {}
        }
    }
    let path = |leaf: &str| {
        let mut path = leaf.to_owned();
        let mut top = leaf;
        // Each level once: switches that contain themselves are no tree.
        for _ in 0..above.len() {
            let Some(up) = above.get(top) else { break };
            path = format!("{up}/{path}");
            top = up;
        }
        path
    };
    let of_leaf = |(leaf, nodes): (String, Vec<String>)| {
        let path = path(&leaf);
        nodes.into_iter().map(move |node| (node, path.clone()))
    };
    leaves.into_iter().flat_map(of_leaf).collect()
}

/// The daemons in the output of `scontrol --oneliner show node`.
pub(crate) fn daemons(lines: &str) -> Vec<Daemon> {
    let of_line = |line: &str| {
        let of = |key: &str| line.split_whitespace().find_map(|part| part.strip_prefix(key));
        let node = of("NodeName=")?.to_owned();
        Some(Daemon {
            address: of("NodeAddr=").unwrap_or(&node).to_owned(),
            port: of("Port=").and_then(|port| port.parse().ok()),
            started_s: of("SlurmdStartTime=").and_then(epoch),
            node,
        })
    };
    lines.lines().filter_map(of_line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn switches_are_paths_from_the_top() {
        let said = "SwitchName=leaf-1 Level=0 LinkSpeed=1 Nodes=npu[1-2]\n\
            SwitchName=leaf-2 Level=0 LinkSpeed=1 Nodes=npu3\n\
            SwitchName=spine Level=1 LinkSpeed=1 Nodes=npu[1-3] Switches=leaf-[1-2]\n";
        let of = |said: &str, node: &str| switch_paths(said).get(node).cloned();
        assert_eq!(of(said, "npu2").as_deref(), Some("spine/leaf-1"));
        assert_eq!(of(said, "npu3").as_deref(), Some("spine/leaf-2"));
        assert_eq!(of(said, "npu4"), None);
        let deep = format!("{said}SwitchName=core Level=2 LinkSpeed=1 Nodes=npu[1-3] Switches=spine\n");
        assert_eq!(of(&deep, "npu1").as_deref(), Some("core/spine/leaf-1"));
        assert_eq!(of("BlockName=b1 BlockIndex=0 Nodes=n[1-4] BlockSize=4", "n4").as_deref(), Some("b1"));
        assert_eq!(of("No topology information available", "n1"), None);
        let loops = "SwitchName=a Nodes=n1\nSwitchName=b Switches=a,c\nSwitchName=c Switches=b";
        assert!(of(loops, "n1").is_some_and(|path| path.len() < 20));
    }

    #[test]
    fn lists_of_hosts_are_taken_apart() {
        for (list, want) in [
            ("npu1", "npu1"),
            ("npu[1-3]", "npu1 npu2 npu3"),
            ("npu[1,3-4],login", "npu1 npu3 npu4 login"),
            ("r[1-2]n[08-10]", "r1n08 r1n09 r1n10 r2n08 r2n09 r2n10"),
            ("", ""),
            ("(null)", ""),
            ("None assigned", ""),
        ] {
            assert_eq!(hosts(list).unwrap().join(" "), want, "{list}");
        }
        for bad in ["npu[1-", "npu]1[", "npu[a-b]", "n[1-4000000000]", "a,,b"] {
            assert_eq!(hosts(bad), None, "{bad}");
        }
    }

    #[test]
    fn cards_are_counted_once() {
        for (list, want) in [
            ("cpu=8,mem=2000M,node=1,billing=8,gres/npu=8", 8),
            ("cpu=8,gres/npu=4,gres/npu:ascend910=4", 4),
            ("gres/gpu:a100=2,gres/gpu:h200=3", 5),
            ("cpu=1,node=1", 0),
            ("", 0),
        ] {
            assert_eq!(cards_of_tres(list), want, "{list}");
        }
        for (list, want) in [
            ("npu:ascend910:8", Some(("npu", Some("ascend910"), 8))),
            ("gpu:a100:4(S:0-1)", Some(("gpu", Some("a100"), 4))),
            ("shard:8,npu:8", Some(("npu", None, 8))),
            ("npu:ascend910", Some(("npu", Some("ascend910"), 1))),
            ("(null)", None),
        ] {
            let found = gres_of_node(list);
            let found = found.as_ref().map(|(kind, of, count)| (kind.as_str(), of.as_deref(), *count));
            assert_eq!(found, want, "{list}");
        }
    }

    #[test]
    fn states_are_told_apart() {
        assert_eq!(job_state("CANCELLED by 1000"), JobState::Cancelled);
        assert_eq!(job_state("OUT_OF_MEMORY"), JobState::OutOfMemory);
        assert_eq!(job_state("SOMETHING_NEW"), JobState::Unknown);
        for (text, want) in [
            ("idle", NodeCondition::Up),
            ("mixed", NodeCondition::Up),
            ("allocated+", NodeCondition::Up),
            ("idle*", NodeCondition::Down),
            ("down", NodeCondition::Down),
            ("draining@", NodeCondition::Drained),
            ("drained*", NodeCondition::Down),
            ("IDLE+DRAIN", NodeCondition::Drained),
            ("maint", NodeCondition::Drained),
            ("inval", NodeCondition::Drained),
        ] {
            assert_eq!(node_condition(text), want, "{text}");
        }
        assert_eq!((epoch("Unknown"), epoch("0"), epoch("1700000000")), (None, None, Some(1_700_000_000)));
        assert_eq!((exit_code("0:15"), exit_code("x")), (Some((0, 15)), None));
    }

    #[test]
    fn a_line_of_scontrol_tells_of_a_daemon() {
        let lines = "NodeName=npu1 Arch=x86_64 NodeAddr=10.0.0.1 NodeHostName=h Port=17001 Version=22.05.8 \
            SlurmdStartTime=1700000000\nNodeName=npu2 SlurmdStartTime=None\n\n";
        let (node, address) = ("npu1".to_owned(), "10.0.0.1".to_owned());
        let first = Daemon { node, address, port: Some(17001), started_s: Some(1_700_000_000) };
        let (node, address) = ("npu2".to_owned(), "npu2".to_owned());
        assert_eq!(daemons(lines), [first, Daemon { node, address, port: None, started_s: None }]);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a-z0-9\\[\\],:()=/* -]{0,30}") {
            let _ = (hosts(&text), cards_of_tres(&text), gres_of_node(&text), exit_code(&text));
            let _ = (job_state(&text), node_condition(&text));
        }
    }
}
