//! Submitting: a script, what would become of it, and then the job.

use std::borrow::Cow;

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use base::{
    auth::{Once, credentials},
    error::AppError,
    http::status,
    page::{
        extract::{Asked, Sent},
        fault::{self, Told},
        form::{Choice, Form},
        frame::{Page, Visitor, ok, render},
        words::{Html, Ui, escape},
    },
    params,
};
use domain::{
    JobId, JobSpec, MicroCny, Millis, ServiceClass,
    script::{Note, NoteAction, ParsedScript},
    spec::encoding::Encoding,
};
use scheduler::{Certainty, Limit};
use serde::Deserialize;

use super::{runs::places, settings};
use crate::{
    actions,
    app::{
        hall,
        jobs::{self, DryRun},
        projects,
        verdict::VerdictView,
    },
    center::Center,
    portal::nodes::map::{self, Tile},
};

const EXAMPLES: [(&str, &str); 3] = [
    (
        "one-card",
        "#!/bin/bash\n#SBATCH --job-name=one-card\n#SBATCH --gres=npu:1\n#SBATCH --time=00:10:00\n\nset -eu\nexec python3 \"$QIANTANG_EXAMPLES/digits/train.py\"\n",
    ),
    (
        "two-nodes",
        "#!/bin/bash\n#SBATCH --job-name=two-nodes\n#QIANTANG --launch=each-node\n#SBATCH --nodes=2\n#SBATCH --gres=npu:8\n#SBATCH --time=00:10:00\n\nset -eu\nexec python3 \"$QIANTANG_EXAMPLES/digits/train.py\"\n",
    ),
    (
        "array",
        "#!/bin/bash\n#SBATCH --job-name=sweep\n#SBATCH --array=0-7%4\n#SBATCH --gres=npu:1\n#SBATCH --time=00:05:00\n\nset -eu\necho \"task $SLURM_ARRAY_TASK_ID\"\n",
    ),
];

/// The result of a dry run: a refusal or a quote.
#[derive(Default)]
struct Dry {
    refused: Option<Told>,
    quote: Option<Quote>,
    /// Option, and what became of it.
    notes: Vec<(String, String)>,
}

#[derive(Clone)]
struct Quote {
    start: Html,
    start_note: String,
    most: MicroCny,
    sum: String,
    limit: String,
    contract: String,
    project: String,
    time_limit: String,
    tasks: u32,
    places: String,
    is_virtual: bool,
    tiles: Vec<Tile>,
}

#[derive(Template)]
#[template(path = "submit.html")]
pub struct SubmitPage {
    page: Page,
    form: Form,
    key: String,
    projects: Vec<Choice>,
    classes: Vec<Choice>,
    examples: Vec<&'static str>,
    dry_run: Dry,
    is_task_file: bool,
    /// Parts that take the place of others are marked so.
    is_oob: bool,
}

#[derive(Template)]
#[template(path = "dry_run_part.html")]
pub struct DryPart {
    page: Page,
    dry_run: Dry,
    form: Form,
    projects: Vec<Choice>,
    classes: Vec<Choice>,
    is_task_file: bool,
    /// The script has new lines: it is shown anew.
    is_written: bool,
    is_oob: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SubmitQuery {
    /// A job whose script is to be taken.
    from: String,
    example: String,
}

pub async fn page(
    State(center): State<Center>,
    Asked(wanted): Asked<SubmitQuery>,
    visitor: Visitor,
) -> Result<Response, AppError> {
    may_submit(&center, &visitor)?;
    let (mut script, mut project, mut class) = (String::new(), String::new(), ServiceClass::Normal);
    let mut encoding = "";
    if !wanted.from.is_empty() {
        let id: JobId = params::id(&wanted.from, "job")?;
        let job = jobs::show(&center, &visitor.caller, &id.into()).await?;
        (script, class) = (job.spec.script, job.spec.service_class);
        encoding = job.spec.encoding.map_or("", Encoding::code);
        project = job.spec.project.unwrap_or_default();
    } else if let Some((_, example)) = EXAMPLES.iter().find(|(name, _)| *name == wanted.example) {
        (*example).clone_into(&mut script);
    }
    if project.is_empty() {
        // As the page will show it chosen.
        let own = projects::list(&center, &visitor.caller).await?;
        project = own.into_iter().next().map(|project| project.slug).unwrap_or_default();
    }
    let mut form = Form::with(&[("script", script), ("encoding", encoding.to_owned()), ("project", project)]);
    if class != ServiceClass::Normal {
        form = form.replaced("class", class.code().to_owned());
    }
    // The class of the job that is taken is written into its script, unless that says another.
    let form = settings::merge(visitor.front.ui, form).form;
    let dry_run = tried(&center, &visitor, &form).await;
    whole(&center, &visitor, StatusCode::OK, form, dry_run).await
}

fn may_submit(center: &Center, visitor: &Visitor) -> Result<(), AppError> {
    let own = visitor.caller.member.tenant;
    let allowed = center.policies.check(&visitor.caller, actions::SUBMIT_JOB, own);
    allowed?;
    own.map(drop).ok_or(AppError::Forbidden { action: actions::SUBMIT_JOB.code() })
}

async fn whole(
    center: &Center,
    visitor: &Visitor,
    status: StatusCode,
    form: Form,
    dry_run: Dry,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let mut projects = offered(center, visitor).await?;
    let form = settings::shown(form, &mut projects);
    let page = SubmitPage {
        page: visitor.page("submit", ui.t("nav-submit")),
        // The same key comes back with the form, so that sending it twice is sending it once.
        key: Some(form.value("key").to_owned())
            .filter(|key| !key.is_empty())
            .unwrap_or_else(|| credentials::new_secret("")),
        projects,
        classes: classes(ui),
        examples: EXAMPLES.map(|(name, _)| name).to_vec(),
        is_task_file: domain::taskfile::is_one(form.raw("script")),
        is_oob: false,
        form,
        dry_run,
    };
    Ok(render(status, &page))
}

/// The projects that a job can be of.
async fn offered(center: &Center, visitor: &Visitor) -> Result<Vec<Choice>, AppError> {
    let own = projects::list(center, &visitor.caller).await?;
    let label = |project: &projects::ProjectView| match &project.contract_number {
        Some(number) => format!("{} · {number}", project.slug),
        None => project.slug.clone(),
    };
    Ok(own.iter().map(|project| Choice::new(project.slug.as_str(), label(project))).collect())
}

fn classes(ui: Ui) -> Vec<Choice> {
    ServiceClass::ALL.map(|class| Choice::new(class.code(), ui.word("class", class.code()))).into()
}

/// Shows the result of a dry run; for htmx the panel alone.
pub async fn dry_run(
    State(center): State<Center>,
    Sent { visitor, form }: Sent,
) -> Result<Response, AppError> {
    may_submit(&center, &visitor)?;
    let merged = settings::merge(visitor.front.ui, form);
    let (form, is_written) = (merged.form, merged.is_written);
    let dry_run = match conflicting(visitor.front.ui, merged.conflicts) {
        Some(refused) => Dry { refused: Some(refused), ..Dry::default() },
        None => tried(&center, &visitor, &form).await,
    };
    if !visitor.front.is_htmx {
        return whole(&center, &visitor, StatusCode::OK, form, dry_run).await;
    }
    let mut projects = offered(&center, &visitor).await?;
    let form = settings::shown(form, &mut projects);
    let part = DryPart {
        page: visitor.page("submit", String::new()),
        dry_run,
        classes: classes(visitor.front.ui),
        projects,
        is_task_file: domain::taskfile::is_one(form.raw("script")),
        form,
        is_written,
        is_oob: true,
    };
    Ok(ok(&part))
}

/// Submits. What is wrong is told beside what was typed.
pub async fn submit(
    State(center): State<Center>,
    Sent { visitor, form }: Sent,
) -> Result<Response, AppError> {
    may_submit(&center, &visitor)?;
    let merged = settings::merge(visitor.front.ui, form);
    let form = merged.form;
    if let Some(refused) = conflicting(visitor.front.ui, merged.conflicts) {
        let dry_run = Dry { refused: Some(refused), ..Dry::default() };
        return whole(&center, &visitor, StatusCode::UNPROCESSABLE_ENTITY, form, dry_run).await;
    }
    let submitted = match read(&form) {
        Ok(parsed) => {
            let parts = ["/submit", form.raw("script"), form.value("project"), form.value("encoding")]
                .map(str::as_bytes);
            let once = match form.value("key") {
                "" => Ok(None),
                key => Once::new(visitor.caller.member.id, key, &parts).map(Some),
            };
            match once {
                Ok(once) => jobs::submit(&center, &visitor.caller, parsed.spec, once).await,
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error),
    };
    match submitted {
        Ok(id) => Ok(Redirect::to(&format!("/jobs/{id}")).into_response()),
        Err(error @ (AppError::Invalid(_) | AppError::Refused(_) | AppError::NotFound { .. })) => {
            let status = status(&error);
            let told = beside(fault::told(visitor.front.ui, &error), &error);
            // A key that failed with these words is no use for others.
            let form = form.without("key");
            whole(&center, &visitor, status, form, Dry { refused: Some(told), ..Dry::default() }).await
        }
        Err(error) => Err(error),
    }
}

/// What the script and the settings beside it say otherwise, as a refusal.
fn conflicting(ui: Ui, conflicts: Vec<String>) -> Option<Told> {
    let told = Told { title: ui.t("settings-differ"), hint: String::new(), details: conflicts };
    (!told.details.is_empty()).then_some(told)
}

/// The script, of the project beside it where it names none.
fn read(form: &Form) -> Result<ParsedScript, AppError> {
    // Browsers send line ends as CR LF, whatever was typed.
    let text = form.raw("script").replace("\r\n", "\n");
    let mut parsed = if domain::taskfile::is_one(&text) {
        let spec = domain::taskfile::parse(&text).map_err(AppError::Invalid)?;
        ParsedScript { spec, notes: Vec::new() }
    } else {
        domain::script::parse(in_encoding(form, &text)).map_err(AppError::Invalid)?
    };
    let spec: &mut JobSpec = &mut parsed.spec;
    if spec.project.is_none() && !form.value("project").is_empty() {
        spec.project = Some(form.value("project").to_owned());
    }
    Ok(parsed)
}

/// The text of the form in the encoding of the job that it was taken from, while all of it is in that.
fn in_encoding<'a>(form: &Form, text: &'a str) -> Cow<'a, [u8]> {
    let encoding = Encoding::from_code(form.value("encoding"));
    encoding.and_then(|encoding| encoding.encode(text)).unwrap_or(Cow::Borrowed(text.as_bytes()))
}

/// Drops the hint of an error in the script: such an error is shown beside the script, and needs no way back
/// to it.
fn beside(told: Told, error: &AppError) -> Told {
    match error {
        AppError::Invalid(_) => Told { hint: String::new(), ..told },
        _ => told,
    }
}

async fn tried(center: &Center, visitor: &Visitor, form: &Form) -> Dry {
    let ui = visitor.front.ui;
    let refused = |error: &AppError, notes| Dry {
        refused: Some(beside(fault::told(ui, error), error)),
        quote: None,
        notes,
    };
    if form.value("script").is_empty() {
        return Dry::default();
    }
    let parsed = match read(form) {
        Ok(parsed) => parsed,
        Err(error) => return refused(&error, Vec::new()),
    };
    let notes = jobs::notes(center, &parsed);
    let notes = notes.iter().map(|note| told_note(ui, note)).collect();
    match jobs::dry_run(center, &visitor.caller, parsed.spec).await {
        // What never fits is a refusal when it is submitted.
        Ok(DryRun { verdict: Some(VerdictView { limit: Limit::NeverFits { .. }, text, .. }), .. }) => {
            let text = text.in_lang(ui.lang).to_owned();
            let told = Told { title: ui.t("would-refuse"), hint: String::new(), details: vec![text] };
            Dry { refused: Some(told), quote: None, notes }
        }
        Ok(trial) => match quote(center, visitor, trial) {
            Ok(quote) => Dry { refused: None, quote: Some(quote), notes },
            Err(error) => refused(&error, notes),
        },
        Err(error) => refused(&error, notes),
    }
}

fn quote(center: &Center, visitor: &Visitor, trial: DryRun) -> Result<Quote, AppError> {
    let ui = visitor.front.ui;
    let verdict = trial.verdict.as_ref().filter(|_| !trial.starts_now);
    let (start, start_note) = match verdict.and_then(|verdict| verdict.forecast_start) {
        _ if trial.starts_now => (Html(escape(ui.t("now"))), ui.t("cards-free-now")),
        Some(at) => (ui.short(at), verdict.map(|v| ui.word("certainty", v.certainty)).unwrap_or_default()),
        None => (Html(escape(ui.t("forecast-none"))), ui.word("certainty", Certainty::Unknown)),
    };
    let own = trial
        .placement
        .iter()
        .map(|place| (place.node.clone(), place.card_indices.iter().copied().collect()))
        .collect::<std::collections::BTreeMap<_, _>>();
    let tiles = if own.is_empty() {
        Vec::new()
    } else {
        map::job_tiles(ui, &hall::list(center, &visitor.caller)?, &own)
    };
    Ok(Quote {
        start,
        start_note,
        most: trial.price.most_micro_cny,
        sum: ui.t2(
            "hours-times-rate",
            ui.plain_hours(&trial.price.most_card_ms),
            trial.price.rate_micro_cny_per_card_hour.0,
        ),
        limit: trial
            .verdict
            .map_or_else(|| ui.t("no-limit"), |verdict| verdict.text.in_lang(ui.lang).to_owned()),
        contract: trial.contract,
        project: trial.project,
        time_limit: ui.span(Millis(trial.price.time_limit_ms)),
        tasks: trial.tasks,
        places: places(&trial.placement),
        is_virtual: trial.placement.iter().any(|place| place.is_virtual),
        tiles,
    })
}

/// An option that was not taken as it stands, and why, in the page's language.
fn told_note(ui: Ui, note: &Note) -> (String, String) {
    let line = if note.line > 0 { ui.t1("note-line", "line", note.line) } else { String::new() };
    let lead = match note.action {
        NoteAction::Ignored | NoteAction::OnSlurm => ui.t("note-ignored"),
        NoteAction::Mapped => ui.t("note-mapped"),
    };
    (note.option.clone(), format!("{line}{lead}{}", note.why.text(ui.lang)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::sample::{Sample, views};

    impl Dry {
        /// Nothing tried, a script that is refused, a job that starts on cards that are told, and an array
        /// that waits.
        fn samples(ui: Ui) -> [Self; 4] {
            let waits = Quote {
                start: ui.short(views::LATER),
                start_note: ui.word("certainty", "estimate"),
                most: MicroCny(3_500_000),
                sum: ui.t2("hours-times-rate", "2", "1.75"),
                limit: "8 > 4".into(),
                contract: "HZ-1".into(),
                project: "Vision".into(),
                time_limit: "10m".into(),
                tasks: 8,
                places: String::new(),
                is_virtual: false,
                tiles: Vec::new(),
            };
            let starts = Quote {
                start: Html(escape(ui.t("now"))),
                tasks: 1,
                places: "HZ-01 0-7".into(),
                is_virtual: true,
                tiles: views::tiles(),
                ..waits.clone()
            };
            let note = Note {
                line: 3,
                option: "--mem".into(),
                action: NoteAction::OnSlurm,
                why: domain::script::NoteWhy::MemoryShared,
            };
            let notes = vec![told_note(ui, &note)];
            let bare = Told { hint: String::new(), ..views::told(ui) };
            [
                Self::default(),
                Self { refused: Some(bare), quote: None, notes: notes.clone() },
                Self { refused: None, quote: Some(starts), notes: Vec::new() },
                Self { refused: None, quote: Some(waits), notes },
            ]
        }
    }

    impl Sample for SubmitPage {
        fn samples(page: &Page) -> Vec<Self> {
            let sample = |dry_run: Dry| Self {
                page: page.clone(),
                form: Form::with(&[
                    ("script", EXAMPLES[0].1.to_owned() + "\n</textarea>\n"),
                    ("project", "vision".into()),
                    ("class", "spot".into()),
                ]),
                key: "K".into(),
                projects: vec![Choice::new("vision", "Vision · HZ-1"), Choice::new("speech", "Speech")],
                classes: classes(page.ui),
                examples: EXAMPLES.map(|(name, _)| name).to_vec(),
                is_task_file: dry_run.quote.is_some(),
                is_oob: false,
                dry_run,
            };
            Dry::samples(page.ui).into_iter().map(sample).collect()
        }
    }

    impl Sample for DryPart {
        fn samples(page: &Page) -> Vec<Self> {
            let sample = |dry_run: Dry| {
                let mut form = Form::with(&[("script", EXAMPLES[0].1.to_owned()), ("time", "soon".into())]);
                form.blame("time", "no time");
                let is_task_file = dry_run.quote.is_some();
                Self {
                    page: page.clone(),
                    form,
                    projects: vec![Choice::new("vision", "Vision · HZ-1")],
                    classes: classes(page.ui),
                    is_written: !is_task_file,
                    is_task_file,
                    is_oob: true,
                    dry_run,
                }
            };
            Dry::samples(page.ui).into_iter().map(sample).collect()
        }
    }

    #[test]
    fn scripts_and_task_files_are_told_apart() {
        for yaml in ["name: x\n", "# a comment\n---\nname: x\nscript: |\n  true\n", "script:\n"] {
            assert!(domain::taskfile::is_one(yaml), "{yaml}");
        }
        for script in ["#!/bin/sh\nname: x\n", "#SBATCH -N 2\ntrue\n", "python3 train.py\n", ": no-op\n", ""]
        {
            assert!(!domain::taskfile::is_one(script), "{script}");
        }
        assert!(EXAMPLES.iter().all(|(_, script)| domain::script::parse(script).is_ok()));
    }
}
