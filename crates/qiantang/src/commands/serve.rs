//! Running a center.

use std::path::PathBuf;

use clap::Args;

use crate::context::{Context, Done, Run};

/// Run a center.
#[derive(Debug, Args)]
pub struct Serve {
    /// The settings file.
    #[arg(long, short)]
    config: Option<PathBuf>,
}

impl Run for Serve {
    fn run(self, context: &Context) -> Done {
        crate::serve::run(self.config.as_deref(), context.lang)
    }
}
