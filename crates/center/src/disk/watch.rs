//! The loops that look after the disks: one acts before a disk is full, the other keeps tenants and runs within their quotas.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::{Duration, Instant},
};

use base::{error::AppError, moment};
use domain::{Millis, RunId, TenantId, run::StopCause};
use engines::{
    EngineError, RunPlace,
    disk::{Reserve, Space},
};

use super::rule::{self, Disk, DiskName, Look, RunLook};
use crate::{
    app::runs::stopping,
    center::Center,
    wakers::{DISK, QUOTA},
};

/// Between two looks at what is free.
pub const EVERY: Duration = Duration::from_millis(500);
/// Between two looks at what runs hold.
pub const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Looking takes this part of the time at most.
const PAUSE_PER_LOOK: u32 = 20;
/// While a disk fills, a look has to be quick: no walk goes on after so many files.
const QUICK_FILES: u64 = 50_000;
/// A turn looks at folders of tenants of whom nothing runs for so long.
const IDLE_FOR: Duration = Duration::from_millis(500);
/// The folders of a tenant of whom nothing runs are looked at this often.
const IDLE_EVERY: Millis = Millis::from_hours(1);

/// Acts before a disk is full.
pub fn run(center: &Center) {
    let mut guard = Guard::new(center);
    turns(center, DISK, |center| {
        guard.turn(center)?;
        Ok(EVERY)
    });
}

/// Keeps tenants and runs within their quotas.
pub fn run_quotas(center: &Center) {
    let mut before = None;
    turns(center, QUOTA, |center| {
        let began = Instant::now();
        keep_quotas(center, &mut before);
        Ok(LOOK_EVERY.max(began.elapsed() * PAUSE_PER_LOOK))
    });
}

/// Does it again and again until the center stops, each time after the pause that the last one asked for.
fn turns(center: &Center, name: &'static str, mut turn: impl FnMut(&Center) -> Result<Duration, AppError>) {
    while !center.compute.wakers.is_stopping() {
        let began = Instant::now();
        let pause = turn(center).unwrap_or_else(|error| {
            center.loops.failed(name, &error);
            LOOK_EVERY
        });
        center.loops.turned(name, began.elapsed());
        center.compute.wakers.pause(pause);
    }
}

struct Guard {
    folders: Vec<(DiskName, PathBuf)>,
    reserve_path: PathBuf,
    reserve: Option<Reserve>,
    /// The look before: while a disk is full that of the last turn, else one that was done with before there was room.
    before: Option<Look>,
    /// Runs that fill a disk and are not known to be over.
    fillers: BTreeSet<RunId>,
}

impl Guard {
    fn new(center: &Center) -> Self {
        let database = center.settings.data_dir.join("database");
        let mut folders = vec![(DiskName::Database, database.clone())];
        for folder in center.compute.engine.folders() {
            let name = folder.file_name().and_then(|name| DiskName::from_code(name.to_str()?));
            folders.push((name.unwrap_or(DiskName::Work), folder));
        }
        Self {
            folders,
            reserve_path: database.join("reserve"),
            reserve: None,
            before: None,
            fillers: BTreeSet::new(),
        }
    }

    fn turn(&mut self, center: &Center) -> Result<(), AppError> {
        let known = center.compute.disks.look();
        let disks = self.look(center)?;
        let database = disks.iter().find(|disk| disk.name == DiskName::Database).copied();
        let was_full = center.compute.disks.full().is_some();
        let full_of_runs = disks.iter().filter(|disk| disk.is_full() && disk.is_of_runs);
        let full_of_runs = full_of_runs.min_by_key(|disk| disk.space.free_bytes).copied();
        center.compute.disks.looked_at(disks);
        let full = center.compute.disks.full();
        center.live().disk_is_short(full.map(|disk| disk.shortage()));
        match full {
            Some(disk) if !was_full => {
                tracing::error!(
                    disk = disk.name.code(),
                    free_bytes = disk.space.free_bytes,
                    floor_bytes = disk.floor_bytes,
                    "a disk is full: nothing starts or is taken on, and runs that write are ended"
                );
            }
            None if was_full => {
                tracing::info!("the disks have room again");
                center.compute.wakers.plan();
            }
            _ => {}
        }
        match full_of_runs {
            Some(_) => self.find_fillers(center),
            // A look that comes between the filling of a disk and the next turn here does not show who filled it.
            None => self.before = known,
        }
        self.fillers.retain(|id| center.live().run(*id).is_some());
        let is_nearly_out = full_of_runs.is_some_and(|disk| disk.is_nearly_out());
        if is_nearly_out {
            // They must not take the room that the center needs to keep why they end.
            self.each_filler(|id| center.compute.engine.freeze(id));
        }
        // Whatever comes of it, the runs are ended.
        let reserved = database.map_or(Ok(()), |database| self.mind_reserve(center, &database));
        end(center, self.fillers.iter().copied().collect(), StopCause::DiskFull);
        if is_nearly_out {
            self.each_filler(|id| center.compute.engine.end_at_once(id));
        }
        reserved
    }

    /// The disks, each once, by the first of the folders on it.
    fn look(&self, center: &Center) -> Result<Vec<Disk>, AppError> {
        let known = center.compute.disks.all();
        let mut disks: Vec<Disk> = Vec::new();
        for (name, folder) in &self.folders {
            let space = Space::of(folder)
                .map_err(|error| AppError::internal_at(format!("look at {}", folder.display()), error))?;
            let is_of_runs = *name != DiskName::Database;
            if let Some(same) = disks.iter_mut().find(|disk| disk.space.device == space.device) {
                same.is_of_runs |= is_of_runs;
                continue;
            }
            let floor_bytes = rule::floor_bytes(&center.settings.disk, space.size_bytes);
            let since = known.iter().find(|disk| disk.name == *name).and_then(|disk| disk.full_since);
            let full_since = rule::is_full(&space, floor_bytes, since.is_some())
                .then(|| since.unwrap_or_else(moment::now));
            disks.push(Disk { name: *name, space, floor_bytes, is_of_runs, full_since });
        }
        Ok(disks)
    }

    /// Keeps room back on the database's disk, and gives it up where the center would find none else.
    fn mind_reserve(&mut self, center: &Center, database: &Disk) -> Result<(), AppError> {
        let failed = |error: std::io::Error| AppError::internal_at("keep room back for the center", error);
        let bytes = rule::reserve_bytes(&center.settings.disk, database.floor_bytes);
        let reserve = match &mut self.reserve {
            Some(reserve) => reserve,
            none => none.insert(Reserve::open(&self.reserve_path, bytes).map_err(failed)?),
        };
        let is_kept = reserve.is_kept().map_err(failed)?;
        if !database.is_full() && !is_kept && database.space.free_bytes > database.floor_bytes + bytes {
            reserve.keep().map_err(failed)?;
        } else if database.is_full() && is_kept && database.space.free_bytes < bytes {
            reserve.give_up().map_err(failed)?;
            tracing::error!(bytes, "the room that was kept back for the center is given up");
        }
        Ok(())
    }

    /// Finds the runs that fill the disk. What is there and does not grow is let be.
    fn find_fillers(&mut self, center: &Center) {
        let now = look_at_runs(center, QUICK_FILES);
        if let Some(before) = self.before.take() {
            self.fillers.extend(rule::fillers(&before, &now));
        }
        self.before = Some(now);
    }

    /// Does something to each run that fills a disk.
    fn each_filler(&self, act: impl Fn(RunId) -> Result<(), EngineError>) {
        for id in &self.fillers {
            if let Err(error) = act(*id) {
                tracing::error!(run = %id, %error, "failed to end a run that fills the disk; it is tried again");
            }
        }
    }
}

fn keep_quotas(center: &Center, before: &mut Option<Look>) {
    let settings = &center.settings.disk;
    let now = look_at_runs(center, settings.tenant_files);
    if let Some(before) = before {
        let beyond = rule::beyond_quota(settings, size_of_work(center), before, &now);
        end(center, beyond, StopCause::DiskQuota);
    }
    let at = moment::now();
    center.compute.disks.looked_at_runs(now.clone(), at);
    *before = Some(now);
    // Of those of whom nothing runs nothing changes.
    let known = center.compute.disks.tenants();
    let is_due = |id: &TenantId| known.get(id).is_none_or(|(_, then)| at.since(*then) > IDLE_EVERY);
    let due: Vec<_> = center.live().tenants().filter(|(id, _)| is_due(id)).collect();
    let began = Instant::now();
    for (id, tenant) in due {
        let held = center.compute.engine.held_by_tenant(id, tenant.uid_index, settings.tenant_files);
        center.compute.disks.looked_at_tenant(id, held, at);
        if began.elapsed() > IDLE_FOR {
            break;
        }
    }
}

/// The size of the disk that jobs write to.
pub fn size_of_work(center: &Center) -> u64 {
    let folders = center.compute.engine.folders();
    let work = folders.iter().find(|folder| folder.ends_with(DiskName::Work.code()));
    work.and_then(|folder| Space::of(folder).ok()).map_or(u64::MAX, |space| space.size_bytes)
}

/// What all runs and their tenants hold.
fn look_at_runs(center: &Center, most_files: u64) -> Look {
    let (places, new_folders, tenants) = {
        let live = center.live();
        let place = |run: &domain::Run| RunPlace { run: run.id, tenant: run.tenant, job: run.job };
        let places: Vec<RunPlace> = live.runs().map(|known| place(&known.run)).collect();
        // The first task's first run is the first of its job.
        let is_first = |run: &domain::Run| run.task == 0 && run.attempt == 1;
        let new_folders: BTreeSet<RunId> =
            live.runs().filter(|known| is_first(&known.run)).map(|known| known.run.id).collect();
        let index = |place: &RunPlace| Some((place.tenant, live.tenant(place.tenant)?.uid_index));
        let tenants: BTreeMap<_, _> = places.iter().filter_map(index).collect();
        (places, new_folders, tenants)
    };
    let engine = &center.compute.engine;
    let held = engine.held_by_runs(&places, most_files);
    let mut look = Look::default();
    for (tenant, uid_index) in tenants {
        look.tenants.insert(tenant, engine.held_by_tenant(tenant, uid_index, most_files));
    }
    for (place, on_disk) in places.iter().zip(held) {
        let run = RunLook {
            tenant: place.tenant,
            job: place.job,
            own_bytes: on_disk.own.bytes,
            is_folder_new: new_folders.contains(&place.run),
            work_bytes: on_disk.work.bytes,
            written_bytes: on_disk.written_bytes,
        };
        look.runs.insert(place.run, run);
        // What is in none of its folders, such as a file that has no name any more, is held all the same.
        if let Some(held) = look.tenants.get_mut(&place.tenant) {
            held.bytes = held.bytes.saturating_add(on_disk.elsewhere_bytes);
        }
    }
    look
}

/// Asks runs to end that are not ending yet.
fn end(center: &Center, runs: Vec<RunId>, cause: StopCause) {
    let goes_on = |id: &RunId| {
        center
            .live()
            .run(*id)
            .is_some_and(|known| !known.run.state.has_ended() && known.run.state.stop().is_none())
    };
    let runs: Vec<RunId> = runs.into_iter().filter(goes_on).collect();
    if !runs.is_empty() {
        tracing::warn!(runs = runs.len(), cause = cause.code(), "runs that write are ended");
        stopping::stop(center, runs, cause);
    }
}
