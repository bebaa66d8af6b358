//! A script for sbatch: it runs once, on the first node, with the environment, the folder and the output
//! files that sbatch would give it.

use std::fmt::Write as _;

use domain::{Launch, reason::NotStarted};

use super::refusal::of_this_node;

use crate::{
    environment::Place,
    slurm::shell::quoted,
    spec::{LaunchNode, LaunchSpec},
};

/// Whether one process is started in all. On one node this makes no difference but for the environment.
pub(crate) fn is_once(spec: &LaunchSpec) -> bool {
    spec.nodes.len() == 1 || spec.launch == Launch::Batch
}

/// Whether the script gets this variable of a run. Slurm's own variables stay as Slurm has set them, since
/// `srun` goes by them. Where the script has several tasks, a rank in its environment would be the rank of
/// each task, and wrong in all but one.
pub(crate) fn has(spec: &LaunchSpec, name: &str) -> bool {
    const RANKS: [&str; 12] = [
        "RANK",
        "LOCAL_RANK",
        "WORLD_SIZE",
        "LOCAL_WORLD_SIZE",
        "NODE_RANK",
        "MASTER_ADDR",
        "MASTER_PORT",
        "RANK_ID",
        "RANK_SIZE",
        "DEVICE_ID",
        "QIANTANG_NODE_RANK",
        "QIANTANG_NODE_NAME",
    ];
    const CARDS: [&str; 3] = ["ASCEND_RT_VISIBLE_DEVICES", "ASCEND_VISIBLE_DEVICES", "QIANTANG_CARDS"];
    // `srun` would read it as a wish for GPUs.
    if name == "SLURM_GPUS_PER_NODE" {
        return false;
    }
    if spec.launch != Launch::Batch {
        return true;
    }
    if name.starts_with("SLURM") {
        return matches!(name, "SLURM_JOB_NAME" | "SLURM_GPUS_ON_NODE") || name.starts_with("SLURM_ARRAY_");
    }
    let is_alike = |node: &LaunchNode| node.cards == spec.nodes[0].cards;
    let is_wrong_rank = RANKS.contains(&name) && has_tasks(spec);
    let is_wrong_card = CARDS.contains(&name) && !spec.nodes.iter().all(is_alike);
    !is_wrong_rank && !is_wrong_card
}

/// Whether the script has several tasks, as far as its options say.
fn has_tasks(spec: &LaunchSpec) -> bool {
    let of = |count: Option<u32>| count.is_some_and(|count| count > 1);
    spec.launch == Launch::Batch
        && (spec.nodes.len() > 1 || of(spec.batch.tasks) || of(spec.batch.tasks_per_node))
}

/// Sets Slurm's variables as sbatch would have them. The engine asked Slurm in another way, so some differ.
pub(crate) fn push_environment(text: &mut String, spec: &LaunchSpec) {
    if spec.launch != Launch::Batch {
        return;
    }
    text.push_str("unset SLURM_OPEN_MODE\n");
    if let Some(export) = spec.batch.export.as_ref().filter(|export| *export != "ALL") {
        let _never_fails = writeln!(text, "export SLURM_EXPORT_ENV={}", quoted(export));
    }
    if spec.batch.without_cards {
        text.push_str("export SLURM_STEP_GRES=none\n");
    }
    // Slurm's commands set these variables, slurmrestd does not.
    for (name, count) in [
        ("SLURM_NTASKS_PER_NODE", spec.batch.tasks_per_node),
        ("SLURM_CPUS_PER_TASK", spec.batch.cpus_per_task),
    ] {
        if let Some(count) = count {
            let _never_fails = writeln!(text, "export {name}={count}");
        }
    }
    // The engine asks for processors along with the cards, and Slurm counts a task for each of them. The
    // script has not asked for these tasks.
    if !spec.batch.tells_processors() && !spec.exclusive {
        let on_each = match spec.nodes.len() {
            1 => "1".to_owned(),
            nodes => format!("1(x{nodes})"),
        };
        let _never_fails = writeln!(text, "export SLURM_TASKS_PER_NODE={}", quoted(&on_each));
    }
}

/// Enters the folder in which the script starts, once the environment is set.
pub(crate) fn push_folder(text: &mut String, spec: &LaunchSpec, place: &Place) {
    let batch = &spec.batch;
    let work = quoted(&place.work.display().to_string());
    let _never_fails = writeln!(
        text,
        "cd {work} 2>/dev/null || qt_refuse {}",
        of_this_node(|node| NotStarted::Folder { path: place.work.display().to_string(), node })
    );
    if spec.launch == Launch::Batch {
        let _never_fails = writeln!(text, "export SLURM_SUBMIT_DIR={work}");
        if let Some(submit_dir) = &batch.submit_dir {
            let folder = quoted(submit_dir);
            let _never_fails = writeln!(
                text,
                "if [ -d {folder} ] && ! {{ [ -w {folder} ] && cd {folder} 2>/dev/null && SLURM_SUBMIT_DIR={folder}; }}; then\n\
                 printf 'qiantang: it may not write to %s and starts in the job'\\''s work folder\\n' {folder} >&2\nfi"
            );
        }
    }
    if let Some(folder) = &batch.work_dir {
        let why = of_this_node(|node| NotStarted::Folder { path: folder.clone(), node });
        let folder = quoted(folder);
        let _never_fails = writeln!(text, "cd -- {folder} 2>/dev/null || qt_refuse {why}");
    }
    text.push_str("unset OLDPWD\n");
}

/// Makes the files that the script names for its outputs: other names of the files that the center keeps.
/// `qt_ln` is a program.
pub(crate) fn push_outputs(text: &mut String, spec: &LaunchSpec) {
    let batch = &spec.batch;
    if spec.launch != Launch::Batch {
        return;
    }
    let error = batch.error.as_ref().filter(|error| batch.output.as_ref() != Some(error));
    for (stream, pattern) in [("stdout", batch.output.as_ref()), ("stderr", error)] {
        // An output to /dev/null is kept all the same.
        let Some(pattern) = pattern.filter(|pattern| !pattern.starts_with("/dev/")) else { continue };
        let _never_fails = writeln!(
            text,
            "qt_file={}\n\
             if [ -d \"$qt_file\" ] || {{ [ -e \"$qt_file\" ] && [ ! -f \"$qt_file\" ]; }} ||\n\
             ! {{ \"$qt_ln\" -fT \"$qt_run/{stream}\" \"$qt_file\" || \"$qt_ln\" -sfT \"$qt_run/{stream}\" \"$qt_file\"; }} 2>/dev/null\n\
             then printf 'qiantang: %s can not be made; the center keeps this output\\n' \"$qt_file\" >&2; fi",
            expanded(pattern, spec)
        );
    }
    if batch.output.is_some() && error.is_none() {
        text.push_str("exec 2>&1\n");
    }
}

/// A pattern of sbatch as a word of the shell.
fn expanded(pattern: &str, spec: &LaunchSpec) -> String {
    let (mut word, mut plain) = (String::new(), String::new());
    let mut rest = pattern;
    if pattern.contains('\\') {
        // As in sbatch: then no character is special.
        return quoted(&pattern.replace('\\', ""));
    }
    while let Some(at) = rest.find('%') {
        plain.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let width: usize = after[..digits].parse().unwrap_or(0).min(10);
        let what = after[digits..].chars().next();
        let number = |name: &str| match width {
            0 => format!("\"${{{name}}}\""),
            width => format!("\"$(printf %0{width}d \"${{{name}}}\")\""),
        };
        let value = match what {
            Some('A') if spec.array.is_some() => number("SLURM_ARRAY_JOB_ID"),
            Some('j' | 'J' | 'A') => number("SLURM_JOB_ID"),
            Some('a') if spec.array.is_some() => number("SLURM_ARRAY_TASK_ID"),
            Some('a') => quoted("4294967294"),
            // Where several nodes are one machine, this is the name of the machine.
            Some('N') => {
                "\"$(qt_host=$(< /proc/sys/kernel/hostname); printf %s \"${qt_host%%.*}\")\"".to_owned()
            }
            Some('n' | 't') => quoted(&format!("{:0width$}", 0)),
            Some('s') => quoted("batch"),
            Some('u') => "\"${SLURM_JOB_USER}\"".to_owned(),
            Some('x') => quoted(&spec.job_name),
            Some('%') => quoted("%"),
            _ => {
                plain.push('%');
                rest = after;
                continue;
            }
        };
        if !plain.is_empty() {
            word.push_str(&quoted(&plain));
            plain.clear();
        }
        word.push_str(&value);
        rest = &after[digits + what.map_or(0, char::len_utf8)..];
    }
    plain.push_str(rest);
    if !plain.is_empty() || word.is_empty() {
        word.push_str(&quoted(&plain));
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{BatchSpec, CardSet, JobId, Millis, RunId, TenantId, Timestamp, card::Vendor};

    fn spec() -> LaunchSpec {
        let at = Timestamp::from_secs(1_700_000_000);
        let node = |name: &str, cards| LaunchNode {
            name: name.into(),
            cards: CardSet::first(cards),
            card_count: 8,
            vendor: Vendor::Ascend,
            model: "m".into(),
            is_virtual: false,
        };
        LaunchSpec {
            run: RunId::new(at, [1; 10]),
            job: JobId::new(at, [2; 10]),
            tenant: TenantId::new(at, [3; 10]),
            uid_index: 1,
            job_name: "it's".into(),
            project: "p".into(),
            array: None,
            script: "#!/bin/bash\n".into(),
            encoding: None,
            args: vec![],
            env: vec![],
            secret_names: vec![],
            secrets: vec![],
            nodes: vec![node("a", 2), node("b", 2)],
            launch: Launch::Batch,
            batch: BatchSpec::default(),
            exclusive: false,
            time_limit: Millis::from_secs(60),
            kill_grace: Millis::from_secs(5),
            log_limit_bytes: 1 << 20,
            limits: crate::spec::RunLimits::default(),
        }
    }

    #[test]
    fn patterns_become_words_of_the_shell() {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        let host = host.trim().split('.').next().unwrap();
        let named = format!("it's/00077_{host}%root");
        for (pattern, want) in [
            ("out.txt", "out.txt"),
            ("a b-%j.out", "a b-77.out"),
            ("%x/%5j_%N%%%u", named.as_str()),
            ("$(id)`id`\"'%q%", "$(id)`id`\"'%q%"),
            ("a\\%j", "a%j"),
            ("%A_%a", "77_4294967294"),
        ] {
            let script = format!("printf %s {}", expanded(pattern, &spec()));
            let out = std::process::Command::new("/bin/bash")
                .args(["-c", &script])
                .env("SLURM_JOB_ID", "77")
                .env("SLURM_JOB_USER", "root")
                .output()
                .unwrap();
            assert_eq!(String::from_utf8_lossy(&out.stdout), want, "{pattern}");
        }
    }

    #[test]
    fn tasks_get_no_rank_of_their_script() {
        let mut spec = spec();
        for name in ["RANK", "WORLD_SIZE", "SLURM_NTASKS", "SLURM_GPUS_PER_NODE"] {
            assert!(!has(&spec, name), "{name}");
        }
        for name in ["PATH", "SLURM_JOB_NAME", "SLURM_ARRAY_TASK_ID", "ASCEND_VISIBLE_DEVICES"] {
            assert!(has(&spec, name), "{name}");
        }
        spec.nodes[1].cards = CardSet::first(1);
        assert!(!has(&spec, "ASCEND_VISIBLE_DEVICES"), "each node has others");
        spec.nodes.truncate(1);
        assert!(has(&spec, "RANK") && !has(&spec, "SLURM_NTASKS"));
        spec.batch.tasks = Some(4);
        assert!(!has(&spec, "RANK"));
        spec.launch = Launch::EachNode;
        assert!(has(&spec, "RANK") && has(&spec, "SLURM_NTASKS") && !has(&spec, "SLURM_GPUS_PER_NODE"));
    }
}
