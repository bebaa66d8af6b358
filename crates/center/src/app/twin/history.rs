//! The center's past runs, as a trace.

use std::collections::HashMap;

use domain::{Timestamp, problem::field};
use store::history::PastRun;
use twin::{Trace, TraceJob};

use crate::{actions, center::Center};
use base::{auth::Caller, error::AppError, params};

/// The most tasks that are read, the newest: some 100 MB in memory.
const MOST: u32 = 1_000_000;

/// The tasks that ran from an instant on, in the platform's own CSV.
pub async fn history(center: &Center, caller: &Caller, from: Option<&str>) -> Result<Vec<u8>, AppError> {
    center.policies.check(caller, actions::READ_CAPACITY, None)?;
    let from = match from {
        None => Timestamp::default(),
        Some(text) => params::parse_instant(center.settings.time_zone, field::FROM, text)?,
    };
    let center = center.clone();
    let made = tokio::task::spawn_blocking(move || {
        let trace = read(&center, from)?;
        let mut text = Vec::new();
        twin::write_trace(&trace, &mut text).map_err(AppError::internal)?;
        Ok(text)
    });
    made.await?
}

/// The newest tasks that have ended.
pub fn read(center: &Center, from: Timestamp) -> Result<Trace, AppError> {
    let (past, logins) = center.store.read(|tx| -> Result<_, AppError> {
        let mut past = Vec::new();
        store::history::past_runs(tx, from, MOST, |run| past.push(run))?;
        let members = store::tenants::list_members(tx, None)?.into_iter();
        Ok((past, members.map(|member| (member.id, member.login)).collect::<HashMap<_, _>>()))
    })?;
    let name = match &center.settings {
        settings if settings.name_en.is_empty() => &settings.name_zh,
        settings => &settings.name_en,
    };
    let mut trace = Trace::new(name);
    let live = center.live();
    trace.cards = live.nodes().map(|known| u32::from(known.node.cards)).sum();
    trace.utc_offset_s = center.settings.time_zone.offset_s(base::moment::now());
    let default_limit = center.settings.jobs.default_time_limit_ms;
    let mut has_several: HashMap<domain::JobId, bool> = HashMap::new();
    for run in &past {
        has_several.entry(run.job).and_modify(|has_several| *has_several = true).or_insert(false);
    }
    for run in past {
        let PastRun {
            job,
            task,
            contract,
            submitted_by,
            domain,
            class,
            submitted_at,
            started_at,
            ended_at,
            ..
        } = run;
        let text = if has_several[&job] { format!("{job}_{task}") } else { job.to_string() };
        let login = logins.get(&submitted_by).map_or("", String::as_str);
        let number = live.contract(contract).map(|known| known.contract.number.as_str());
        let run_ms = ended_at.since(started_at).0.clamp(1, twin::trace::MAX_RUN_MS);
        let made = TraceJob {
            submit_ms: submitted_at.floor_millis(),
            run_ms,
            estimate_ms: run.time_limit.unwrap_or(default_limit).0.clamp(run_ms, twin::trace::MAX_RUN_MS),
            name: trace.name_of(&text),
            cards: run.cards.max(1),
            user: trace.users.of(login),
            queue: trace.queues.of(number.unwrap_or_default()),
            model: trace.model_of(run.card_model.as_deref().unwrap_or_default()),
            domain: Some(domain),
            class,
        };
        trace.jobs.push(made);
    }
    drop(live);
    trace.start_at_first();
    Ok(trace)
}
