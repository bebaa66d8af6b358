//! Mail about jobs that was asked for with the job: `--mail-type` and `--mail-user` of sbatch, which hold on each engine. It
//! goes out whatever the person wishes to hear of otherwise.

use base::{
    error::AppError,
    notice::{mail::outbox::Mail, rows::manners},
};
use domain::{
    Job, Outcome, PersonId, Timestamp,
    job::{JobOutcome, mail::Happened},
    spec::mail::JobMail,
};
use serde_json::{Value, json};
use store::{StoreError, Tx, db::params, events::Event, jobs, statements, tenants};

use crate::{
    center::Center,
    event_kinds::{JOB_ENDED, RUN_ENDED, RUN_STARTED},
};

statements! { "job_mail";
    INSERT = "INSERT INTO job_mail (job) VALUES (?1)";
    IS_THERE = "SELECT 1 FROM job_mail WHERE job = ?1";
    SOMEBODY = "SELECT p.id FROM memberships m JOIN persons p ON p.id = m.person WHERE m.tenant = ?1 AND m.is_enabled = 1 \
        AND (p.login = ?2 OR LOWER(p.email) = LOWER(?2)) ORDER BY p.login = ?2 DESC LIMIT 1";
    SUBMITTER = "SELECT m.person FROM memberships m WHERE m.id = ?1 AND m.is_enabled = 1";
}

/// Keeps in mind that mail goes out about a job, where it asks for any.
pub fn keep(tx: &Tx, job: &Job) -> Result<(), StoreError> {
    if job.spec.mail.is_some() { tx.execute(INSERT, params![&job.id]) } else { Ok(()) }
}

/// What an event is to a job, or to a task of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Moment {
    happened: Happened,
    /// The position of the task, where it is about one.
    task: Option<u32>,
}

/// The moment of a job that an event tells of, as the job's mail counts them. None where it is none of them.
fn moment(kind: &str, data: &Value, mail: &JobMail) -> Option<Moment> {
    let text = |key: &str| data.get(key).and_then(Value::as_str).unwrap_or_default();
    let number = |key: &str| data.get(key).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    let task = mail.is_of_tasks().then(|| number("task")).flatten();
    let happened = if kind == RUN_STARTED.code() {
        if number("attempt").is_some_and(|attempt| attempt > 1) {
            return Some(Moment { happened: Happened::TriedAgain, task: number("task") });
        }
        Happened::Began
    } else if kind == JOB_ENDED.code() && !mail.is_of_tasks() {
        Happened::Ended(JobOutcome::from_code(text("outcome"))?)
    } else if kind == RUN_ENDED.code() && mail.is_of_tasks() {
        let number = data.get("number").and_then(Value::as_i64).and_then(|n| i32::try_from(n).ok());
        let outcome = Outcome::from_code(text("outcome"), number.unwrap_or_default())?;
        Happened::Ended(JobOutcome::of_run(outcome))
    } else {
        return None;
    };
    Some(Moment { happened, task })
}

/// The mail that an event calls for.
pub fn of_event(center: &Center, tx: &Tx, event: &Event, now: Timestamp) -> Result<Option<Mail>, AppError> {
    let kind = event.event.kind.as_str();
    let is_moment = [RUN_STARTED, RUN_ENDED, JOB_ENDED].iter().any(|known| known.code() == kind);
    let Some(id) = event.event.job.filter(|_| is_moment && center.common.mail.is_on()) else {
        return Ok(None);
    };
    if tx.find(IS_THERE, params![&id], |_| Ok(()))?.is_none() {
        return Ok(None);
    }
    let job = jobs::get_job(tx, id)?;
    let Some(mail) = &job.spec.mail else { return Ok(None) };
    let Some(moment) = moment(kind, &event.event.data, mail).filter(|moment| mail.wants(moment.happened))
    else {
        return Ok(None);
    };
    let Some((person, is_found)) = whom(tx, &job, mail.to.as_deref())? else { return Ok(None) };
    let address = tenants::get_person(tx, person)?.email;
    if address.is_empty() {
        return Ok(None);
    }
    let data = json!({
        "job": id, "name": name(&job, moment.task), "outcome": outcome(moment.happened),
        "to": mail.to.clone().unwrap_or_default(), "found": if is_found { "yes" } else { "no" },
    });
    // Of an array as a whole the first run alone is its beginning.
    let once = match moment {
        Moment { happened: Happened::Began, task: None } => format!("job-began:{id}"),
        _ => format!("job:{}", event.seq),
    };
    Ok(Some(Mail {
        once: Some(once),
        person: Some(person),
        path: format!("/jobs/{id}"),
        lang: manners(tx, person)?.lang,
        ..Mail::new(purpose(moment.happened), &address, data, now)
    }))
}

/// What the mail about a moment is for.
pub fn purpose(happened: Happened) -> &'static str {
    match happened {
        Happened::Began => "job-began",
        Happened::TriedAgain => "job-again",
        Happened::Ended(_) => "job-ended",
    }
}

fn outcome(happened: Happened) -> &'static str {
    match happened {
        Happened::Ended(outcome) => outcome.code(),
        Happened::Began | Happened::TriedAgain => "",
    }
}

/// The job's name, with the index of the task as Slurm writes it: `digits_3`.
fn name(job: &Job, task: Option<u32>) -> String {
    let index = task.and_then(|position| job.spec.array.as_ref()?.index(position));
    index.map_or_else(|| job.spec.name.clone(), |index| format!("{}_{index}", job.spec.name))
}

/// Who gets the mail, and whether that is who was asked for: somebody of the tenant by login or address, else whoever
/// submitted the job. Mail goes to nobody else, so that no script writes to strangers.
fn whom(tx: &Tx, job: &Job, to: Option<&str>) -> Result<Option<(PersonId, bool)>, StoreError> {
    let person = |row: store::db::Row<'_>| row.get(0);
    let asked = to.map(|to| tx.find(SOMEBODY, params![&job.tenant, to], person)).transpose()?.flatten();
    if let Some(asked) = asked {
        return Ok(Some((asked, true)));
    }
    let submitter = tx.find(SUBMITTER, params![&job.submitted_by], person)?;
    Ok(submitter.map(|person| (person, to.is_none())))
}

#[cfg(test)]
mod tests {
    use domain::spec::mail::mail_types;

    use super::*;

    #[test]
    fn events_are_moments_of_the_job_or_of_its_tasks() {
        let mail = |value: &str| JobMail { on: mail_types(value).on, to: None };
        let (whole, tasks) = (mail("ALL"), mail("ALL,ARRAY_TASKS"));
        let first = json!({ "task": 3, "attempt": 1 });
        let began = |task| Some(Moment { happened: Happened::Began, task });
        assert_eq!(moment("run_started", &first, &whole), began(None));
        assert_eq!(moment("run_started", &first, &tasks), began(Some(3)));
        let again = json!({ "task": 3, "attempt": 2 });
        let tried = Some(Moment { happened: Happened::TriedAgain, task: Some(3) });
        assert_eq!(moment("run_started", &again, &whole), tried);
        let ended = json!({ "task": 3, "attempt": 1, "outcome": "failed", "number": 7 });
        assert_eq!(moment("run_ended", &ended, &whole), None);
        let failed = |task| Some(Moment { happened: Happened::Ended(JobOutcome::Failed), task });
        assert_eq!(moment("run_ended", &ended, &tasks), failed(Some(3)));
        let ended = json!({ "outcome": "failed" });
        assert_eq!(moment("job_ended", &ended, &whole), failed(None));
        assert_eq!(moment("job_ended", &ended, &tasks), None);
        assert_eq!(moment("job_ended", &json!({ "outcome": "unheard of" }), &whole), None);
        assert_eq!(moment("job_submitted", &ended, &whole), None);
    }
}
