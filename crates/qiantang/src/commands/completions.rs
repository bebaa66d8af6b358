//! Completions for shells.

use clap::{Args, CommandFactory as _};

use super::{Context, Done, Run};
use crate::cli::Cli;

/// Print completions for a shell.
#[derive(Debug, Args)]
pub struct Completions {
    shell: clap_complete::Shell,
}

impl Run for Completions {
    fn run(self, _: &Context) -> Done {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "qiantang", &mut script);
        // A reader that has gone away (`| head`) is no failure.
        let _ = std::io::Write::write_all(&mut std::io::stdout().lock(), &script);
        Ok(())
    }
}
