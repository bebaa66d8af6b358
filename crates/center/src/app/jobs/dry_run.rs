//! Trying a job out: what it would cost and when it would start, by the way that a submitted one goes.

use domain::{CardMs, JobId, JobSpec, MicroCny, Millis, RatePerCardHour, Timestamp, script::Note};
use scheduler::{Block, Waiting};
use serde::Serialize;

use super::{Admitted, admit, dearest, may_submit, name_pool, notes_on_start};
use crate::{app::verdict::VerdictView, center::Center, live::LiveNode, settings::Settings};
use base::{
    auth::Caller,
    error::AppError,
    moment::{self, new_id},
};

/// A job's cost and start, if it were submitted now.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct DryRun {
    pub starts_now: bool,
    /// The cards that it would get now, by node.
    pub placement: Vec<PlaceView>,
    /// The reason why it would wait; `null` where all of its tasks would start now.
    pub verdict: Option<VerdictView>,
    pub price: Quote,
    /// The number of the contract that it would be charged to.
    pub contract: String,
    pub project: String,
    pub tasks: u32,
    /// Notes on how it is started here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
}

/// Cards on one node.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PlaceView {
    pub node: String,
    /// Indices, as ranges: `0-3`.
    pub cards: String,
    pub card_indices: Vec<u8>,
    pub is_virtual: bool,
}

/// A job's price: its rate, and the most that it can cost.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Quote {
    pub rate_micro_cny_per_card_hour: RatePerCardHour,
    /// Where every task runs to its time limit, and its processes take all the time that they get to end. No more than
    /// this is ever charged, but for tasks that are tried again.
    pub most_micro_cny: MicroCny,
    /// Card time of the same.
    pub most_card_ms: CardMs,
    /// Cards of one run, at most.
    pub cards: u32,
    pub time_limit_ms: i64,
}

impl Quote {
    /// The price of a job whose runs have so many cards at this rate.
    pub(super) fn of(settings: &Settings, spec: &JobSpec, cards: u32, rate: RatePerCardHour) -> Self {
        let of_one = i128::from(cards) * i128::from(settings.charged_at_most(spec).0);
        let most = CardMs(i64::try_from(of_one * i128::from(spec.task_count())).unwrap_or(i64::MAX));
        Self {
            rate_micro_cny_per_card_hour: rate,
            most_micro_cny: rate.charge(most).unwrap_or(MicroCny(i64::MAX)),
            most_card_ms: most,
            cards,
            time_limit_ms: settings.time_limit(spec).0,
        }
    }
}

/// Tries a job out: the way that a submitted one goes, without keeping anything.
pub async fn dry_run(center: &Center, caller: &Caller, spec: JobSpec) -> Result<DryRun, AppError> {
    let (_, tenant) = may_submit(center, caller)?;
    let for_read = center.clone();
    let by = caller.member.id;
    let admitted = center.try_read(move |tx| admit(tx, &for_read, (tenant, by), spec)).await?;
    let now = moment::now();
    let policy = center.settings.planning();
    let (snapshot, quote, contract, budget) = {
        let live = center.live();
        let (quote, number) = quote(center, &live, &admitted, now)?;
        (live.snapshot(now), quote, number, live.held_by_budget(admitted.project.id, by))
    };
    let spec = &admitted.spec;
    let waiting = Waiting {
        job: new_id!(JobId),
        queue: admitted.contract,
        class: spec.service_class,
        nodes: spec.nodes,
        max_nodes: spec.most_nodes(),
        cards_per_node: spec.cards_per_node,
        is_exclusive: spec.exclusive,
        models: spec.card_models().map(Into::into).collect(),
        labels: spec.labels.iter().map(|label| label.as_str().into()).collect(),
        time_limit: Millis(quote.time_limit_ms),
        submitted_at: now,
        tasks: spec.task_count(),
        block: budget.map(Block::Budget).or(spec.after.first().map(|first| Block::Dependency {
            waits_for: u32::try_from(spec.after.len()).unwrap_or(u32::MAX),
            first: first.job,
        })),
    };
    let trial = scheduler::try_out(&snapshot, &policy, now, &waiting);
    let live = center.live();
    Ok(DryRun {
        starts_now: trial.starts_now.is_some(),
        placement: trial.starts_now.map(|placement| places(&live, &placement)).unwrap_or_default(),
        verdict: trial.verdict.map(|mut verdict| {
            name_pool(&live, &mut verdict.limit);
            verdict.limit.tell_budget(|budget| live.stands(budget, now));
            VerdictView::of(&verdict, center.settings.time_zone)
        }),
        price: quote,
        contract,
        tasks: spec.task_count(),
        notes: notes_on_start(center, spec),
        project: admitted.project.slug,
    })
}

/// The cards of a placement, as they are shown.
pub fn places(live: &crate::live::Live, placement: &domain::Placement) -> Vec<PlaceView> {
    let place = |slot: &domain::node::Slot| {
        let node = live.node(slot.node);
        PlaceView {
            node: live.node_name(slot.node).map_or_else(|| slot.node.to_string(), str::to_owned),
            cards: slot.cards.to_string(),
            card_indices: slot.cards.iter().collect(),
            is_virtual: node.is_some_and(|live| live.node.is_virtual),
        }
    };
    placement.0.iter().map(place).collect()
}

fn quote(
    center: &Center,
    live: &crate::live::Live,
    admitted: &Admitted,
    now: Timestamp,
) -> Result<(Quote, String), AppError> {
    let spec = &admitted.spec;
    let contract = &live
        .contract(admitted.contract)
        .ok_or_else(|| AppError::not_found("contract", admitted.contract))?
        .contract;
    let wanted = |pool: &domain::PoolId| {
        let pool = live.pool(*pool)?;
        spec.takes_model(&pool.model.name).then_some(pool.id)
    };
    // Whole nodes are paid for whole: as they may be the largest.
    let in_wanted =
        |node: &&LiveNode| contract.pools.contains(&node.node.pool) && wanted(&node.node.pool).is_some();
    let largest = live.nodes().filter(in_wanted).map(|node| u32::from(node.node.cards)).max();
    let on_node =
        if spec.exclusive { largest.unwrap_or(0).max(spec.cards_per_node) } else { spec.cards_per_node };
    let cards = spec.most_nodes().saturating_mul(on_node);
    // The dearest of the pools that it may be placed in.
    let rate = dearest(live, contract, spec, now)?;
    Ok((Quote::of(&center.settings, spec, cards, rate), contract.number.clone()))
}
