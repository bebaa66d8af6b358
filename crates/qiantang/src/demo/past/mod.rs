//! The past of the demo's center: a month that never happened and is marked as such. The center itself plays it, with
//! its own rules, by a clock that stands where it is put: contracts are signed, jobs are handed in, planned, metered and
//! paid for, nodes are drained, a month is closed. Only the machines are none ([`hall`]).

mod dice;
mod hall;
mod invoices;
mod work;

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use base::{
    error::{AppError, chain},
    moment,
};
use center::{
    app::{
        contracts::{self, TopUp, term},
        jobs, nodes, roots,
    },
    center::Center,
    generated::GeneratedPast,
    loops::{meter, plan, watch},
    period::ask as periods,
    settings::Settings,
    start,
    wakers::{METER, PLAN, WATCH},
};
use domain::{
    CardMs, JobId, JobStatus, MicroCny, Millis, Timestamp, Zone,
    contract::{ContractKind, Funds},
};
use tokio::runtime::Handle;

use super::people::{self, People};
use hall::Hall;
pub use invoices::closed;
use work::Asked;

/// How many days there are at the least.
const DAYS: i64 = 30;
/// When the center is opened on its first day.
const OPENS: Millis = Millis::from_hours(7);
/// The last jobs are handed in so long before the past ends; what waits is taken back, and what runs ends before it does.
const LAST_ASKED: Millis = Millis::from_hours(2);
const TAKEN_BACK: Millis = Millis::from_secs(180);
const CLOSES: Millis = Millis::from_secs(120);
/// The hours of a day at which things are done by hand.
const PAYS: usize = 9;
const DRAINS: usize = 10;
const RESUMES: usize = 16;
/// A node is drained on each day that is a multiple of this.
const DRAINED_EVERY: i64 = 6;
/// Paid in when less is left than a few days take, and how much.
const LOW_MONEY: MicroCny = MicroCny::from_yuan(12_000);
const MORE_MONEY: MicroCny = MicroCny::from_yuan(30_000);
const LOW_TIME: CardMs = CardMs::from_card_hours(600);
const MORE_TIME: CardMs = CardMs::from_card_hours(2_000);
/// A package so small is a trial, which is used up on purpose.
const TRIAL: CardMs = CardMs::from_card_hours(1);
/// How long the lock of the center that played it may take to be free.
const PATIENCE: Duration = Duration::from_secs(30);

/// Holds the clock; it goes on when this is dropped, however the past came out.
struct Standing;

impl Drop for Standing {
    fn drop(&mut self) {
        moment::go();
    }
}

/// Lets a moment pass.
fn pause() {
    moment::stand_at(moment::now().plus(Millis::from_secs(1)));
}

/// The past that ends at `until`. It begins early enough for a month to end in it and to be closed on the day after.
pub fn of(zone: &Zone, seed: u32, until: Timestamp) -> GeneratedPast {
    let today = zone.day(until);
    let yesterday = zone.day_begins(today - 1);
    let of_last_month = zone.day(zone.bounds(zone.month(yesterday)).0) - 1;
    let from = zone.day_begins((today - DAYS).min(of_last_month)).plus(OPENS);
    GeneratedPast { from, until, seed }
}

/// How many days a past has.
pub fn days(zone: &Zone, past: &GeneratedPast) -> i64 {
    zone.day(past.until) - zone.day(past.from)
}

/// Plays the past of a new center in `settings.data_dir`. How many jobs were handed in. It writes and waits for it: call
/// it from a thread that may.
pub fn play(settings: Settings, past: GeneratedPast, runtime: &Handle) -> Result<usize, String> {
    let _standing = Standing;
    moment::stand_at(past.from);
    let told = |error: AppError| chain(&error);
    let closes_at = past.until.minus(CLOSES);
    let hall = Arc::new(Hall::new(closes_at));
    let database = start::database(&settings);
    let engine = Arc::clone(&hall) as Arc<dyn engines::Engine>;
    let opened = start::open_past(qiantang::PLATFORMS, settings, engine, past);
    let (center, first_operator) = opened.map_err(|error| chain(&error))?;
    for name in [PLAN, WATCH, METER] {
        center.loops.started(name, Millis::from_hours(1));
    }
    let zone = center.settings.time_zone;
    let people = runtime.block_on(people::sign_up(&center, first_operator.as_ref(), pause)).map_err(told)?;
    let asked = work::all(past.seed, zone, moment::now(), past.until.minus(LAST_ASKED));
    let count = asked.len();
    let mut player = Player {
        center,
        people,
        hall,
        runtime,
        closes_at,
        asked: asked.into(),
        cancels: Vec::new(),
        open: Vec::new(),
        looked: term::Looked::default(),
        drained: None,
    };
    player.play(past.until).map_err(told)?;
    // What never happened is nobody's notice.
    player
        .center
        .store
        .write(|tx: &store::Tx| base::notice::rows::pass(tx))
        .map_err(|error| chain(&error))?;
    player.end()?;
    drop(player);
    wait_until_free(&database)?;
    Ok(count)
}

/// The thread that answered the last write still lets go of the store for a moment.
fn wait_until_free(database: &std::path::Path) -> Result<(), String> {
    let until = Instant::now() + PATIENCE;
    loop {
        match store::hold(database) {
            Ok(_) => return Ok(()),
            Err(error) if Instant::now() > until => return Err(chain(&error)),
            Err(_) => std::thread::yield_now(),
        }
    }
}

/// What more card time of a contract costs: that of a package as much as it did when it was signed.
fn price_of(terms: ContractKind, time: CardMs) -> MicroCny {
    let ContractKind::Prepaid { package, fee } = terms else { return MicroCny::ZERO };
    let price = i128::from(fee.0) * i128::from(time.0) / i128::from(package.0.max(1));
    MicroCny(i64::try_from(price).unwrap_or(i64::MAX))
}

struct Player<'a> {
    center: Center,
    people: People,
    hall: Arc<Hall>,
    runtime: &'a Handle,
    closes_at: Timestamp,
    /// The work that is still to be handed in.
    asked: VecDeque<Asked>,
    /// Jobs that are taken back, and when.
    cancels: Vec<(Timestamp, &'static str, JobId)>,
    /// Jobs that may not have ended.
    open: Vec<(&'static str, JobId)>,
    looked: term::Looked,
    /// The node that is drained.
    drained: Option<String>,
}

impl Player<'_> {
    fn play(&mut self, until: Timestamp) -> Result<(), AppError> {
        let zone = self.center.settings.time_zone;
        let hour_after = |at: Timestamp| zone.hour_begins(at.plus(Millis::from_hours(1)));
        let mut tick = hour_after(moment::now());
        let mut taken_back_at = Some(until.minus(TAKEN_BACK));
        let mut metered = None;
        loop {
            let now = moment::now();
            let soon = now.plus(Millis(1));
            let next = [
                self.asked.front().map(|asked| asked.at),
                self.cancels.iter().map(|(at, ..)| *at).min(),
                self.hall.next_end(),
                metered,
                taken_back_at,
                Some(tick),
            ];
            let next = next.into_iter().flatten().min().unwrap_or(until).max(soon);
            if next >= until {
                break;
            }
            moment::stand_at(next);
            self.hand_in(next)?;
            self.cancel(next)?;
            if taken_back_at.is_some_and(|at| at <= next) {
                taken_back_at = None;
                self.take_back()?;
            }
            let is_tick = next >= tick;
            metered = self.turn(next, is_tick)?;
            if is_tick {
                tick = hour_after(next);
                self.by_hand(zone, next)?;
            }
        }
        moment::stand_at(until);
        self.turn(until, true)?;
        roots::seal(&self.center)?;
        roots::write_file(&self.center)
    }

    /// Whatever went wrong on the way, and whatever goes on.
    fn end(&self) -> Result<(), String> {
        let failed = self.center.loops.list(moment::now()).into_iter().find(|one| one.failures > 0);
        if let Some(failed) = failed {
            return Err(format!("the loop {} failed: {}", failed.name, failed.error.unwrap_or_default()));
        }
        let live = self.center.live();
        let (jobs, runs) = (live.jobs().len(), live.runs().len());
        if jobs + runs > 0 {
            return Err(format!("{jobs} jobs and {runs} runs of the past go on"));
        }
        Ok(())
    }

    fn hand_in(&mut self, now: Timestamp) -> Result<(), AppError> {
        while let Some(asked) = self.asked.pop_front_if(|asked| asked.at <= now) {
            let tenant = asked.line.tenant;
            let caller = self.people.developers.get(tenant);
            let caller = caller.ok_or_else(|| AppError::not_found("tenant", tenant))?;
            let spec = asked.spec().map_err(AppError::Invalid)?;
            let job = self.runtime.block_on(jobs::submit(&self.center, caller, spec, None))?;
            let mut fate = asked.fate.clone();
            // Of the last hours' work most ends by itself.
            fate.takes = fate.takes.min(Millis(self.closes_at.since(now).0 / 2));
            self.hall.foretell(job, fate);
            self.open.push((tenant, job));
            self.cancels.extend(asked.cancelled_at.map(|at| (at, tenant, job)));
        }
        Ok(())
    }

    fn cancel(&mut self, now: Timestamp) -> Result<(), AppError> {
        let due: Vec<_> = self.cancels.extract_if(.., |(at, ..)| *at <= now).collect();
        due.into_iter().try_for_each(|(_, tenant, job)| self.cancel_one(tenant, job, |_| true))
    }

    /// What still waits is taken back by those who handed it in.
    fn take_back(&mut self) -> Result<(), AppError> {
        let open = std::mem::take(&mut self.open);
        open.into_iter()
            .try_for_each(|(tenant, job)| self.cancel_one(tenant, job, |state| state == JobStatus::Queued))
    }

    fn cancel_one(
        &self,
        tenant: &str,
        job: JobId,
        is_meant: impl Fn(JobStatus) -> bool,
    ) -> Result<(), AppError> {
        let Some(caller) = self.people.developers.get(tenant) else { return Ok(()) };
        self.runtime.block_on(async {
            let state = jobs::show(&self.center, caller, &job.into()).await?.job.state;
            if !state.has_ended() && is_meant(state) {
                jobs::cancel(&self.center, caller, job.into()).await?;
            }
            Ok(())
        })
    }

    /// A turn of each loop. When the meter wants to look again.
    fn turn(&mut self, now: Timestamp, is_tick: bool) -> Result<Option<Timestamp>, AppError> {
        self.look();
        let metered = meter::step(&self.center, now, is_tick);
        if is_tick {
            let looked = std::mem::take(&mut self.looked);
            self.looked = term::keep(&self.center, now, looked)?;
            for occasion in roots::due(&self.center, now)? {
                roots::make(&self.center, &occasion)?;
            }
        }
        while plan::once(&self.center) {}
        self.look();
        Ok(metered)
    }

    fn look(&self) {
        let all = self.center.live().runs().map(|known| known.run.id).collect();
        watch::look(&self.center, &all);
    }

    /// What operators do at certain hours.
    fn by_hand(&mut self, zone: &Zone, now: Timestamp) -> Result<(), AppError> {
        let hour = zone.local(now).hour();
        match usize::try_from(hour).unwrap_or_default() {
            PAYS => {
                self.pay()?;
                self.close_month()
            }
            DRAINS if zone.day(now) % DRAINED_EVERY == 0 => self.drain(zone.day(now)),
            RESUMES => self.resume(),
            _ => Ok(()),
        }
    }

    fn pay(&self) -> Result<(), AppError> {
        let (center, operator) = (&self.center, &self.people.operator);
        for contract in self.runtime.block_on(contracts::list(center, operator))? {
            let (amount_micro_cny, card_ms) = match contract.funds {
                Funds::Money { micro_cny } if micro_cny < LOW_MONEY => (MORE_MONEY.0, 0),
                Funds::CardTime { card_ms } if card_ms < LOW_TIME && card_ms > TRIAL => {
                    (price_of(contract.terms, MORE_TIME).0, MORE_TIME.0)
                }
                _ => continue,
            };
            if contract.state.is_final() {
                continue;
            }
            let reference = format!("{} {}", contract.number, moment::now());
            let paid = TopUp { amount_micro_cny, card_ms, reference, ..TopUp::default() };
            let id = contract.id.to_string();
            self.runtime.block_on(contracts::top_up(center, operator, &id, paid))?;
        }
        Ok(())
    }

    /// Closes the months that have ended, the oldest first.
    fn close_month(&self) -> Result<(), AppError> {
        let (center, operator) = (&self.center, &self.people.operator);
        let this = center.settings.time_zone.month(moment::now()).to_string();
        let mut months = self.runtime.block_on(periods::list(center, operator))?;
        months.retain(|period| period.closed_at.is_none() && period.month != this);
        for period in months.iter().rev() {
            self.runtime.block_on(periods::close(center, operator, &period.month))?;
        }
        if months.is_empty() {
            return Ok(());
        }
        self.runtime.block_on(invoices::of_closed_months(center, &self.people))
    }

    fn drain(&mut self, day: i64) -> Result<(), AppError> {
        let mut names: Vec<String> =
            self.center.live().nodes().map(|known| known.node.name.clone()).collect();
        names.sort();
        let at = usize::try_from(day / DRAINED_EVERY).unwrap_or_default() % names.len().max(1);
        if let Some(name) = names.get(at) {
            let drained = nodes::drain(&self.center, &self.people.operator, name, "a fan is replaced");
            self.runtime.block_on(drained)?;
            self.drained = Some(name.clone());
        }
        Ok(())
    }

    fn resume(&mut self) -> Result<(), AppError> {
        let Some(name) = self.drained.take() else { return Ok(()) };
        self.runtime.block_on(nodes::resume(&self.center, &self.people.operator, &name)).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use std::{net::SocketAddr, path::Path};

    use domain::Lang;
    use store::{Store, ledger};

    use super::*;
    use crate::demo::options::Options;

    /// Every entry of the books of a past, in their order; the books agree with themselves and with their chain.
    fn books(seed: u32, until: Timestamp) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a folder");
        let options = Options {
            once: true,
            json: true,
            listen: None,
            data_dir: None,
            seed,
            no_isolation: true,
            slurm: None,
            lang: Lang::En,
        };
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let settings = crate::demo::settings(&options, (folder.path(), Path::new("/")), listen);
        let database = start::database(&settings);
        let from = "2026-10-30T00:00:00Z".parse().expect("an instant");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let jobs = play(settings, GeneratedPast { from, until, seed }, runtime.handle());
        let jobs = jobs.expect("a past");
        let store = Store::open(&database).expect("the center has let go of it");
        let read = store.read(|tx| {
            let report = ledger::verify(tx)?;
            assert!(report.is_right(), "{:?}", report.faults);
            let chain = store::chain::verify_chain(tx, store::chain::Given::default())?;
            assert!(chain.faults.is_empty(), "{:?}", chain.faults);
            assert_eq!(store::periods::list(tx)?.len(), 1, "October is closed");
            let counted: u64 = store::jobs::count_by_state(tx, None)?.values().sum();
            assert_eq!(usize::try_from(counted).ok(), Some(jobs), "all are kept");
            ledger::list_transfers(tx, None, 0, u32::MAX)
        });
        let entry = |row: ledger::TransferRow| {
            let ledger::TransferRow { transfer, .. } = row;
            let (unit, cause) = (transfer.unit.code(), transfer.cause.code());
            format!("{} {cause} {} {unit}", transfer.at, transfer.amount)
        };
        let mut entries: Vec<String> = read.expect("they are read").into_iter().map(entry).collect();
        // Runs that end at the same instant are posted by their ids, which are random.
        entries.sort();
        entries
    }

    #[test]
    fn whatever_the_day_is_a_month_has_ended_and_is_closed() {
        let zone = Zone::default();
        let first: Timestamp = "2026-11-30T16:00:00Z".parse().expect("an instant");
        for hours in 0..24 * 800 {
            let until = first.plus(Millis::from_hours(hours));
            let past = of(&zone, 1, until);
            let closed_at = zone
                .bounds(zone.month(past.from))
                .1
                .plus(Millis::from_hours(i64::try_from(PAYS).expect("a few hours")));
            assert!(closed_at < until.minus(CLOSES), "{until}: it begins at {}", past.from);
            assert!((30..=32).contains(&days(&zone, &past)), "{until}: {}", days(&zone, &past));
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_books() {
        let until: Timestamp = "2026-11-03T09:30:00Z".parse().expect("an instant");
        let first = books(7, until);
        for cause in ["use", "waiver", "top_up", "fee"] {
            assert!(first.iter().any(|entry| entry.contains(&format!(" {cause} "))), "no {cause}");
        }
        assert!(
            first.last().is_some_and(|last| last.as_str() < until.to_string().as_str()),
            "it ends in time"
        );
        assert_eq!(books(7, until), first);
        let machine = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_micros();
        let off = i128::from(moment::now().as_micros()) - i128::try_from(machine).expect("it is small");
        assert!(off.abs() < 60_000_000, "the clock goes again");
    }
}
