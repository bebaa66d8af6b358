//! Completions for shells.

use clap::Args;

use crate::context::{Context, Done, Run};

/// Print completions for a shell.
#[derive(Debug, Args)]
pub struct Completions {
    shell: clap_complete::Shell,
}

impl Run for Completions {
    fn run(self, context: &Context) -> Done {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut (context.command_line)(), "qiantang", &mut script);
        // A reader that has gone away (`| head`) is no failure.
        let _ = std::io::Write::write_all(&mut std::io::stdout().lock(), &script);
        Ok(())
    }
}
