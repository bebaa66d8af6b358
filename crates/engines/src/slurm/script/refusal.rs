//! Reasons for which the start of a run would not go on, as it leaves them for the center, quoted for the shell.

use domain::reason::NotStarted;

use crate::slurm::shell::quoted;

/// Stands for the node's name in a reason that is not written yet.
const THIS_NODE: &str = "@this-node@";

pub(crate) fn refusal(why: &NotStarted) -> String {
    quoted(&written(why))
}

/// A reason with the name of the node on which the shell finds it.
pub(crate) fn of_this_node(why: impl FnOnce(String) -> NotStarted) -> String {
    let json = written(&why(THIS_NODE.to_owned()));
    // The node comes last, and a folder may have any name.
    let (before, after) = json.rsplit_once(THIS_NODE).unwrap_or((&json, ""));
    format!("{}\"$SLURMD_NODENAME\"{}", quoted(before), quoted(after))
}

fn written(why: &NotStarted) -> String {
    serde_json::to_string(why).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shell_puts_the_node_s_name_into_a_reason() {
        for path in ["/data/it's", "/data/@this-node@", "/data/\"x\""] {
            let why = |node| NotStarted::Folder { path: path.into(), node };
            let script = format!("SLURMD_NODENAME=n7; printf %s {}", of_this_node(why));
            let told = std::process::Command::new("bash").args(["-c", &script]).output().unwrap().stdout;
            assert_eq!(serde_json::from_slice::<NotStarted>(&told).unwrap(), why("n7".into()));
        }
    }
}
