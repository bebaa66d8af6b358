//! The values of options that are ignored. sbatch refuses a wrong one, and so it is refused here: it may be
//! the value of another option, or a slip.

use super::values::{count, leading_number, nodes, time, whole};
use crate::problem::{OptionFault, Wrong};

const MAIL: [&str; 13] = [
    "NONE",
    "ARRAY_TASKS",
    "BEGIN",
    "END",
    "FAIL",
    "INVALID_DEPEND",
    "REQUEUE",
    "ALL",
    "STAGE_OUT",
    "TIME_LIMIT",
    "TIME_LIMIT_90",
    "TIME_LIMIT_80",
    "TIME_LIMIT_50",
];
const HINTS: [&str; 4] = ["compute_bound", "memory_bound", "multithread", "nomultithread"];
const GOVERNORS: [&str; 6] =
    ["conservative", "ondemand", "performance", "powersave", "userspace", "schedutil"];
const LEVELS: [&str; 4] = ["low", "medium", "high", "highm1"];

/// Whether sbatch takes the value.
pub fn check(name: &str, value: Option<&str>) -> Result<(), Wrong> {
    let Some(value) = value else { return Ok(()) };
    let one_of = |known: &'static [&'static str]| {
        if known.iter().any(|word| word.eq_ignore_ascii_case(value)) {
            Ok(())
        } else {
            Err(Wrong::unknown(value, known))
        }
    };
    let list_of = |known: &'static [&'static str]| {
        let is_known = |part: &str| known.iter().any(|word| word.eq_ignore_ascii_case(part));
        match value.split(',').filter(|part| !part.is_empty()).find(|part| !is_known(part)) {
            Some(part) => Err(Wrong::unknown(part, known)),
            None if value.chars().all(|c| c == ',') => Err(Wrong::unknown(value, known)),
            None => Ok(()),
        }
    };
    let when = |is_good: bool| {
        if is_good { Ok(()) } else { Err(OptionFault::BadValue { given: value.to_owned() }.into()) }
    };
    match name {
        "mail-type" => list_of(&MAIL),
        "hint" => list_of(&HINTS),
        "gres-flags" => one_of(&["disable-binding", "enforce-binding"]),
        "kill-on-invalid-dep" => one_of(&["yes", "no"]),
        "no-kill" | "extra-node-info" if value.is_empty() => Ok(()),
        "no-kill" => one_of(&["set", "off", "no"]),
        "open-mode" => when(value.starts_with(['a', 'A', 't', 'T'])),
        "cpus-per-gpu" | "mincpus" | "ntasks-per-core" | "ntasks-per-socket" | "threads-per-core"
        | "thread-spec" => when(count(value).is_ok()),
        "cores-per-socket" | "sockets-per-node" => when(is_range(value)),
        "extra-node-info" => when(value.split(':').count() <= 3 && value.split(':').all(is_range)),
        "core-spec" => when(value.is_empty() || whole(value, 0).is_ok()),
        "wait-all-nodes" => when(value.is_empty() || whole(value, 0).is_ok_and(|number| number <= 1)),
        "nice" => when(leading_number(value).is_none_or(|(nice, _)| nice.abs() <= 0x7fff_fffc)),
        "priority" => when(
            value.eq_ignore_ascii_case("top")
                || leading_number(value).is_none_or(|(number, _)| (0..0xffff_fffe).contains(&number)),
        ),
        "switches" => when(count(value.split_once('@').map_or(value, |(number, _)| number)).is_ok()),
        "time-min" | "delay-boot" => when(
            time(value).is_ok()
                || (!value.is_empty() && value.chars().all(|c| c == '0'))
                || is_endless(value),
        ),
        "gpu-freq" => when(value.split(',').all(is_card_frequency)),
        "gpu-bind" | "mem-bind" => when(!value.is_empty()),
        "tmp" => when(super::values::mib(value).is_ok()),
        "profile" => {
            let value = value.to_ascii_lowercase();
            when(
                ["none", "all", "energy", "task", "lustre", "network"]
                    .iter()
                    .any(|word| value.contains(word)),
            )
        }
        "acctg-freq" => when(value.split(',').filter(|part| !part.is_empty()).all(is_frequency)),
        "distribution" => when(is_distribution(value)),
        "cpu-freq" => when(is_cpu_frequency(value)),
        _ => Ok(()),
    }
}

/// No limit, in sbatch's words.
pub fn is_endless(value: &str) -> bool {
    value == "-1" || ["infinite", "unlimited"].iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// `2`, `2-4`, `*`, `1k`.
fn is_range(value: &str) -> bool {
    value.starts_with('*') || whole(value, 0).is_ok() || nodes(value).is_ok()
}

/// `30`, `task=30`, `energy=10`.
fn is_frequency(value: &str) -> bool {
    let number = ["task=", "energy=", "network=", "filesystem="]
        .iter()
        .find_map(|word| value.get(..word.len()).filter(|given| given.eq_ignore_ascii_case(word)))
        .map_or(value, |word| &value[word.len()..]);
    whole(number, 0).is_ok()
}

/// `block`, `cyclic:fcyclic:*`, `plane=4`, `block,NoPack`.
fn is_distribution(value: &str) -> bool {
    if value.len() >= 5 && value[..5].eq_ignore_ascii_case("plane") {
        return value.split_once('=').is_some_and(|(_, size)| count(size).is_ok());
    }
    let is_flag = |flag: &str| ["pack", "nopack"].iter().any(|word| flag.eq_ignore_ascii_case(word));
    let (base, flags) = value.split_once(',').map_or((value, None), |(base, flags)| (base, Some(flags)));
    let parts: Vec<&str> = base.split(':').collect();
    let is_word = |(place, part): (usize, &&str)| {
        let known: &[&str] = match place {
            0 => &["*", "block", "cyclic"],
            _ => &["*", "block", "cyclic", "fcyclic"],
        };
        known.iter().any(|word| word.eq_ignore_ascii_case(part))
    };
    let is_base = ["arbitrary", "hostfile"].iter().any(|word| base.eq_ignore_ascii_case(word))
        || is_flag(base)
        || (parts.len() <= 3 && parts.iter().enumerate().all(is_word));
    is_base && flags.is_none_or(|flags| flags.split(',').all(is_flag))
}

/// `high`, `memory=900`, `verbose`.
fn is_card_frequency(part: &str) -> bool {
    let speed = part.strip_prefix("memory=").unwrap_or(part);
    part == "verbose" || LEVELS.contains(&speed) || whole(speed, 1).is_ok()
}

/// `low`, `2400000`, `1000-2000:performance`.
fn is_cpu_frequency(value: &str) -> bool {
    let is = |part: &str, known: &[&str]| known.iter().any(|word| word.eq_ignore_ascii_case(part));
    let is_speed = |part: &str| is(part, &LEVELS) || whole(part, 1).is_ok();
    let (speeds, governor) = value.split_once(':').map_or((value, None), |(s, g)| (s, Some(g)));
    let is_alone = governor.is_none() && is(value, &GOVERNORS);
    let is_pair = match speeds.split_once('-') {
        Some((low, high)) => is_speed(low) && is_speed(high),
        None => is_speed(speeds),
    };
    is_alone || (is_pair && governor.is_none_or(|governor| is(governor, &GOVERNORS)))
}
