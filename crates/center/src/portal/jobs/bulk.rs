//! What is done with many jobs at once: they are cancelled, after a page that says how many, or kept as a table.

use askama::Template;
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use base::{
    error::AppError,
    http::status,
    page::{
        extract::{Asked, Sent},
        fault::told,
        form::Form,
        frame::{Page, Visitor, render},
    },
};
use domain::problem::{Things, Wrong, field};

use super::query::ListQuery;
use crate::{
    app::jobs::{self, CancelJobs},
    center::Center,
};

/// Asks whether so many jobs are to be stopped.
#[derive(Template)]
#[template(path = "jobs_cancel.html")]
pub struct CancelPage {
    page: Page,
    /// How many there are; the page says so too where there are more than one request stops.
    count: String,
    and_more: bool,
    is_none: bool,
    faults: Vec<String>,
    /// What is sent again with the answer.
    fields: Vec<(&'static str, String)>,
    back: String,
}

/// The jobs that the form is about.
fn asked(visitor: &Visitor, form: &Form, query: &ListQuery) -> Result<CancelJobs, AppError> {
    let dry_run = form.value("sure") != "yes";
    if form.value("which") != "all" {
        let picked = form.all("job");
        // Somebody who presses the button has a job in mind.
        if picked.is_empty() {
            let wrong = Wrong::Count { of: Things::Jobs, given: 0, least: 1, most: jobs::MOST_NAMED };
            return Err(AppError::invalid(field::JOBS, wrong));
        }
        return Ok(CancelJobs { jobs: picked, which: None, dry_run });
    }
    let mut wanted = query.wanted(visitor.front.ui.zone)?;
    // All that have not ended, where nothing else is said.
    wanted.state.get_or_insert_with(|| "active".to_owned());
    Ok(CancelJobs { jobs: Vec::new(), which: Some(wanted), dry_run })
}

pub async fn cancel(
    State(center): State<Center>,
    Sent { visitor, form }: Sent,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let query = ListQuery::of(&form);
    let done = match asked(&visitor, &form, &query) {
        Ok(asked) => jobs::cancel_many(&center, &visitor.caller, asked).await,
        Err(error) => Err(error),
    };
    let (done, faults, status) = match done {
        Ok(done) if form.value("sure") == "yes" => {
            let count = done.cancelled.to_string();
            return Ok(Redirect::to(&query.href("/jobs", &[("cancelled", &count)])).into_response());
        }
        Ok(done) => (done, Vec::new(), StatusCode::OK),
        Err(error @ AppError::Invalid(_)) => {
            (jobs::Cancelled::default(), told(ui, &error).details, status(&error))
        }
        Err(error) => return Err(error),
    };
    let mut fields = vec![("which", form.value("which").to_owned())];
    fields.extend(query.filters().into_iter().map(|(name, value)| (name, value.to_owned())));
    fields.extend(form.all("job").into_iter().map(|id| ("job", id)));
    let page = CancelPage {
        count: ui.count(done.jobs),
        and_more: done.and_more,
        is_none: done.jobs == 0,
        faults,
        fields,
        back: query.href("/jobs", &[]),
        page: visitor.page("jobs", ui.t("cancel-jobs")),
    };
    Ok(render(status, &page))
}

/// The jobs of the list, all pages of it, to keep as a file.
pub async fn export(
    State(center): State<Center>,
    visitor: Visitor,
    Asked(query): Asked<ListQuery>,
) -> Result<Response, AppError> {
    let table = jobs::table(&center, &visitor.caller, query.wanted(visitor.front.ui.zone)?).await?;
    let name = [(header::CONTENT_DISPOSITION, "attachment; filename=\"jobs.csv\"")];
    Ok((name, table).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::sample::Sample;

    impl Sample for CancelPage {
        fn samples(page: &Page) -> Vec<Self> {
            let of = |is_none: bool, faults: Vec<String>| Self {
                page: page.clone(),
                count: "4,551".into(),
                and_more: !is_none,
                is_none,
                faults,
                fields: vec![("which", "all".into()), ("name", "a\"b".into())],
                back: "/jobs?name=a".into(),
            };
            vec![of(false, Vec::new()), of(true, Vec::new()), of(true, vec!["jobs: <0>".into()])]
        }
    }
}
