//! The loops that make the center run: plan, watch, meter, and on Slurm the mirror of its nodes and the
//! accounts there. Each is a thread that sleeps until it is woken.

pub mod accounts;
pub mod meter;
pub mod mirror;
pub mod plan;
pub mod watch;

use std::sync::Arc;

use crate::{center::Center, wakers::Sleepers};

/// Starts the loops, each in a thread of its own.
pub fn start(center: &Center, sleepers: Sleepers) -> std::io::Result<Vec<std::thread::JoinHandle<()>>> {
    let spawn = |name: &str, body: Box<dyn FnOnce() + Send>| {
        std::thread::Builder::new().name(name.into()).spawn(body)
    };
    let Sleepers { plan, meter, accounts, watch } = sleepers;
    let (for_plan, for_watch, for_meter) = (center.clone(), center.clone(), center.clone());
    let mut threads = vec![
        spawn("plan", Box::new(move || plan::run(&for_plan, &plan)))?,
        spawn("watch", Box::new(move || watch::run(&for_watch, &watch)))?,
        spawn("meter", Box::new(move || meter::run(&for_meter, &meter)))?,
    ];
    if let Some(engine) = center.compute.slurm.clone() {
        if center.settings.engine.slurm.accounts.keep {
            let (for_accounts, engine) = (center.clone(), Arc::clone(&engine));
            let body = move || accounts::run(&for_accounts, &engine, &accounts);
            threads.push(spawn("accounts", Box::new(body))?);
        }
        let for_mirror = center.clone();
        threads.push(spawn("mirror", Box::new(move || mirror::run(&for_mirror, &engine)))?);
    }
    Ok(threads)
}
