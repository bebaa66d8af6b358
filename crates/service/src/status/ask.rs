//! How the center is, from its nodes, its loops and its disks.

use std::collections::BTreeMap;

use base::{
    loops::{LoopState, LoopView},
    moment,
};
use center::{
    center::Center,
    wakers::{ACCOUNTS, APPLICATIONS, MAIL, METER, MIRROR, NOTICES, PLAN, ROOTS, SEAL, WATCH, WEBHOOKS},
};
use domain::{NodeState, Rfc3339, Timestamp, codes};
use serde::Serialize;

codes! {
    /// How the center is as a whole.
    pub enum CenterState {
        /// All of it works.
        InService = "in_service",
        /// Something fails, and work is taken on and started all the same.
        Disturbed = "disturbed",
        /// No work is taken on or started, or a part of the center stands still.
        Limited = "limited",
    }

    /// What people ask the center for.
    pub enum Part {
        /// Submitting, starting and following work.
        Jobs = "jobs",
        /// Charges, budgets and the ledger.
        Accounts = "accounts",
        /// Applications, and their deadlines.
        Applications = "applications",
        /// Notices, mail and webhooks.
        Messages = "messages",
        /// What keeps the center itself going, such as backups and disks.
        Upkeep = "upkeep",
    }

    /// How a part is.
    pub enum PartState {
        Works = "works",
        /// It failed, and is tried again.
        Failing = "failing",
        /// It stands still until the center's people see to it.
        Over = "over",
    }
}

/// A part of the center.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct PartView {
    pub part: Part,
    pub state: PartState,
    /// Since when it fails, where it does.
    pub since: Option<Rfc3339>,
}

/// Nodes that are out for maintenance, or will be, over the same time.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct MaintenanceView {
    pub from: Rfc3339,
    pub until: Rfc3339,
    pub nodes: u32,
    pub has_begun: bool,
}

/// Nodes and their cards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct NodeCounts {
    pub nodes: u32,
    /// They take work.
    pub up: u32,
    /// They were taken out: for maintenance, or by the center's people.
    pub out: u32,
    pub failed: u32,
    pub cards: u32,
    pub busy_cards: u32,
}

/// How the center is now.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct StatusView {
    pub at: Rfc3339,
    pub state: CenterState,
    /// A disk is full: nothing starts, and no job is taken on.
    pub is_disk_full: bool,
    #[serde(flatten)]
    pub counts: NodeCounts,
    /// Jobs of which something waits for cards.
    pub waiting_jobs: u64,
    pub parts: Vec<PartView>,
    /// Soonest first.
    pub maintenance: Vec<MaintenanceView>,
    /// Every node is virtual: the center is a demo or a rehearsal.
    pub is_all_virtual: bool,
}

/// The part to which a loop belongs.
fn part_of(name: &str) -> Part {
    match name {
        PLAN | WATCH | MIRROR | ACCOUNTS => Part::Jobs,
        METER | SEAL | ROOTS => Part::Accounts,
        APPLICATIONS => Part::Applications,
        NOTICES | MAIL | WEBHOOKS => Part::Messages,
        _ => Part::Upkeep,
    }
}

fn state_of(one: &LoopView) -> PartState {
    match one.state {
        LoopState::Over => PartState::Over,
        LoopState::Failing => PartState::Failing,
        // A turn that takes far too long is no better than one that fails.
        LoopState::Starting | LoopState::Done if one.is_late => PartState::Failing,
        LoopState::Starting | LoopState::Done => PartState::Works,
    }
}

/// The parts, each as its worst loop is, and failing since the first of them does.
pub(super) fn parts(loops: &[LoopView]) -> Vec<PartView> {
    let of_part = |part: Part| {
        let own = || loops.iter().filter(move |one| part_of(&one.name) == part);
        PartView {
            part,
            state: own().map(state_of).max().unwrap_or(PartState::Works),
            since: own().filter_map(|one| one.failing_since).min_by_key(|since| since.0),
        }
    };
    Part::ALL.map(of_part).to_vec()
}

pub(super) fn state(parts: &[PartView], counts: NodeCounts, is_disk_full: bool) -> CenterState {
    let worst = parts.iter().map(|part| part.state).max();
    if is_disk_full || worst == Some(PartState::Over) {
        CenterState::Limited
    } else if counts.failed > 0 || worst == Some(PartState::Failing) {
        CenterState::Disturbed
    } else {
        CenterState::InService
    }
}

/// The same for everybody, signed in or not.
pub fn status(center: &Center) -> StatusView {
    let now = moment::now();
    let parts = parts(&center.loops.list(now));
    let is_disk_full = center.compute.disks.full().is_some();
    let mut counts = NodeCounts::default();
    let mut planned: BTreeMap<(Timestamp, Timestamp), u32> = BTreeMap::new();
    let live = center.live();
    for known in live.nodes() {
        counts.nodes += 1;
        counts.cards += u32::from(known.node.cards);
        counts.busy_cards += known.busy.len();
        match known.node.state {
            NodeState::Up => counts.up += 1,
            NodeState::Drained { .. } | NodeState::Leaving { .. } => counts.out += 1,
            NodeState::Failed { .. } => counts.failed += 1,
        }
        if let Some(work) = known.node.maintenance.as_ref().filter(|work| work.until > now) {
            *planned.entry((work.from, work.until)).or_default() += 1;
        }
    }
    let waits = |job: &domain::job::Job| job.tasks.waiting() > 0 && !job.state.has_ended();
    let waiting_jobs = live.jobs().filter(|known| waits(&known.job)).count() as u64;
    let is_all_virtual = live.nodes().len() > 0 && live.nodes().all(|known| known.node.is_virtual);
    let maintenance = planned.into_iter().map(|((from, until), nodes)| MaintenanceView {
        from: from.into(),
        until: until.into(),
        nodes,
        has_begun: from <= now,
    });
    StatusView {
        at: now.into(),
        state: state(&parts, counts, is_disk_full),
        is_disk_full,
        counts,
        waiting_jobs,
        parts,
        maintenance: maintenance.collect(),
        is_all_virtual,
    }
}
