//! The batch script: it claims the run, and then goes on as the run's script or begins its processes.

use std::{fmt::Write as _, path::Path};

use super::sbatch;
use crate::{
    slurm::shell::{quoted, quoted_in_line},
    spec::LaunchSpec,
};

/// The exit code of a batch script that was not let through.
pub(crate) const NOT_CLAIMED: i32 = 213;

/// The longest script that Slurm itself gets, which keeps all scripts in its state.
const MOST_INLINE_BYTES: usize = 64 * 1024;

/// The script that Slurm runs on the first node of its list. `start` is the shell text that begins a node's
/// process.
pub(crate) fn batch_script(spec: &LaunchSpec, folder: &Path, start: &str, notice: Option<String>) -> String {
    let nodes = spec.nodes.len();
    let run = quoted(&folder.display().to_string());
    // Only one Slurm job may be the run, and only once: the one that makes the file.
    let claim = format!(
        "qt_run={run}\n\
         set -C\n\
         {{ echo \"$SLURM_JOB_ID\" || exit {NOT_CLAIMED}; }} > \"$qt_run/claim\" || {{\n\
         [ ! -e \"$qt_run/claim\" ] || echo \"$SLURM_JOB_ID\" >| \"$qt_run/second\"; exit {NOT_CLAIMED}; }}\n\
         set +C\n"
    );
    let notice = notice.unwrap_or_default();
    if is_inline(spec) {
        // The start is one line in place of the first, so that the lines of the run's script keep their
        // numbers.
        let rest = spec.script.split_once('\n').map_or("", |(_, rest)| rest);
        let end = if rest.ends_with('\n') { "" } else { "\n" };
        let before = quoted_in_line(&format!("{claim}{notice}{start}"));
        return format!("#!/bin/bash\neval {before}; {rest}{end}");
    }
    let mut text = format!("#!/bin/bash\n# Qiantang's run {}\n{claim}{notice}", spec.run);
    if sbatch::is_once(spec) {
        text.push_str(start);
        return text;
    }
    let forget = if spec.secret_names.is_empty() { "" } else { ": 2>/dev/null > \"$qt_run/secrets\"\n" };
    // With `--overlap` this step leaves the resources to the user's own `srun`.
    let _never_fails = write!(
        text,
        "trap : TERM\n\
         srun --nodes={nodes} --ntasks={nodes} --ntasks-per-node=1 --cpus-per-task=\"${{SLURM_CPUS_PER_TASK:-1}}\" \\\n  \
         --overlap --kill-on-bad-exit=1 --wait=0 --mpi=none --input=none --quiet /bin/bash \"$qt_run/start\"\n\
         code=$?\n\
         {forget}\
         # The first node that failed is the one that tells why.\n\
         if read -r first 2>/dev/null < \"$qt_run/failed\"; then code=$first; fi\n\
         trap - TERM\n\
         if ((code > 128)); then ulimit -c 0; kill -$((code - 128)) $$; fi\n\
         exit $code\n"
    );
    text
}

/// Whether the batch script goes on as the run's own script, which saves a process. That is not for a script
/// that may look at its own text, because the start would be in it. Nor is it for one with a clock beside it,
/// which would be among its jobs; for one with variables that a new shell does not take from its environment;
/// or for one with characters that sbatch refuses.
pub(crate) fn is_inline(spec: &LaunchSpec) -> bool {
    const BASH: [&str; 3] = ["#!/bin/bash", "#! /bin/bash", "#!/usr/bin/bash"];
    const ITSELF: [&str; 6] = ["$0", "${0", "$_", "BASH_", "/proc/", "scontrol"];
    const NOT_TAKEN: [&str; 15] = [
        "COMP_WORDBREAKS",
        "EXECIGNORE",
        "GLOBIGNORE",
        "HOSTNAME",
        "IFS",
        "OLDPWD",
        "OPTERR",
        "OPTIND",
        "POSIXLY_CORRECT",
        "POSIX_PEDANTIC",
        "PS1",
        "PS2",
        "PS4",
        "PWD",
        "SHLVL",
    ];
    sbatch::is_once(spec)
        && spec.encoding.is_none()
        && BASH.contains(&spec.script.split('\n').next().unwrap_or_default())
        && spec.script.len() <= MOST_INLINE_BYTES
        && !spec.script.contains(['\r', '\0'])
        && !ITSELF.iter().any(|own| spec.script.contains(own))
        && spec.batch.warning.is_none()
        && spec.env.iter().all(|(name, _)| can_be_exported(name) && !NOT_TAKEN.contains(&name.as_str()))
}

/// Whether a shell passes on a variable of this name unchanged.
pub(super) fn can_be_exported(name: &str) -> bool {
    const SHELLS_OWN: [&str; 14] = [
        "DIRSTACK",
        "EPOCHREALTIME",
        "EPOCHSECONDS",
        "EUID",
        "FUNCNAME",
        "GROUPS",
        "HISTCMD",
        "LINENO",
        "PPID",
        "RANDOM",
        "SECONDS",
        "SHELLOPTS",
        "SRANDOM",
        "UID",
    ];
    let mut chars = name.chars();
    !SHELLS_OWN.contains(&name)
        && !name.starts_with("BASH")
        && !name.starts_with("qt_")
        && name != "_"
        && chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
