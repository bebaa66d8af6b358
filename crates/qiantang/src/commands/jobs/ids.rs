//! Jobs and runs as people name them at a terminal: by a whole id, or by the digits that they copied from a list.

use domain::{Id, id::Kind, job::task};
use serde_json::Value;

use crate::{
    context::{Context, query},
    errors::Failure,
    output::{list, pick, text},
    words,
};

/// The ids of jobs, with their tasks as they were named. All are looked up before anything is done.
pub fn jobs(context: &Context, names: &[String]) -> Result<Vec<String>, Failure> {
    let mut ids: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        let id = job(context, name)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// The id of a job: `job_0198…`, `3f2a`, and with tasks `3f2a_7`, `3f2a_[3-9]`.
pub fn job(context: &Context, name: &str) -> Result<String, Failure> {
    let named = task::parse(name).map_err(|error| {
        let hint = "write a task as JOB_7, and several as JOB_[3-9,12]";
        Failure::usage("bad_task", format!("{name}: {error}"), hint)
    })?;
    let shown = |job: &Value| {
        format!(
            "{} {} {}",
            text(job, "id"),
            text(job, "name"),
            words::state(context.lang, text(job, "state"))
        )
    };
    let id = whole::<domain::id::Job>(context, "/api/v1/jobs", named.job, shown)?;
    Ok(named.tasks.map_or_else(|| id.clone(), |tasks| format!("{id}_{tasks}")))
}

/// The id of a run.
pub fn run(context: &Context, name: &str) -> Result<String, Failure> {
    let shown = |run: &Value| {
        format!("{} {} {}", text(run, "id"), text(run, "job"), words::state(context.lang, text(run, "state")))
    };
    whole::<domain::id::Run>(context, "/api/v1/runs", name, shown)
}

/// The one id that begins or ends with what is given.
fn whole<K: Kind>(
    context: &Context,
    path: &str,
    given: &str,
    shown: impl Fn(&Value) -> String,
) -> Result<String, Failure> {
    if given.parse::<Id<K>>().is_ok() {
        return Ok(given.to_owned());
    }
    let digits = given.strip_prefix(K::PREFIX).unwrap_or(given);
    let is_part = (4..=32).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !is_part {
        let noun = K::NOUN;
        let message = format!("`{given}` is no {noun} id, and no part of one");
        let hint =
            "give a whole id, or four or more of its last or first digits, as `qiantang jobs` shows them";
        return Err(Failure::usage("bad_id", message, hint));
    }
    let answer = context.client.get(&format!("{path}{}", query(&[("id", Some(digits.to_owned()))])))?;
    let found = list(&answer["items"])?;
    match found {
        [only] => Ok(text(only, "id").to_owned()),
        [] => {
            let message = format!("there is no {} whose id begins or ends with `{digits}`", K::NOUN);
            Err(Failure::refused("not_found", message, "`qiantang jobs` lists yours"))
        }
        several => {
            let message = format!("`{digits}` is the beginning or the end of several {} ids", K::NOUN);
            let mut failure = Failure::usage("ambiguous", message, "give more of its digits");
            failure.errors = several.iter().map(shown).collect();
            if several.len() >= 10 {
                failure.errors.push(pick(context.lang, "……", "…").to_owned());
            }
            Err(failure)
        }
    }
}
