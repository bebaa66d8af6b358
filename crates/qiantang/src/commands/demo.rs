//! The demo's command.

use domain::both;
use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

use crate::context::{Context, Done, Run};
use crate::{demo, errors::Failure, serve::programs};

/// Bring up a whole center on this machine and do real work on it.
#[derive(Debug, Args)]
pub struct Demo {
    /// Stop after the work.
    #[arg(long)]
    once: bool,
    /// The address and port to serve at; port 8470 of this machine where left out, or any that is free.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// The folder to keep the data in; a new one, which is removed at the end, where left out.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// The seed of the dice that the demo's past of 30 days is generated with; the same seed gives the same work for
    /// each day. There is no past on Slurm.
    #[arg(long)]
    seed: Option<u32>,
    /// Run jobs without isolation, for machines that can't isolate.
    #[arg(long)]
    no_isolation: bool,
    /// The engine that runs jobs: `local`, virtual nodes on this machine, or `slurm`, a cluster.
    #[arg(long, value_parser = ["local", "slurm"], default_value = "local")]
    engine: String,
    /// With Slurm, a folder that all nodes have under the same path. Where left out, one in the data folder, which is enough where
    /// all nodes are this machine.
    #[arg(long)]
    shared_dir: Option<PathBuf>,
    /// With Slurm, its configuration file; that of `SLURM_CONF` where left out, or in its usual place.
    #[arg(long)]
    slurm_conf: Option<PathBuf>,
    /// With Slurm, the user that jobs run as; you where left out.
    #[arg(long)]
    slurm_user: Option<String>,
}

impl Demo {
    /// The cluster to run on, if any; without one, what is said about it would be lost without a word.
    fn slurm(&self) -> Result<Option<demo::OnSlurm>, Failure> {
        if self.engine == "slurm" {
            if self.seed.is_some() {
                let message = both(
                    "--seed 决定生成的历史，而 Slurm 上的演示没有这样的历史",
                    "--seed says something about a generated past, and a demo on Slurm has none",
                );
                return Err(Failure::usage("no_past", message, both("去掉它", "leave it out")));
            }
            let conf = self.slurm_conf.clone().or_else(|| std::env::var_os("SLURM_CONF").map(PathBuf::from));
            let (shared_dir, user) = (self.shared_dir.clone(), self.slurm_user.clone());
            return Ok(Some(demo::OnSlurm { conf, shared_dir, user }));
        }
        let about_slurm = [
            ("--shared-dir", self.shared_dir.is_some()),
            ("--slurm-conf", self.slurm_conf.is_some()),
            ("--slurm-user", self.slurm_user.is_some()),
        ];
        match about_slurm.iter().find(|(_, is_given)| *is_given) {
            None => Ok(None),
            Some((option, _)) => {
                let message = both(
                    format!("{option} 是关于 Slurm 的，而演示没有使用 Slurm"),
                    format!("{option} says something about Slurm, and the demo does not run on it"),
                );
                let hint = both("请加上 --engine slurm，或去掉它", "add --engine slurm, or leave it out");
                Err(Failure::usage("not_on_slurm", message, hint))
            }
        }
    }
}

impl Run for Demo {
    fn run(self, context: &Context) -> Done {
        let slurm = self.slurm()?;
        let options = demo::Options {
            once: self.once,
            json: context.json,
            listen: self.listen,
            data_dir: self.data_dir,
            seed: self.seed.unwrap_or(demo::SEED),
            no_isolation: self.no_isolation,
            slurm,
            lang: context.lang,
        };
        demo::run(&options, programs())
    }
}
