//! The loops that make the center run: those of [`crate::wakers::ALL`], the last two on Slurm alone. Each is a thread that sleeps until it is woken.

pub mod accounts;
pub mod applications;
pub mod issuers;
pub mod meter;
pub mod mirror;
pub mod notices;
pub mod plan;
pub mod seal;
pub mod watch;

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::JoinHandle,
};

use domain::Millis;

use crate::{
    backup::scheduled,
    center::Center,
    disk::watch as disk,
    tls::{Current, renew},
    wakers::{
        ACCOUNTS, ALL, APPLICATIONS, BACKUP, CERTIFICATE, DISK, ISSUERS, MAIL, METER, MIRROR, NOTICES, PLAN,
        QUOTA, ROOTS, SEAL, Sleepers, WATCH, WEBHOOKS,
    },
};

/// Starts the loops, each in a thread of its own.
pub fn start(
    center: &Center,
    sleepers: Sleepers,
    certificate: Option<Arc<Current>>,
) -> std::io::Result<Vec<JoinHandle<()>>> {
    let Sleepers { plan, meter, accounts, watch } = sleepers;
    let ms = |every: std::time::Duration| Millis(i64::try_from(every.as_millis()).unwrap_or(i64::MAX));
    let accrues = center.settings.billing.accrue_every_ms;
    let mut threads = vec![
        spawn(center, PLAN, ms(plan::AT_LEAST_EVERY), move |center| plan::run(center, &plan))?,
        spawn(center, WATCH, ms(watch::ALL_EVERY), move |center| watch::run(center, &watch))?,
        spawn(center, METER, accrues, move |center| meter::run(center, &meter))?,
        spawn(center, SEAL, ms(seal::SEAL_EVERY), seal::run)?,
        spawn(center, ROOTS, ms(seal::ROOTS_EVERY), seal::run_roots)?,
        spawn(center, BACKUP, ms(scheduled::EVERY), scheduled::run)?,
        spawn(center, DISK, ms(disk::EVERY), disk::run)?,
        spawn(center, QUOTA, ms(disk::LOOK_EVERY), disk::run_quotas)?,
        spawn(center, APPLICATIONS, ms(applications::EVERY), applications::run)?,
        spawn(center, NOTICES, ms(notices::EVERY), notices::run)?,
        spawn(center, MAIL, ms(notices::EVERY), notices::run_mail)?,
        spawn(center, WEBHOOKS, ms(notices::EVERY), notices::run_webhooks)?,
    ];
    if !center.issuers.all().is_empty() {
        threads.push(spawn(center, ISSUERS, ms(issuers::EVERY), issuers::run)?);
    }
    if let Some(current) = certificate {
        let body = move |center: &Center| renew::run(center, &current);
        threads.push(spawn(center, CERTIFICATE, ms(renew::EVERY), body)?);
    }
    if let Some(engine) = center.compute.slurm.clone() {
        if center.settings.engine.slurm.accounts.keep {
            let engine = Arc::clone(&engine);
            let body = move |center: &Center| accounts::run(center, &engine, &accounts);
            threads.push(spawn(center, ACCOUNTS, ms(accounts::EVERY), body)?);
        }
        let body = move |center: &Center| mirror::run(center, &engine);
        threads.push(spawn(center, MIRROR, ms(mirror::EVERY), body)?);
    }
    Ok(threads)
}

/// A thread for a loop that has a turn `every` so often. Operators are told if it ends before the center does.
fn spawn(
    center: &Center,
    name: &'static str,
    every: Millis,
    body: impl FnOnce(&Center) + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    debug_assert!(ALL.contains(&name), "a loop that nobody knows: {name}");
    center.loops.started(name, every);
    let center = center.clone();
    let whole = move || {
        let why = match catch_unwind(AssertUnwindSafe(|| body(&center))) {
            Ok(()) if center.compute.wakers.is_stopping() => return,
            Ok(()) => "the loop ended by itself".to_owned(),
            Err(panic) => format!("the loop panicked: {}", text_of(&*panic)),
        };
        tracing::error!(name, why, "a loop is over: start the center anew");
        center.loops.ended(name, &why);
    };
    std::thread::Builder::new().name(name.into()).spawn(whole)
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use axum::{extract::State, http::StatusCode, response::Response};
    use base::{
        Base,
        auth::{Caller, Policies},
        loops::{LoopState, LoopView},
        moment,
        noun::Platform,
    };
    use domain::{Member, MemberId, PersonId, Role, RunId, Timestamp};
    use engines::{Engine, EngineError, LaunchSpec, LogChunk, LogLayout, Observation, Stream};
    use store::{params, statements};

    use super::*;
    use crate::{
        api::ops::readyz,
        app::overview,
        compute::Compute,
        live::Live,
        settings::Settings,
        start::{POLICIES, actions_of},
        wakers::wakers,
    };

    const PLATFORMS: &[Platform<Center>] = &[crate::PLATFORM];

    statements! { "idempotency";
        TAKE_AWAY = "ALTER TABLE idempotency RENAME TO elsewhere";
    }

    /// An engine without a machine.
    struct Nothing;

    fn nothing<T>() -> Result<T, EngineError> {
        Err(EngineError::Host("there is none".into()))
    }

    impl Engine for Nothing {
        fn launch(&self, _: &LaunchSpec) -> Result<(), EngineError> {
            nothing()
        }

        fn observe(&self, _: RunId) -> Result<Observation, EngineError> {
            nothing()
        }

        fn stop(&self, _: RunId) -> Result<(), EngineError> {
            nothing()
        }

        fn read_log(&self, _: RunId, _: Stream, _: u64, _: usize) -> Result<LogChunk, EngineError> {
            nothing()
        }

        fn log_layout(&self, _: RunId) -> Result<LogLayout, EngineError> {
            nothing()
        }
    }

    fn center(folder: &std::path::Path) -> (Center, Sleepers) {
        let store = testkit::rows::open(&folder.join("center.db"));
        let policies = Policies::load(actions_of(PLATFORMS), POLICIES).expect("they are valid");
        let settings = "[billing]\naccrue_every_ms = 1000\n";
        let settings = Settings::parse("here", settings, std::iter::empty()).expect("they are valid");
        let (wakers, sleepers) = wakers();
        let planning = settings.planning();
        let live = Live::new(planning.use_half_life, settings.jobs.default_time_limit_ms, settings.time_zone);
        let compute = Compute::new(Arc::new(Nothing), None, planning, wakers);
        (
            Center::new(
                PLATFORMS,
                settings.clone(),
                Base::new(settings.common(), store, policies),
                compute,
                live,
            ),
            sleepers,
        )
    }

    /// As the API gives it to an operator.
    fn seen(center: &Center, name: &str) -> LoopView {
        let member = Member {
            id: MemberId::new(moment::now(), testkit::rows::unique()),
            person: PersonId::new(moment::now(), testkit::rows::unique()),
            tenant: None,
            login: "operator".into(),
            name: "operator".into(),
            role: Role::Operator,
            is_enabled: true,
            created_at: Timestamp::from_secs(0),
        };
        let caller = Caller { member, from: String::new(), once: None };
        let all = overview::loops(center, &caller).expect("operators may");
        all.into_iter().find(|known| known.name == name).expect("it was started")
    }

    fn wait_for(center: &Center, name: &str, state: LoopState) -> LoopView {
        let begun = Instant::now();
        loop {
            let known = seen(center, name);
            if known.state == state {
                return known;
            }
            assert!(begun.elapsed() < Duration::from_mins(1), "{known:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    async fn text_of_answer(answer: Response) -> String {
        let bytes = axum::body::to_bytes(answer.into_body(), 1 << 16).await.expect("it is short");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    #[test]
    fn a_loop_that_fails_is_seen_to_with_its_reason() {
        let folder = testkit::open_folder();
        let (center, sleepers) = center(folder.path());
        let threads = start(&center, sleepers, None).expect("threads start");
        let good = wait_for(&center, METER, LoopState::Done);
        assert_eq!((good.failures, good.is_late), (0, false));
        center.store.write(|tx| tx.execute(TAKE_AWAY, params![])).expect("it is there");
        let bad = wait_for(&center, METER, LoopState::Failing);
        assert!(bad.error.as_ref().is_some_and(|text| text.contains("no such table")), "{bad:?}");
        assert!(bad.failures > 0 && bad.failing_since.is_some());
        for name in [PLAN, WATCH] {
            assert_eq!(seen(&center, name).failures, 0);
        }
        center.begin_to_stop();
        for thread in threads {
            thread.join().expect("a loop does not panic");
        }
        assert_eq!(seen(&center, PLAN).error, None, "to end with the center is no fault");
    }

    #[tokio::test]
    async fn a_loop_that_panics_makes_the_center_unready() {
        let folder = testkit::open_folder();
        let (center, _sleepers) = center(folder.path());
        let fine = readyz(State(center.clone())).await;
        assert_eq!((fine.status(), text_of_answer(fine).await.as_str()), (StatusCode::OK, "ready\n"));

        let panics = |_: &Center| panic!("on purpose");
        let thread = spawn(&center, PLAN, Millis::from_secs(5), panics).expect("a thread starts");
        thread.join().expect("the panic is caught");
        let known = seen(&center, PLAN);
        assert_eq!(known.state, LoopState::Over);
        assert_eq!(known.error.as_deref(), Some("the loop panicked: on purpose"));
        let answer = readyz(State(center.clone())).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(text_of_answer(answer).await, "the loop `plan` is over: start the center anew\n");
    }
}
