//! The loops that make the center run: plan, launch, watch, meter, and on Slurm the mirror of its nodes. Each is a thread that sleeps until it is woken.

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
    watch: Sender<RunId>,
    stopping: Arc<AtomicBool>,
}

/// The loops' own ends, to be given to them.
#[derive(Debug)]
pub struct Sleepers {
    pub plan: Receiver<()>,
    pub meter: Receiver<()>,
    pub watch: Receiver<RunId>,
}

/// Both ends. The plan and meter channels hold one call: more say no more.
pub fn wakers() -> (Wakers, Sleepers) {
    let (plan, plan_end) = mpsc::sync_channel(1);
    let (meter, meter_end) = mpsc::sync_channel(1);
    let (watch, watch_end) = mpsc::channel();
    let wakers = Wakers { plan, meter, watch, stopping: Arc::default() };
    (wakers, Sleepers { plan: plan_end, meter: meter_end, watch: watch_end })
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

    /// There may be news of this run.
    pub fn watch(&self, run: RunId) {
        let _ = self.watch.send(run);
    }

    /// Tells all loops to end.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.plan();
        self.meter();
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
    let Sleepers { plan, meter, watch } = sleepers;
    let (for_plan, for_watch, for_meter) = (center.clone(), center.clone(), center.clone());
    let mut threads = vec![
        spawn("plan", Box::new(move || plan::run(&for_plan, &plan)))?,
        spawn("watch", Box::new(move || watch::run(&for_watch, &watch)))?,
        spawn("meter", Box::new(move || meter::run(&for_meter, &meter)))?,
    ];
    if let Some(engine) = center.slurm.clone() {
        let for_mirror = center.clone();
        threads.push(spawn("mirror", Box::new(move || mirror::run(&for_mirror, &engine)))?);
    }
    Ok(threads)
}
