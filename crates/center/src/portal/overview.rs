//! The first page: for a tenant its contracts, running work and spend; for the center's people the hall, the
//! queue and what happens.

use std::collections::BTreeMap;

use askama::Template;
use axum::{Extension, extract::State, response::Response};
use base::{
    error::AppError,
    events::Event,
    loops::LoopView,
    moment,
    page::{
        frame::{Page, Visitor, ok},
        words::{Html, Ui, escape},
    },
};
use domain::{CardMs, JobId, JobStatus, MicroCny, Millis, Timestamp, capacity::CapacityBalance};

use crate::{
    actions,
    app::{
        capacity::Recent,
        hall::{self, CardState},
        jobs::{self, JobQuery, JobView},
        overview::{self, CenterOverview, Overview},
        projects,
        usage::{self, UsageQuery, UsageRow},
    },
    center::Center,
    event_kinds,
    first_steps::rule::Step,
    period,
    portal::{
        contracts::vessel::{Vessel, vessels, warnings},
        jobs::table::JobTable,
        nodes::map::{self, Tile},
    },
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

/// Something that happened, in one line.
pub struct EventLine {
    pub at: Timestamp,
    pub html: Html,
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
    tiles: Vec<Tile>,
    queue_text: String,
    table: JobTable,
    ended: JobTable,
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
    table: JobTable,
    ended: JobTable,
    days: Html,
    by_project: Vec<UsageRow>,
    events: Vec<EventLine>,
    may_audit: bool,
}

pub async fn page(
    State(center): State<Center>,
    Extension(recent): Extension<Recent>,
    visitor: Visitor,
) -> Result<Response, AppError> {
    let found = overview::overview(&center, &recent, &visitor.caller).await?;
    match visitor.caller.member.tenant {
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
    let ended = ended_lately(center, visitor).await?;
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
    let (tiles, counts) = map::tiles(ui, &hall::list(center, &visitor.caller)?);
    let of =
        |state: JobStatus| found.jobs.iter().find(|count| count.state == state).map_or(0, |count| count.jobs);
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
        legend: ui.legend(&counts.iter().map(|(kind, n)| (*kind, n.to_string())).collect::<Vec<_>>()),
        tiles,
        queue_text: ui.t2("queue-counts", of(JobStatus::Running), of(JobStatus::Queued)),
        table: JobTable::of(ui, &found.active, true),
        bar: ui.bar(&in_ms, 22, &bar_label.join(", ")),
        parts,
        ended: JobTable::of(ui, &ended, true),
        events: lines(ui, &found.events, &found.job_names),
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
    let ended = ended_lately(center, visitor).await?;
    let zone = center.settings.time_zone;
    let first = zone.bounds(zone.month(now)).0;
    let days = usage::charges_of_month(center, &visitor.caller).await?;
    let days: Vec<i64> = days.into_iter().map(|charge| charge.0).collect();
    let most = days.iter().copied().max().unwrap_or(0).max(1);
    let columns: Vec<_> = days.iter().map(|day| vec![("sold", *day)]).collect();
    let days_label = ui.t1("days-label", "most", MicroCny(if most == 1 { 0 } else { most }));
    let usage_query = UsageQuery { from: Some(first.to_string()), ..UsageQuery::default() };
    let by_project = usage::usage(center, &visitor.caller, usage_query).await?.rows;
    let open = found.contracts.iter().filter(|contract| contract.state.accepts_jobs());
    let most_cards = open.map(|contract| contract.queue.max_running_cards).sum();
    let own = visitor.front.session.as_ref().and_then(|session| session.tenant.as_deref());
    let title = own.map_or_else(String::new, |own| own.name(ui.lang).to_owned());
    let domain = own.map_or_else(String::new, |own| own.domain.code().to_owned());
    let forecasts = found.active.iter().filter_map(|job| job.verdict.as_ref()?.forecast_start);
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
        table: JobTable::of(ui, &found.active, false),
        ended: JobTable::of(ui, &ended, false),
        days: ui.columns(&columns, most, 96, &days_label),
        by_project,
        events: lines(ui, &found.events, &found.job_names),
        may_audit: visitor.may(center, actions::READ_AUDIT, Some(tenant)),
        overview: found,
    };
    Ok(ok(&page))
}

/// The newest jobs that have ended.
async fn ended_lately(center: &Center, visitor: &Visitor) -> Result<Vec<JobView>, AppError> {
    let newest = JobQuery { limit: Some(30), ..JobQuery::default() };
    let newest = jobs::list(center, &visitor.caller, newest).await?.items;
    Ok(newest.into_iter().filter(|job| job.ended_at.is_some()).take(8).collect())
}

// The kinds of events, to match by.
const JOB_SUBMITTED: &str = event_kinds::JOB_SUBMITTED.code();
const JOB_STOPPING: &str = event_kinds::JOB_STOPPING.code();
const TASKS_CANCELLED: &str = event_kinds::TASKS_CANCELLED.code();
const JOB_ENDED: &str = event_kinds::JOB_ENDED.code();
const RUN_STARTED: &str = event_kinds::RUN_STARTED.code();
const RUN_ENDED: &str = event_kinds::RUN_ENDED.code();
const CONTRACT_CHANGED: &str = event_kinds::CONTRACT_CHANGED.code();
const NODE_CHANGED: &str = event_kinds::NODE_CHANGED.code();
const PERIOD_CLOSED: &str = period::rule::CLOSED.code();

/// Events as lines, newest first. That a run ended says nothing beside the end of its job, unless the center
/// lost it.
fn lines(ui: Ui, events: &[Event], job_names: &BTreeMap<JobId, String>) -> Vec<EventLine> {
    let tells = |event: &&Event| {
        event.kind != RUN_ENDED || event.data.get("outcome").is_some_and(|outcome| outcome == "lost")
    };
    events.iter().filter(tells).take(10).map(|event| line(ui, event, job_names)).collect()
}

/// An event in the page's language, with links to what it is about.
fn line(ui: Ui, event: &Event, names: &BTreeMap<JobId, String>) -> EventLine {
    let text = |name: &str| event.data.get(name).and_then(|value| value.as_str()).unwrap_or_default();
    let code = match event.kind.as_str() {
        JOB_SUBMITTED => "queued",
        JOB_STOPPING => "stopping",
        TASKS_CANCELLED => "cancelled",
        RUN_STARTED => "running",
        JOB_ENDED | RUN_ENDED => text("outcome"),
        _ => text("state"),
    };
    let state = match event.kind.as_str() {
        NODE_CHANGED => ui.node_state(code),
        PERIOD_CLOSED => ui.tag("period-state", code),
        _ => ui.state(code),
    };
    let job = event.job.map(|id| {
        let name = names.get(&id).cloned().unwrap_or_default();
        format!(r#"<a href="/jobs/{id}">{}</a>"#, escape(name))
    });
    let about = match (event.kind.as_str(), job) {
        (CONTRACT_CHANGED, _) => {
            let (id, number) = (escape(text("contract")), escape(text("number")));
            format!(r#"{} <a href="/contracts/{id}">{number}</a>"#, escape(ui.t("contract")))
        }
        (NODE_CHANGED, _) => {
            let (node, reason) = (escape(text("node")), escape(text("reason")));
            format!(r#"{} <a href="/nodes/{node}">{node}</a> {reason}"#, escape(ui.t("node")))
        }
        (PERIOD_CLOSED, _) => {
            let month = escape(text("month"));
            format!(r#"<a href="/periods/{month}">{}</a>"#, escape(ui.t1("period-of", "month", &month)))
        }
        (_, Some(job)) => job,
        (_, None) => String::new(),
    };
    let what = escape(ui.word("event", event.kind.replace('_', "-")));
    EventLine { at: event.at.0, html: Html(format!("{state} {about} {what}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
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
                    tiles: views::tiles(),
                    queue_text: page.t2("queue-counts", 1, 2),
                    table: if is_full { views::jobs(true) } else { views::no_jobs() },
                    ended: if is_full { views::jobs(true) } else { views::no_jobs() },
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
                table: if is_full { views::jobs(false) } else { views::no_jobs() },
                ended: if is_full { views::jobs(false) } else { views::no_jobs() },
                days: page.columns(&[vec![("sold", 4)]], 10, 96, "A < B"),
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
                    active: Vec::new(),
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
