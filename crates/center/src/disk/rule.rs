//! When a disk is full, what a tenant may take of it, and which runs fill it.

use std::collections::BTreeMap;

use base::auth::Action;
use domain::{JobId, RunId, TenantId, Timestamp};
use engines::disk::{Held, Space};
use scheduler::DiskShortage;

use crate::settings::DiskSettings;

pub const READ: Action = Action::new("read_disk", "read_account");

const MIB: u64 = 1 << 20;
/// Of a disk's files so few may be left.
const FILES_FLOOR_PERCENT: u64 = 1;
/// A run that wrote less since the last look does not fill a disk.
pub const FILLS_FROM_BYTES: u64 = MIB;
/// A run that wrote less since the last look does not pass a quota: it may be there to make room.
pub const PASSES_FROM_BYTES: u64 = 64 << 10;

domain::codes! {
    /// A folder by whose disk the center lives. Of those on the same disk the first names it.
    pub enum DiskName {
        /// The database, and its log.
        Database = "database",
        /// The records and logs of runs.
        Runs = "runs",
        /// What jobs write.
        Work = "work",
        /// The temporary folders of runs.
        Temporary = "tmp",
    }
}

/// A disk as it was looked at last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    pub name: DiskName,
    pub space: Space,
    pub floor_bytes: u64,
    /// Runs write to it.
    pub is_of_runs: bool,
    pub full_since: Option<Timestamp>,
}

impl Disk {
    pub fn is_full(&self) -> bool {
        self.full_since.is_some()
    }

    /// So little is left that runs are not given time to end.
    pub fn is_nearly_out(&self) -> bool {
        self.space.free_bytes < self.floor_bytes / 2
    }

    pub fn shortage(&self) -> DiskShortage {
        DiskShortage { free_mib: self.space.free_bytes / MIB, floor_mib: self.floor_bytes.div_ceil(MIB) }
    }
}

/// What must stay free of a disk of that size.
pub fn floor_bytes(settings: &DiskSettings, size_bytes: u64) -> u64 {
    settings.floor_mib.saturating_mul(MIB).min(part(size_bytes, settings.floor_percent))
}

/// What is kept back for the center, of a disk with that floor.
pub fn reserve_bytes(settings: &DiskSettings, floor_bytes: u64) -> u64 {
    settings.reserve_mib.saturating_mul(MIB).min(floor_bytes / 2)
}

/// What a tenant may take of a disk of that size.
pub fn tenant_bytes(settings: &DiskSettings, size_bytes: u64) -> u64 {
    let part = part(size_bytes, settings.tenant_percent);
    settings.tenant_mib.map_or(part, |mib| mib.saturating_mul(MIB))
}

/// What a run may take with the folder of its job; `None` where only its tenant's quota holds.
pub fn run_bytes(settings: &DiskSettings) -> Option<u64> {
    settings.run_mib.map(|mib| mib.saturating_mul(MIB))
}

fn part(whole: u64, percent: u8) -> u64 {
    whole / 100 * u64::from(percent)
}

/// Whether a disk is full. One that was has to have an eighth more than its floor, so that it isn't full and not full in turns.
pub fn is_full(space: &Space, floor_bytes: u64, was_full: bool) -> bool {
    let wanted = if was_full { floor_bytes + floor_bytes / 8 } else { floor_bytes };
    let files_wanted = space.files / 100 * FILES_FLOOR_PERCENT;
    space.free_bytes < wanted || space.free_files < files_wanted
}

/// What was found of the runs and their tenants on the disks.
#[derive(Clone, Debug, Default)]
pub struct Look {
    pub runs: BTreeMap<RunId, RunLook>,
    /// All that a tenant's folders and its runs hold.
    pub tenants: BTreeMap<TenantId, Held>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunLook {
    pub tenant: TenantId,
    pub job: JobId,
    /// Held by the run alone.
    pub own_bytes: u64,
    /// Held by the folder of its job.
    pub work_bytes: u64,
    /// That folder was made for this run.
    pub is_folder_new: bool,
    /// Written by its processes since they were started, wherever to; 0 where that is not known.
    pub written_bytes: u64,
}

/// By how many bytes each run grew since an earlier look. What grew in a folder that several runs share is theirs in
/// proportion to what their processes wrote, and of each where nobody knows that.
pub fn growth(before: &Look, now: &Look) -> BTreeMap<RunId, u64> {
    let written = |id: &RunId, run: &RunLook| {
        run.written_bytes.saturating_sub(before.runs.get(id).map_or(0, |known| known.written_bytes))
    };
    let mut growth: BTreeMap<RunId, u64> = BTreeMap::new();
    let mut known_of_tenants: BTreeMap<TenantId, u64> = BTreeMap::new();
    let mut jobs: BTreeMap<JobId, Vec<(RunId, u64)>> = BTreeMap::new();
    let mut tenants: BTreeMap<TenantId, Vec<(RunId, u64)>> = BTreeMap::new();
    for (id, run) in &now.runs {
        let known = before.runs.get(id);
        let grown = run.own_bytes.saturating_sub(known.map_or(0, |known| known.own_bytes));
        growth.insert(*id, grown);
        *known_of_tenants.entry(run.tenant).or_default() += grown;
        jobs.entry(run.job).or_default().push((*id, written(id, run)));
        tenants.entry(run.tenant).or_default().push((*id, written(id, run)));
    }
    let sum =
        |among: &[(RunId, u64)]| among.iter().fold(0_u64, |sum, (_, written)| sum.saturating_add(*written));
    let mut share = |grown: u64, among: &[(RunId, u64)]| {
        let all = u128::from(sum(among));
        for (id, written) in among {
            let part = (u128::from(grown) * u128::from(*written)).checked_div(all).unwrap_or(grown.into());
            *growth.entry(*id).or_default() += u64::try_from(part).unwrap_or(u64::MAX);
        }
    };
    for among in jobs.values() {
        let Some(run) = among.first().and_then(|(id, _)| now.runs.get(id)) else { continue };
        let was = before.runs.values().find(|known| known.job == run.job).map(|known| known.work_bytes);
        // Of a folder that may be older than all that was seen no more grew than was written.
        let at_most = if was.is_some() || run.is_folder_new { u64::MAX } else { sum(among) };
        let grown = run.work_bytes.saturating_sub(was.unwrap_or(0)).min(at_most);
        *known_of_tenants.entry(run.tenant).or_default() += grown;
        share(grown, among);
    }
    for (tenant, among) in &tenants {
        let Some(is) = now.tenants.get(tenant).filter(|is| !is.is_partial) else { continue };
        let was = before.tenants.get(tenant).filter(|was| !was.is_partial).map(|was| was.bytes);
        let at_most = if was.is_some() { u64::MAX } else { sum(among) };
        let known = known_of_tenants.get(tenant).copied().unwrap_or(0);
        let elsewhere = is.bytes.saturating_sub(was.unwrap_or(0)).saturating_sub(known).min(at_most);
        if elsewhere >= PASSES_FROM_BYTES {
            share(elsewhere, among);
        }
    }
    growth
}

/// The runs that fill a disk: those by which it grew. Where what grew took the place of what was removed, and no sum tells, it is
/// those that wrote since, if their tenants hold as much.
pub fn fillers(before: &Look, now: &Look) -> Vec<RunId> {
    let grew = writers(&growth(before, now), FILLS_FROM_BYTES);
    if !grew.is_empty() {
        return grew;
    }
    let wrote = now.runs.iter().filter_map(|(id, run)| {
        let before = before.runs.get(id).map_or(0, |known| known.written_bytes);
        let written = run.written_bytes.saturating_sub(before);
        let is_held = now.tenants.get(&run.tenant).is_some_and(|held| held.bytes >= written);
        is_held.then_some((*id, written))
    });
    writers(&wrote.collect(), FILLS_FROM_BYTES)
}

/// The runs that together wrote four fifths of all that was written, of those that wrote `least` or more.
pub fn writers(growth: &BTreeMap<RunId, u64>, least: u64) -> Vec<RunId> {
    let mut by_growth: Vec<(u64, RunId)> =
        growth.iter().map(|(id, bytes)| (*bytes, *id)).filter(|(bytes, _)| *bytes >= least).collect();
    by_growth.sort_unstable_by(|a, b| b.cmp(a));
    let all: u64 = by_growth.iter().fold(0, |sum, (bytes, _)| sum.saturating_add(*bytes));
    let mut taken = 0_u64;
    let fills = |(bytes, id): (u64, RunId)| {
        let is_enough = taken >= all - all / 5;
        taken = taken.saturating_add(bytes);
        (!is_enough).then_some(id)
    };
    by_growth.into_iter().map_while(fills).collect()
}

/// The runs that write beyond a quota: their own, or that of their tenant, of which each is given.
pub fn beyond_quota(settings: &DiskSettings, size_bytes: u64, before: &Look, now: &Look) -> Vec<RunId> {
    let growth = growth(before, now);
    let (of_tenant, of_run) = (tenant_bytes(settings, size_bytes), run_bytes(settings));
    let mut beyond = Vec::new();
    for (tenant, held) in &now.tenants {
        if held.bytes > of_tenant || held.files > settings.tenant_files {
            let theirs = |id: &RunId| now.runs.get(id).is_some_and(|run| run.tenant == *tenant);
            let grown = growth.iter().filter(|(id, _)| theirs(id)).map(|(id, bytes)| (*id, *bytes)).collect();
            beyond.extend(writers(&grown, PASSES_FROM_BYTES));
        }
    }
    for (id, run) in &now.runs {
        let is_above = of_run.is_some_and(|most| run.own_bytes.saturating_add(run.work_bytes) > most);
        let grew = growth.get(id).is_some_and(|bytes| *bytes >= PASSES_FROM_BYTES);
        if is_above && grew && !beyond.contains(id) {
            beyond.push(*id);
        }
    }
    beyond
}

/// A disk with little left, for tests.
#[cfg(test)]
pub(crate) fn sample() -> Disk {
    let space = Space { size_bytes: 100 << 30, free_bytes: 1 << 30, files: 1000, free_files: 500, device: 1 };
    let full_since = Some(Timestamp::default());
    Disk { name: DiskName::Database, space, floor_bytes: 4 << 30, is_of_runs: true, full_since }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn run(n: u8) -> RunId {
        RunId::from_bytes([n; 16])
    }

    fn look(runs: &[(u8, u8, [u64; 3])], home: u64) -> Look {
        let tenant = TenantId::from_bytes([1; 16]);
        let of = |&(n, job, [own_bytes, work_bytes, written_bytes]): &(u8, u8, [u64; 3])| {
            let job = JobId::from_bytes([job; 16]);
            let look = RunLook { tenant, job, own_bytes, work_bytes, is_folder_new: false, written_bytes };
            (run(n), look)
        };
        let held = Held { bytes: home, files: 1, is_partial: false };
        Look { runs: runs.iter().map(of).collect(), tenants: [(tenant, held)].into() }
    }

    fn grown(before: &Look, now: &Look) -> Vec<u64> {
        growth(before, now).into_values().collect()
    }

    #[test]
    fn the_floor_is_the_smaller_of_both_and_has_an_edge_that_does_not_flutter() {
        let settings = DiskSettings::default();
        assert_eq!(floor_bytes(&settings, 100 * GIB), 4 * GIB);
        assert_eq!(floor_bytes(&settings, 100 << 20), 5 << 20);
        assert_eq!(reserve_bytes(&settings, 4 * GIB), 64 << 20);
        assert_eq!(reserve_bytes(&settings, 5 << 20), 5 << 19);
        let space = |free_bytes| Space { free_bytes, files: 1000, free_files: 500, ..Space::default() };
        let cases =
            [(0, true, true), (799, true, true), (800, false, true), (899, false, true), (900, false, false)];
        for (free, from_fine, from_full) in cases {
            assert_eq!(is_full(&space(free), 800, false), from_fine, "{free}");
            assert_eq!(is_full(&space(free), 800, true), from_full, "{free}");
        }
        // No room for more files is no room; a file system without such a limit has 0 of 0.
        assert!(is_full(&Space { free_files: 9, ..space(5000) }, 800, false));
        assert!(!is_full(&Space { files: 0, free_files: 0, ..space(5000) }, 800, false));
    }

    #[test]
    fn who_grew_is_found_wherever_it_wrote() {
        // In its own folder.
        let before = look(&[(1, 1, [10, 0, 10]), (2, 2, [10, 0, 10])], 20);
        let now = look(&[(1, 1, [10, 0, 10]), (2, 2, [510, 0, 510])], 520);
        assert_eq!(grown(&before, &now), [0, 500]);
        // In the folder of its job, that another task shares: by what its processes wrote.
        let before = look(&[(1, 1, [0, 100, 10]), (2, 1, [0, 100, 10])], 100);
        let now = look(&[(1, 1, [0, 500, 20]), (2, 1, [0, 500, 400])], 500);
        assert_eq!(grown(&before, &now), [10, 390]);
        // Without a word of who wrote, it is each.
        let now = look(&[(1, 1, [0, 500, 10]), (2, 1, [0, 500, 10])], 500);
        assert_eq!(grown(&before, &now), [400, 400]);
        // In the tenant's home, beside all folders of runs.
        let before = look(&[(1, 1, [0, 0, 0]), (2, 2, [0, 0, 0])], 0);
        let now = look(&[(1, 1, [0, 0, 1]), (2, 2, [0, 0, 99])], 100 * MIB);
        assert_eq!(grown(&before, &now), [MIB, 99 * MIB]);
        // A new run in an old folder has not written what was there.
        let now = look(&[(7, 7, [0, GIB, 5])], GIB);
        assert_eq!(grown(&Look::default(), &now), [5]);
        // A new run in a folder of its own has, however it wrote it.
        let mut now = look(&[(7, 7, [0, GIB, 5])], GIB);
        now.runs.values_mut().for_each(|run| run.is_folder_new = true);
        assert_eq!(grown(&Look::default(), &now), [GIB]);
        // A counter that went back, as processes ended, and a folder that was emptied are no growth.
        let before = look(&[(1, 1, [100, 100, 100])], 200);
        assert_eq!(grown(&before, &look(&[(1, 1, [0, 0, 0])], 0)), [0]);
    }

    #[test]
    fn who_filled_the_room_that_was_made_is_found_by_what_it_wrote() {
        let before = look(&[(1, 1, [0, 0, 7 * MIB])], 90 * MIB);
        // Another file of the home was removed meanwhile.
        let now = look(&[(1, 1, [0, 0, 7 * MIB]), (2, 2, [0, 0, 89 * MIB])], 90 * MIB);
        assert_eq!(fillers(&before, &now), [run(2)]);
        // Who wrote long ago, who wrote a line, and who removed again what it wrote do not fill it.
        assert!(fillers(&now, &now).is_empty());
        assert!(fillers(&before, &look(&[(1, 1, [0, 0, 7 * MIB + 99])], 90 * MIB)).is_empty());
        assert!(fillers(&before, &look(&[(3, 3, [0, 0, 89 * MIB])], 2 * MIB)).is_empty());
        // Sums that tell are believed.
        let grew = look(&[(1, 1, [0, 50 * MIB, 0]), (2, 2, [0, 0, 60 * MIB])], 90 * MIB);
        assert_eq!(fillers(&before, &grew), [run(1)]);
    }

    #[test]
    fn those_who_wrote_most_are_ended_and_not_those_who_wrote_a_line() {
        let growth =
            |bytes: &[u64]| (1..).zip(bytes).map(|(n, bytes)| (run(n), *bytes)).collect::<BTreeMap<_, _>>();
        assert_eq!(writers(&growth(&[5, 900, 60]), 50), [run(2)]);
        assert_eq!(writers(&growth(&[100, 100, 100]), 50).len(), 3);
        assert_eq!(writers(&growth(&[100; 10]), 50).len(), 8);
        assert!(writers(&growth(&[49, 3]), 50).is_empty());
        assert!(writers(&growth(&[]), 50).is_empty());
    }

    #[test]
    fn a_quota_ends_those_who_write_beyond_it_and_not_those_who_make_room() {
        let settings = DiskSettings { tenant_percent: 50, run_mib: Some(100), ..DiskSettings::default() };
        let before = look(&[(1, 1, [0, 60 * MIB, 0]), (2, 2, [0, 9 * MIB, 0])], 600 * MIB);
        let beyond = |now: &Look| beyond_quota(&settings, GIB, &before, now);
        // The tenant is over: the one that grew, not the one that shrank.
        assert_eq!(beyond(&look(&[(1, 1, [0, 61 * MIB, 0]), (2, 2, [0, 0, 0])], 601 * MIB)), [run(1)]);
        assert!(beyond(&look(&[(1, 1, [0, 0, 0]), (2, 2, [0, 0, 0])], 590 * MIB)).is_empty());
        // Within the tenant's, beyond its own.
        let before = look(&[(1, 1, [0, 60 * MIB, 0]), (2, 2, [0, 9 * MIB, 0])], 100 * MIB);
        let now = look(&[(1, 1, [0, 101 * MIB, 0]), (2, 2, [0, 90 * MIB, 0])], 200 * MIB);
        assert_eq!(beyond_quota(&settings, GIB, &before, &now), [run(1)]);
        // Too many files.
        let few = DiskSettings { tenant_files: 0, run_mib: None, ..settings };
        assert_eq!(beyond_quota(&few, 100 * GIB, &before, &now).len(), 2);
    }
}
