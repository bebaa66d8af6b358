//! The start of a node's process: environment, limits, then the run's script.

use std::{collections::HashSet, fmt::Write as _, path::Path};

use domain::{
    Launch,
    reason::{NotStarted, SystemError},
};

use super::{
    job::{can_be_exported, is_inline},
    refusal::{of_this_node, refusal},
    sbatch,
};
use crate::{
    environment::{self, Place, Variables},
    interpreter,
    slurm::shell::quoted,
    spec::LaunchSpec,
};

/// The variables that Slurm knows better than the center, and that its own commands in a script need.
const SLURMS_OWN: [&str; 4] = ["SLURM_JOB_ID", "SLURM_JOBID", "SLURM_JOB_ACCOUNT", "SLURM_CLUSTER_NAME"];

/// The shell text that begins a node's process. It looks up the programs that it calls before it sets the
/// run's own variables, and its own variables begin with `qt_`.
pub(crate) fn start(spec: &LaunchSpec, place: &Place, folder: &Path) -> String {
    let run = quoted(&folder.display().to_string());
    let odd: Vec<String> = spec
        .env
        .iter()
        .filter(|(name, _)| !can_be_exported(name))
        .map(|(name, value)| quoted(&format!("{name}={value}")))
        .collect();
    let mut text = format!(
        "qt_run={run}\n\
         qt_refuse() {{ (set -C; printf '%s\\n' \"$1\" > \"$qt_run/refused\") 2>/dev/null; exit 127; }}\n"
    );
    if spec.launch == Launch::Batch {
        text.push_str("hash ln 2>/dev/null && qt_ln=${BASH_CMDS[ln]}\n");
    }
    if spec.batch.warning.is_some() {
        text.push_str("hash sleep && qt_sleep=${BASH_CMDS[sleep]}\n");
    }
    if !odd.is_empty() {
        text.push_str("hash env && qt_env=${BASH_CMDS[env]}\n");
    }
    push_rank(&mut text, spec);
    if !sbatch::is_once(spec) {
        text.push_str("echo 2>/dev/null > \"$qt_run/began.$qt_rank\"\n");
    }
    push_interpreter(&mut text, spec);
    push_environment(&mut text, spec, place);
    push_secrets(&mut text, spec);
    sbatch::push_environment(&mut text, spec);
    push_limits(&mut text, spec);
    sbatch::push_folder(&mut text, spec, place);
    sbatch::push_outputs(&mut text, spec);
    if is_inline(spec) {
        push_leave(&mut text, spec);
        return text;
    }
    // A shell always passes this variable on, unless it is an array.
    text.push_str("declare -a SHLVL\n");
    if !sbatch::is_once(spec) {
        // The script runs beside this shell, which stays to see how it ends. Slurm sends a signal to both.
        // The shell heeds it until the script is there, or it would begin a script that never got the signal.
        text.push_str("(\n");
    }
    push_warning(&mut text, spec);
    let mut script = "exec ".to_owned();
    if !odd.is_empty() {
        // A shell can't pass on variables with such names.
        let _never_fails = write!(script, "\"$qt_env\" {} ", odd.join(" "));
    }
    if interpreter::of(&spec.script).is_none() {
        script.push_str("/bin/bash ");
    }
    script.push_str("\"$qt_run/script\"");
    for arg in &spec.args {
        let _never_fails = write!(script, " {}", quoted(arg));
    }
    text.push_str(&script);
    if !sbatch::is_once(spec) {
        text.push_str(
            "\n) <&0 &\n\
             qt_pid=$! qt_told=\n\
             trap '{ qt_told=1; : > \"$qt_run/told\"; } 2>/dev/null' TERM\n\
             wait \"$qt_pid\"; qt_code=$?\n\
             # Slurm may signal the script a moment before this shell.\n\
             [ \"$qt_code\" != 143 ] || [ -n \"$qt_told\" ] || read -rt 0.2 <> <(:)\n\
             while [ -n \"$qt_told\" ]; do qt_told=; wait \"$qt_pid\"; qt_code=$?; done\n\
             if ((qt_code != 0)); then (set -C; echo \"$qt_code\" > \"$qt_run/failed\") 2>/dev/null; fi\n\
             # Only a process that ended before it was told to.\n\
             [ -e \"$qt_run/told\" ] || echo \"$qt_code\" 2>/dev/null > \"$qt_run/ended.$qt_rank\"\n\
             exit $qt_code",
        );
    }
    text.push('\n');
    text
}

/// Finds the rank of this node by its name. Slurm sorts a job's nodes in its own order, so its numbers are
/// not the ranks that the center has given out.
fn push_rank(text: &mut String, spec: &LaunchSpec) {
    text.push_str("case $SLURMD_NODENAME in\n");
    for (rank, node) in spec.nodes.iter().enumerate() {
        let _never_fails = writeln!(text, "{}) qt_rank={rank} ;;", quoted(&node.name));
    }
    let why = of_this_node(|node| NotStarted::WrongNode { node });
    let _never_fails = writeln!(text, "*) qt_refuse {why} ;;\nesac");
}

fn push_interpreter(text: &mut String, spec: &LaunchSpec) {
    let Some(program) = interpreter::of(&spec.script) else { return };
    if program.is_empty() {
        let _never_fails =
            writeln!(text, "qt_refuse {}", refusal(&interpreter::names_no_program(&spec.script)));
        return;
    }
    let name = quoted(interpreter::path(&spec.script).unwrap_or(program));
    let not_to_be_had = |errno: i32| {
        refusal(&interpreter::not_to_be_had(&spec.script, program, SystemError::of_number(errno)))
    };
    let _never_fails = writeln!(
        text,
        "[ -e {name} ] || qt_refuse {}\n[ -x {name} ] || qt_refuse {}",
        not_to_be_had(libc::ENOENT),
        not_to_be_had(libc::EACCES)
    );
}

/// Sets the run's variables and none of the node's, except for Slurm's own.
fn push_environment(text: &mut String, spec: &LaunchSpec, place: &Place) {
    // The variables that this shell was given, which are read without a process, and those that it set
    // itself. Slurm's stay.
    let forget = if is_inline(spec) { "unset -v" } else { "export -n" };
    let _never_fails = writeln!(
        text,
        "unset -v CUDA_VISIBLE_DEVICES SLURM_TIME_FORMAT\n\
         mapfile -d '' -t qt_given < /proc/self/environ\n\
         for qt_name in \"${{qt_given[@]%%=*}}\"; do case $qt_name in SLURM*) ;; RANDOM|SECONDS|BASH*) export -n \"$qt_name\" ;; *) {forget} \"$qt_name\" ;; esac; done 2>/dev/null\n\
         export -n OLDPWD PWD _"
    );
    let has = |name: &str| {
        !SLURMS_OWN.contains(&name)
            && name != "MASTER_PORT"
            && can_be_exported(name)
            && sbatch::has(spec, name)
    };
    let of_node = |rank: usize| {
        let mut all = environment::of_node(spec, rank, place);
        all.retain(|(name, _)| has(name));
        all
    };
    // A run may have thousands of nodes, so each is told only what is not the same for all.
    let first: HashSet<(String, String)> = of_node(0).into_iter().collect();
    let alike = (1..spec.nodes.len()).fold(first.clone(), |alike, rank| {
        of_node(rank).into_iter().filter(|variable| alike.contains(variable)).collect()
    });
    let mut common = environment::environment(spec, 0, place);
    common.retain(|variable| has(&variable.0) && (alike.contains(variable) || !first.contains(variable)));
    // All in one command: each command costs the shell time.
    let export = |text: &mut String, variables: Variables| {
        // Without arguments the command would list all variables.
        if !variables.is_empty() {
            text.push_str("export");
        }
        for (name, value) in variables {
            let _never_fails = write!(text, " {name}={}", quoted(&value));
        }
        text.push('\n');
    };
    export(text, common);
    if spec.nodes.len() > 1 {
        text.push_str("case $qt_rank in\n");
        for rank in 0..spec.nodes.len() {
            let _never_fails = write!(text, "{rank}) ");
            let mut own = of_node(rank);
            own.retain(|variable| !alike.contains(variable));
            export(text, own);
            text.push_str(";;\n");
        }
        text.push_str("esac\n");
    }
    // All nodes of a job come to the same number, and jobs beside each other come to different ones.
    if sbatch::has(spec, "MASTER_PORT") {
        text.push_str("export MASTER_PORT=$((20000 + SLURM_JOB_ID % 12000))\n");
    }
    // Where Slurm binds cards to jobs by their numbers, it knows better which ones they are.
    text.push_str(
        "qt_cards=${SLURM_STEP_GPUS:-$SLURM_JOB_GPUS}\n\
         if [ -n \"$qt_cards\" ]; then\n\
         export QIANTANG_CARDS=$qt_cards\n\
         [ -z \"$CUDA_VISIBLE_DEVICES\" ] || export CUDA_VISIBLE_DEVICES=$qt_cards\n\
         fi\n",
    );
}

/// Sets the variables that the run gets of secrets. They are in a file of its user, so that no command line and no record
/// of Slurm has them. Where one process is started the file is emptied at once, otherwise by the batch script.
fn push_secrets(text: &mut String, spec: &LaunchSpec) {
    if spec.secret_names.is_empty() {
        return;
    }
    let _never_fails =
        writeln!(text, "[ -s \"$qt_run/secrets\" ] || qt_refuse {}", refusal(&NotStarted::SecretsGone));
    text.push_str(
        "mapfile -d '' -t qt_given < \"$qt_run/secrets\"\n\
         for qt_name in \"${qt_given[@]}\"; do export \"$qt_name\"; done\n\
         unset -v qt_given qt_name\n",
    );
    if sbatch::is_once(spec) {
        text.push_str(": > \"$qt_run/secrets\"\n");
    }
}

/// Makes the shell like a new one that was started for the script.
fn push_leave(text: &mut String, spec: &LaunchSpec) {
    text.push_str(
        "SHLVL=1; export SHLVL PWD OLDPWD\nread -r HOSTNAME < /proc/sys/kernel/hostname\n\
         : \"${TERM=dumb}\" \"${PS4=+ }\"\nunset -f qt_refuse\nhash -r\nset --",
    );
    for arg in &spec.args {
        let _never_fails = write!(text, " {}", quoted(arg));
    }
    text.push_str("\nunset -v \"${!qt_@}\"\n");
}

/// Starts a clock beside the script. It signals the script alone, unless that has ended. Slurm ends the clock
/// with the job.
fn push_warning(text: &mut String, spec: &LaunchSpec) {
    let Some(warning) = &spec.batch.warning else { return };
    let after_ms = spec.time_limit.0 - i64::from(warning.before_s) * 1000;
    let _never_fails = writeln!(
        text,
        "qt_pid=$BASHPID\n\
         {{ \"$qt_sleep\" {after}; read -r _ _ _ qt_parent _ < \"/proc/$BASHPID/stat\"\n\
         [ \"$qt_parent\" != \"$qt_pid\" ] || kill -s {signal} \"$qt_pid\"; }} &",
        after = seconds(after_ms),
        signal = quoted(&warning.signal)
    );
}

fn push_limits(text: &mut String, spec: &LaunchSpec) {
    text.push_str("umask 022\nulimit -c 0\n");
    // A lower limit of the node stays.
    let _never_fails = writeln!(text, "ulimit -n {} 2>/dev/null", spec.limits.max_open_files);
    if let Some(bytes) = spec.limits.file_size_bytes {
        let _never_fails = writeln!(text, "ulimit -f {} 2>/dev/null", bytes.div_ceil(1024));
    }
}

/// A time as `sleep` reads it.
fn seconds(ms: i64) -> String {
    let ms = ms.max(0);
    format!("{}.{:03}", ms / 1000, ms % 1000)
}
