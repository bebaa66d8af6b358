//! Completions for shells.

use clap::Args;

use super::sbatch;
use crate::chinese;
use crate::context::{Context, Done, Run, write};

/// Print completions for a shell.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell to print them for.
    shell: clap_complete::Shell,
}

impl Run for Completions {
    fn run(self, context: &Context) -> Done {
        let mut script = Vec::new();
        let command = (context.command_line)().mut_subcommand("submit", sbatch::described);
        let mut command = chinese::in_language(command, context.lang);
        clap_complete::generate(self.shell, &mut command, "qiantang", &mut script);
        write(&script).map(drop)
    }
}
