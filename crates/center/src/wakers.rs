//! The names of the loops, how they are woken, from anywhere, and how they sleep.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender},
    },
    time::{Duration, Instant},
};

use domain::RunId;

/// The names of the loops, by which they tell how they fare.
pub const PLAN: &str = "plan";
pub const WATCH: &str = "watch";
pub const METER: &str = "meter";
pub const MIRROR: &str = "mirror";
pub const ACCOUNTS: &str = "accounts";
pub const SEAL: &str = "seal";
pub const ROOTS: &str = "roots";
pub const BACKUP: &str = "backup";
pub const CERTIFICATE: &str = "certificate";
pub const DISK: &str = "disk";
pub const QUOTA: &str = "quota";
pub const APPLICATIONS: &str = "applications";
pub const ISSUERS: &str = "issuers";
pub const NOTICES: &str = "notices";
pub const MAIL: &str = "mail";
pub const WEBHOOKS: &str = "webhooks";

/// All loops: each has a word on pages and a line in the operators' guide.
pub const ALL: [&str; 16] = [
    PLAN,
    WATCH,
    METER,
    SEAL,
    ROOTS,
    BACKUP,
    CERTIFICATE,
    DISK,
    QUOTA,
    APPLICATIONS,
    ISSUERS,
    NOTICES,
    MAIL,
    WEBHOOKS,
    MIRROR,
    ACCOUNTS,
];

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

    /// Waits so long, or until the center stops.
    pub fn pause(&self, length: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < length && !self.is_stopping() {
            std::thread::park_timeout(Duration::from_millis(100));
        }
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
pub fn sleep(called: &Receiver<()>, at_most: Duration) -> bool {
    !matches!(called.recv_timeout(at_most), Err(RecvTimeoutError::Disconnected))
}
