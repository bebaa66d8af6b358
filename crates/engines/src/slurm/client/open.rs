//! The way to Slurm that the settings name.

use std::sync::Arc;

use super::{
    commands::Commands,
    port::{Calls, Port},
    rest::Rest,
};
use crate::{
    engine::EngineError,
    slurm::{
        config::{Access, SlurmConfig, Token},
        disk::user::UnixUser,
    },
};

pub(crate) fn open_port(config: &SlurmConfig, calls: &Arc<Calls>) -> Result<Box<dyn Port>, EngineError> {
    Ok(match &config.access {
        Access::Commands { bin, conf } => {
            let mut commands = Commands::new(bin.clone(), conf.clone(), config.times.call);
            commands.calls = Arc::clone(calls);
            Box::new(commands)
        }
        Access::Rest { url, token } => {
            let mut rest = open_rest(config, url, token)?;
            rest.calls = Arc::clone(calls);
            Box::new(rest)
        }
    })
}

pub(crate) fn open_rest(config: &SlurmConfig, url: &str, token: &Token) -> Result<Rest, EngineError> {
    let own = UnixUser::find(None).map_err(EngineError::io("look up this process's user"))?;
    // The user of Slurm who submits the jobs also looks at them: other users neither see nor cancel them.
    let user = config.owner.user.clone().or_else(|| own.map(|user| user.name));
    let is_root = rustix::process::geteuid().is_root();
    let user = if is_root { "root".to_owned() } else { user.unwrap_or_default() };
    Ok(Rest::new(url, token.clone(), user, config.times.call))
}
