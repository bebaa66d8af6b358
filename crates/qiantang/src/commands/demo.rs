//! The demo's command.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

use crate::context::{Context, Done, Run};
use crate::{demo, serve::host_command};

/// Bring up a whole center on this machine and do real work on it.
#[derive(Debug, Args)]
pub struct Demo {
    /// Stop after the work.
    #[arg(long)]
    once: bool,
    /// Where to serve.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Keep the data here; a new folder, removed at the end, where left out.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Run without isolation, where the machine can't isolate.
    #[arg(long)]
    no_isolation: bool,
    /// `local`: virtual nodes, whose runs are processes of this machine. `slurm`: a cluster.
    #[arg(long, value_parser = ["local", "slurm"], default_value = "local")]
    engine: String,
    /// With Slurm: a folder that all nodes have under the same path. Where left out, one in the data folder, which is enough where
    /// all nodes are this machine.
    #[arg(long)]
    shared_dir: Option<PathBuf>,
    /// With Slurm: its configuration, where it is not in its usual place.
    #[arg(long, env = "SLURM_CONF")]
    slurm_conf: Option<PathBuf>,
    /// With Slurm: whose jobs they are.
    #[arg(long)]
    slurm_user: Option<String>,
}

impl Run for Demo {
    fn run(self, context: &Context) -> Done {
        let slurm = (self.engine == "slurm").then_some(demo::OnSlurm {
            conf: self.slurm_conf,
            shared_dir: self.shared_dir,
            user: self.slurm_user,
        });
        let options = demo::Options {
            once: self.once,
            json: context.json,
            listen: self.listen,
            data_dir: self.data_dir,
            no_isolation: self.no_isolation,
            slurm,
            lang: context.lang,
        };
        demo::run(&options, host_command())
    }
}
