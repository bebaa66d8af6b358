//! The loops that make the center run: plan, launch, watch, meter, and on Slurm the mirror of its nodes and the
//! accounts there. Each is a thread that sleeps until it is woken.

pub mod accounts;
pub mod meter;
pub mod mirror;
pub mod plan;
pub mod watch;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
    mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender},
};
use std::time::Duration;

use domain::RunId;

/// Wakes the loops from anywhere.
#[derive(Clone, Debug)]
pub struct Wakers {
    plan: SyncSender<()>,
    meter: SyncSender<()>,
    accounts: SyncSender<()>,
    watch: Sender<RunId>,
    stopping: Arc<AtomicBool>,
}

/// The loops' own ends, to be given to them.
#[derive(Debug)]
pub struct Sleepers {
    pub plan: Receiver<()>,
    pub meter: Receiver<()>,
    pub accounts: Receiver<()>,
    pub watch: Receiver<RunId>,
}

/// Both ends. The channels of plan, meter and accounts hold one call: more say no more.
pub fn wakers() -> (Wakers, Sleepers) {
    let (plan, plan_end) = mpsc::sync_channel(1);
    let (meter, meter_end) = mpsc::sync_channel(1);
    let (accounts, accounts_end) = mpsc::sync_channel(1);
    let (watch, watch_end) = mpsc::channel();
    let wakers = Wakers { plan, meter, accounts, watch, stopping: Arc::default() };
    (wakers, Sleepers { plan: plan_end, meter: meter_end, accounts: accounts_end, watch: watch_end })
}

impl Wakers {
    /// Something changed that a plan depends on.
    pub fn plan(&self) {
        let _ = self.plan.try_send(());
    }

    /// Something changed that the next metering depends on.
    pub fn meter(&self) {
        let _ = self.meter.try_send(());
    }

    /// A contract or a project changed, which accounts in Slurm may have to follow.
    pub fn accounts(&self) {
        let _ = self.accounts.try_send(());
    }

    /// There may be news of this run.
    pub fn watch(&self, run: RunId) {
        let _ = self.watch.send(run);
    }

    /// Tells all loops to end.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.plan();
        self.meter();
        self.accounts();
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}

/// Sleeps until called, or for `at_most`. False if nobody is left who could call.
fn sleep(called: &Receiver<()>, at_most: Duration) -> bool {
    !matches!(called.recv_timeout(at_most), Err(RecvTimeoutError::Disconnected))
}

/// Starts the loops, each in a thread of its own.
pub fn start(
    center: &crate::center::Center,
    sleepers: Sleepers,
) -> std::io::Result<Vec<std::thread::JoinHandle<()>>> {
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
    if let Some(engine) = center.slurm.clone() {
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
