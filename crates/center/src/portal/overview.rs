//! The first page: for a tenant its contracts, running work and spend; for the center's people the hall, the
//! queue and what happens.

use askama::Template;
use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use base::{
    error::AppError,
    loops::LoopView,
    moment,
    noun::welcome,
    page::{
        frame::{Page, Visitor, ok},
        words::{Html, Ui},
    },
};
use domain::{CardMs, JobStatus, MicroCny, Millis, Timestamp, capacity::CapacityBalance};

use crate::{
    actions,
    app::{
        capacity::Recent,
        hall::{self, CardState, HallNode},
        overview::{self, CenterOverview, Overview},
        projects,
    },
    budget::{self, BudgetBar},
    center::Center,
    first_steps::rule::Step,
    portal::{
        contracts::vessel::{Vessel, vessels, warnings},
        event_list::{EventLine, lines_in_short},
        jobs::table::JobTable,
        nodes::{
            groups::{self, Group, MOST_GROUPS, MOST_NODES},
            map::{self, Tile},
        },
    },
    usage::ask::{self as usage, UsageQuery, UsageRow},
    voucher,
    waiting::rule::LimitCount,
};

/// The parts of a balance, in the order in which they are shown.
pub fn parts_of(balance: &CapacityBalance) -> Vec<(&'static str, CardMs)> {
    let parts = [
        balance.sold_card_ms,
        balance.granted_card_ms,
        balance.idle_card_ms,
        balance.drained_card_ms,
        balance.failed_card_ms,
    ];
    let of_cards = CardState::ALL.map(CardState::code).into_iter().zip(parts);
    of_cards.chain([("preempted", balance.preempted_card_ms), ("lost", balance.lost_card_ms)]).collect()
}

/// How many of the newest events the first page tells.
const EVENTS: usize = 10;
/// How many budgets the first page shows.
const BUDGETS: usize = 5;

/// The hall on the first page: each node where they are few, groups of them where they are many.
pub struct Hall {
    /// How it reads.
    pub about: String,
    pub tiles: Vec<Tile>,
    pub groups: Vec<Group>,
    /// How many of how many nodes are shown, where not all are.
    pub shown: String,
}

impl Hall {
    fn of(ui: Ui, nodes: &[HallNode]) -> Self {
        let all: Vec<&HallNode> = nodes.iter().collect();
        if all.len() <= MOST_NODES {
            let tiles = all.iter().map(|node| map::tile(ui, node)).collect();
            return Self { about: ui.t("cell-is-card"), tiles, groups: Vec::new(), shown: String::new() };
        }
        let mut groups = groups::groups(ui, &all);
        groups.truncate(MOST_GROUPS);
        let shown: usize = groups.iter().map(|group| group.nodes).sum();
        let shown = if shown < all.len() { ui.t2("nodes-shown", shown, all.len()) } else { String::new() };
        Self { about: ui.t("cell-is-a-card"), tiles: Vec::new(), groups, shown }
    }
}

/// The jobs of the first page: those that start next, those that run, those that ended last.
pub struct Queue {
    pub text: String,
    /// Why jobs wait: in words, and how many.
    pub reasons: Vec<(String, String)>,
    pub next: JobTable,
    /// `10 of 4,551`.
    pub next_of: String,
    pub running: JobTable,
    pub running_of: String,
    pub ended: JobTable,
}

impl Queue {
    fn of(ui: Ui, found: &Overview, with_tenant: bool) -> Self {
        let in_state = |state: JobStatus| {
            found.jobs.iter().find(|count| count.state == state).map_or(0, |count| count.jobs)
        };
        let waiting = &found.waiting;
        // An array of which something runs and something waits is counted on both sides.
        let running = in_state(JobStatus::Running).max(found.running.len() as u64);
        let shown = |shown: usize, all: u64| ui.t2("shown-of", shown, ui.count(all));
        let reason =
            |reason: &LimitCount| (ui.word("waits", reason.code.replace('_', "-")), ui.count(reason.jobs));
        Self {
            text: ui.t2("queue-counts", ui.count(running), ui.count(waiting.jobs)),
            reasons: waiting.reasons.iter().map(reason).collect(),
            next: JobTable::of(ui, "next", &waiting.next, with_tenant),
            next_of: shown(waiting.next.len(), waiting.jobs),
            running: JobTable { with_why: false, ..JobTable::of(ui, "running", &found.running, with_tenant) },
            running_of: shown(found.running.len(), running),
            ended: JobTable::of(ui, "ended", &found.ended, with_tenant),
        }
    }
}

#[derive(Template)]
#[template(path = "overview_center.html")]
pub struct OfCenter {
    page: Page,
    center: CenterOverview,
    now: Timestamp,
    tide: Html,
    tide_axis: Vec<String>,
    legend: Html,
    hall: Hall,
    queue: Queue,
    bar: Html,
    parts: Vec<(&'static str, CardMs)>,
    events: Vec<EventLine>,
    may_audit: bool,
    loops: Vec<LoopView>,
    first_steps: Vec<Step>,
    is_disk_full: bool,
}

#[derive(Template)]
#[template(path = "overview_tenant.html")]
pub struct OfTenant {
    page: Page,
    overview: Overview,
    domain: String,
    now: Timestamp,
    project_count: usize,
    may_submit: bool,
    warnings: Vec<(String, String)>,
    most_cards: u32,
    waiting_jobs: u64,
    first_forecast: Html,
    vessels: Vec<Vessel>,
    queue: Queue,
    days: Html,
    by_project: Vec<UsageRow>,
    /// The budgets of which most is used.
    budgets: Vec<BudgetBar>,
    events: Vec<EventLine>,
    may_audit: bool,
}

pub async fn page(
    State(center): State<Center>,
    Extension(recent): Extension<Recent>,
    visitor: Result<Visitor, AppError>,
) -> Result<Response, AppError> {
    let visitor = match (visitor, welcome(center.platforms)) {
        (Err(AppError::Unauthenticated(_)), Some(welcome)) => {
            return Ok(Redirect::to(welcome).into_response());
        }
        (visitor, _) => visitor?,
    };
    let tenant = visitor.caller.member.tenant;
    // The city's bureaus see vouchers, and no work.
    if !visitor.may(&center, actions::READ_JOB, tenant) && visitor.may(&center, voucher::READ, tenant) {
        return Ok(Redirect::to("/vouchers").into_response());
    }
    let found = overview::overview(&center, &recent, &visitor.caller).await?;
    match tenant {
        None => of_center(&center, &visitor, &recent, found).await,
        Some(tenant) => of_tenant(&center, &visitor, tenant, found).await,
    }
}

async fn of_center(
    center: &Center,
    visitor: &Visitor,
    recent: &Recent,
    found: Overview,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let now = moment::now();
    let hours = recent.last_hours(center, &visitor.caller, now).await?;
    let queue = Queue::of(ui, &found, true);
    let Some(of_center) = found.center else {
        return Err(AppError::internal("no center in the overview"));
    };
    let columns: Vec<_> = hours
        .iter()
        .map(|hour| {
            let whole = hour.capacity_card_ms.0.max(1);
            let share = |(kind, part): (&'static str, CardMs)| {
                (kind, i64::try_from(i128::from(part.0) * 10_000 / i128::from(whole)).unwrap_or(0))
            };
            parts_of(hour).into_iter().map(share).collect()
        })
        .collect();
    let axis = |back: i64| {
        let at = ui.zone.clock(now.minus(Millis::from_hours(back)));
        at.get(5..13).map(|hour| format!("{hour}:00")).unwrap_or_default()
    };
    let parts = parts_of(&of_center.balance.balance);
    let in_ms: Vec<(&'static str, i64)> = parts.iter().map(|(kind, part)| (*kind, part.0)).collect();
    let nodes = hall::list(center, &visitor.caller)?;
    let counts = map::count(nodes.iter().flat_map(|node| &node.cards));
    let bar_label: Vec<String> = in_ms
        .iter()
        .map(|(kind, part)| {
            let whole = of_center.balance.balance.capacity_card_ms.0;
            format!("{} {}", ui.word("card", kind), ui.share(part, &whole))
        })
        .collect();
    let page = OfCenter {
        page: visitor.page("overview", ui.t("nav-overview")),
        now,
        tide: ui.columns(&columns, 10_000, 96, &ui.t("tide-label")),
        tide_axis: vec![axis(23), axis(16), axis(8), ui.t("now")],
        legend: ui.legend(&counts.iter().map(|(kind, n)| (*kind, ui.count(n))).collect::<Vec<_>>()),
        hall: Hall::of(ui, &nodes),
        queue,
        bar: ui.bar(&in_ms, 22, &bar_label.join(", ")),
        parts,
        events: lines_in_short(ui, &found.events, &found.job_names).take(EVENTS).collect(),
        may_audit: visitor.may(center, actions::READ_AUDIT, None),
        loops: overview::loops(center, &visitor.caller)?,
        first_steps: of_center.first_steps.clone(),
        is_disk_full: found.is_disk_full,
        center: of_center,
    };
    Ok(ok(&page))
}

async fn of_tenant(
    center: &Center,
    visitor: &Visitor,
    tenant: domain::TenantId,
    found: Overview,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let now = moment::now();
    let zone = center.settings.time_zone;
    let first = zone.bounds(zone.month(now)).0;
    let days = usage::charges_of_month(center, &visitor.caller).await?;
    let days: Vec<i64> = days.into_iter().map(|charge| charge.0).collect();
    let most = days.iter().copied().max().unwrap_or(0).max(1);
    let columns: Vec<_> = days.iter().map(|day| vec![("sold", *day)]).collect();
    let days_label = ui.t1("days-label", "most", MicroCny(if most == 1 { 0 } else { most }));
    let usage_query = UsageQuery { from: Some(first.to_string()), ..UsageQuery::default() };
    let by_project = usage::usage(center, &visitor.caller, usage_query).await?.rows;
    let mut budgets = budget::ask::list(center, &visitor.caller).await?;
    budgets.truncate(BUDGETS);
    let open = found.contracts.iter().filter(|contract| contract.state.accepts_jobs());
    let most_cards = open.map(|contract| contract.queue.max_running_cards).sum();
    let own = visitor.front.session.as_ref().and_then(|session| session.tenant.as_deref());
    let title = own.map_or_else(String::new, |own| own.name(ui.lang).to_owned());
    let domain = own.map_or_else(String::new, |own| own.domain.code().to_owned());
    let forecasts = found.waiting.next.iter().filter_map(|job| job.verdict.as_ref()?.forecast_start);
    let page = OfTenant {
        page: visitor.page("overview", title),
        domain,
        now,
        project_count: projects::list(center, &visitor.caller).await?.len(),
        may_submit: visitor.may(center, actions::SUBMIT_JOB, Some(tenant)),
        warnings: warnings(center, ui, &found.contracts),
        most_cards,
        waiting_jobs: found.contracts.iter().map(|contract| u64::from(contract.waiting_jobs)).sum(),
        first_forecast: forecasts.min().map(|at| ui.short(at)).unwrap_or_default(),
        vessels: vessels(ui, &found.contracts),
        queue: Queue::of(ui, &found, false),
        days: ui.columns(&columns, most, 96, &days_label),
        by_project,
        budgets: budget::bars(ui, &budgets, false),
        events: lines_in_short(ui, &found.events, &found.job_names).take(EVENTS).collect(),
        may_audit: visitor.may(center, actions::READ_AUDIT, Some(tenant)),
        overview: found,
    };
    Ok(ok(&page))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::app::overview::WaitingView;
    use crate::portal::sample::{Sample, views};

    /// A step that is done, one that is to be done, and a contract on its way.
    fn first_steps() -> Vec<Step> {
        let contract = ("con_1".to_owned(), "HZ-1".to_owned(), domain::ContractState::Draft);
        crate::first_steps::rule::steps(&crate::first_steps::rule::There {
            nodes: 1,
            contract: Some(contract),
            ..crate::first_steps::rule::There::default()
        })
    }

    fn queue(page: &Page, is_full: bool, with_tenant: bool) -> Queue {
        let table = |name| if is_full { views::jobs(name, with_tenant) } else { JobTable::default() };
        let reasons = vec![(page.word("waits", "free-cards"), "2".to_owned())];
        Queue {
            text: page.t2("queue-counts", 1, 2),
            reasons: if is_full { reasons } else { Vec::new() },
            next: table("next"),
            next_of: page.t2("shown-of", 2, 9),
            running: table("running"),
            running_of: page.t2("shown-of", 2, 9),
            ended: table("ended"),
        }
    }

    impl Sample for OfCenter {
        fn samples(page: &Page) -> Vec<Self> {
            let sample = |is_full: bool| {
                let balance = views::capacity(is_full);
                Self {
                    page: page.clone(),
                    now: views::AT,
                    tide: page.columns(&[vec![("sold", 4), ("idle", 6)]], 10, 96, "A < B"),
                    tide_axis: vec!["05-20 01:00".into(), page.t("now")],
                    legend: page.legend(&[("sold", "2".into())]),
                    hall: Hall {
                        about: page.t("cell-is-card"),
                        tiles: if is_full { views::tiles() } else { Vec::new() },
                        groups: if is_full { Vec::new() } else { vec![views::group("g1")] },
                        shown: if is_full { String::new() } else { page.t2("nodes-shown", 1, 2) },
                    },
                    queue: queue(page, is_full, true),
                    bar: page.bar(&[("sold", 2)], 22, "A"),
                    parts: parts_of(&balance.balance),
                    events: if is_full { views::events(page.ui) } else { Vec::new() },
                    may_audit: is_full,
                    loops: views::loops(is_full),
                    first_steps: if is_full { first_steps() } else { Vec::new() },
                    is_disk_full: is_full,
                    center: CenterOverview {
                        nodes: 2,
                        virtual_nodes: u32::from(is_full),
                        cards: 16,
                        busy_cards: 8,
                        idle_cards: 8,
                        drained_cards: 0,
                        failed_cards: 0,
                        capacity_tflops: 4096,
                        in_use_tflops: 2048,
                        tenants: 2,
                        balance,
                        first_steps: Vec::new(),
                    },
                }
            };
            vec![sample(true), sample(false)]
        }
    }

    impl Sample for OfTenant {
        fn samples(page: &Page) -> Vec<Self> {
            let sample = |is_full: bool| Self {
                page: page.clone(),
                domain: "research".into(),
                now: views::AT,
                project_count: 1,
                may_submit: is_full,
                warnings: if is_full { vec![("con_1".into(), "3 < 4".into())] } else { Vec::new() },
                most_cards: 16,
                waiting_jobs: 3,
                first_forecast: if is_full { page.short(views::LATER) } else { Html::default() },
                vessels: if is_full { views::vessels(page.ui) } else { Vec::new() },
                queue: queue(page, is_full, false),
                days: page.columns(&[vec![("sold", 4)]], 10, 96, "A < B"),
                budgets: if is_full { budget::samples::budgets(page.ui) } else { Vec::new() },
                by_project: if is_full {
                    vec![UsageRow {
                        name: "Vision".into(),
                        tenant_slug: "univ".into(),
                        job: None,
                        ended_runs: 2,
                        used_card_ms: CardMs(7_200_000),
                        charge_micro_cny: MicroCny(3_500_000),
                    }]
                } else {
                    Vec::new()
                },
                events: if is_full { views::events(page.ui) } else { Vec::new() },
                may_audit: false,
                overview: Overview {
                    jobs: Vec::new(),
                    running: Vec::new(),
                    waiting: WaitingView::default(),
                    ended: Vec::new(),
                    contracts: Vec::new(),
                    running_cards: 8,
                    waiting_tasks: 3,
                    month_card_ms: CardMs(7_200_000),
                    month_charge_micro_cny: MicroCny(3_500_000),
                    month: "2026-05".into(),
                    events: Vec::new(),
                    job_names: BTreeMap::new(),
                    is_disk_full: is_full,
                    center: None,
                },
            };
            vec![sample(true), sample(false)]
        }
    }
}
