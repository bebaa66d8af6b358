//! The jobs that match, as a table of any length to keep as a file.

use axum::response::Response;
use domain::{JobId, Rfc3339, Zone};
use store::{Tx, jobs};

use super::{
    JobView, list_of,
    wanted::{Asked, JobsWanted},
};
use crate::{
    actions,
    app::csv::{self, END, quoted},
    center::Center,
};
use base::{auth::Caller, error::AppError, http::open_table};

/// Jobs that are read at once.
const AT_ONCE: u32 = 500;

const COLUMNS: &str = "job,name,tenant,project,contract,submitted_by,state,service_class,nodes,cards_per_node,tasks,\
                       tasks_ended,submitted_at,started_at,ended_at,card_hours,yuan,waits_for";

/// All jobs that match, newest first. What is wrong with the filter is refused before the first row.
pub async fn table(center: &Center, caller: &Caller, wanted: JobsWanted) -> Result<Response, AppError> {
    let scope = caller.scope()?.tenant();
    center.policies.check(caller, actions::READ_JOB, scope)?;
    let zone = center.settings.time_zone;
    let asked = Asked::of(caller, zone, wanted)?;
    let filter = center.try_read(move |tx| asked.filter(tx)).await?;
    let center = center.clone();
    open_table(&center.base.clone(), move |out| async move {
        if out.send(Ok(format!("{COLUMNS}{END}"))).await.is_err() {
            return;
        }
        let mut after: Option<JobId> = None;
        loop {
            let for_read = filter.clone();
            let page = center.read(move |tx: &Tx| jobs::page_jobs(tx, &for_read, after, AT_ONCE)).await;
            let (ids, next) = match page {
                Ok(page) => (page.rows.into_iter().map(|row| row.id).collect(), page.next),
                Err(error) => return drop(out.send(Err(error)).await),
            };
            let rows = list_of(&center, ids).await;
            let rows = rows.map(|rows| rows.iter().map(|job| row(zone, job)).collect::<String>());
            let is_good = rows.is_ok();
            if out.send(rows).await.is_err() || !is_good || next.is_none() {
                return;
            }
            after = next;
        }
    })
}

fn row(zone: &Zone, job: &JobView) -> String {
    let at = |at: Option<Rfc3339>| at.map(|at| zone.rfc3339(at.0)).unwrap_or_default();
    csv::row(&[
        job.id.to_string(),
        quoted(&job.name),
        quoted(&job.tenant_slug),
        quoted(&job.project),
        quoted(&job.contract),
        quoted(&job.submitted_by),
        job.state.code().to_owned(),
        job.service_class.code().to_owned(),
        job.nodes.to_string(),
        job.cards_per_node.to_string(),
        job.tasks.total.to_string(),
        job.tasks.ended().to_string(),
        at(Some(job.submitted_at)),
        at(job.started_at),
        at(job.ended_at),
        job.used_card_ms.to_string(),
        job.charge_micro_cny.to_string(),
        job.verdict.as_ref().map(|verdict| verdict.code.clone()).unwrap_or_default(),
    ])
}
