//! Completions for shells.

use clap::Args;

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
        clap_complete::generate(self.shell, &mut (context.command_line)(), "qiantang", &mut script);
        write(&script).map(drop)
    }
}
