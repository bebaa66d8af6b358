//! Runs come back as they were kept, and their occupancies close the capacity balance.

use std::collections::BTreeSet;

use domain::{
    CardMs, CardSet, Job, JobId, JobSpec, MicroCny, Millis, Outcome, Placement, Run, RunId, RunState,
    RunStatus, Timestamp, capacity,
    capacity::Purpose,
    metering::Metered,
    node::Slot,
    run::{Stop, StopCause},
};
use proptest::prelude::*;
use store::{Store, StoreError, digits, history, jobs, pools, recent, runs};
use testkit::rows::{Seeded, at, job, open, run, seed, unique};

fn store() -> (tempfile::TempDir, Store, Seeded) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("center.db"));
    let center = seed(&store, 2, 2);
    (dir, store, center)
}

#[test]
fn a_run_comes_back_as_it_was_in_every_state() {
    let (_dir, store, center) = store();
    let job = job(&center.parties[0], "j", at(0));
    store
        .write(move |tx| {
            jobs::insert_job(tx, &job)?;
            let planned_at = at(1);
            let stop = Some(Stop { cause: StopCause::Preempted, at: at(4) });
            let ended = |started_at, outcome| RunState::Ended {
                planned_at,
                started_at,
                ended_at: at(9),
                charged_until: at(8),
                outcome,
            };
            let mut states = vec![
                RunState::Starting { planned_at, stop: None },
                RunState::Starting { planned_at, stop },
                RunState::Running { planned_at, started_at: at(2), stop: None },
                RunState::Running { planned_at, started_at: at(2), stop },
                ended(None, Outcome::FailedToStart),
            ];
            for outcome in [
                Outcome::Succeeded,
                Outcome::Failed { exit_code: -3 },
                Outcome::Signaled { signal: 9 },
                Outcome::TimedOut,
                Outcome::Lost,
                Outcome::Stopped { cause: StopCause::BalanceEnded },
            ] {
                states.push(ended(Some(at(2)), outcome));
            }
            for (task, state) in (0..).zip(&states) {
                let placement = Placement(vec![
                    Slot { node: center.nodes[1], cards: CardSet::from_bits(u64::MAX) },
                    Slot { node: center.nodes[0], cards: CardSet::only(63) },
                ]);
                let fresh = Run {
                    task,
                    placement,
                    is_granted: task % 2 == 0,
                    ..run(&job, center.nodes[0], CardSet::first(1), planned_at)
                };
                // One run is kept in that state at once, another is brought to it.
                let at_once =
                    Run { id: RunId::new(at(0), unique()), attempt: 2, state: *state, ..fresh.clone() };
                runs::insert_run(tx, &at_once)?;
                assert_eq!(runs::get_run(tx, at_once.id)?.run, at_once);
                runs::insert_run(tx, &fresh)?;
                let brought = Run { state: *state, ..fresh };
                runs::update_run_state(tx, &brought)?;
                runs::set_metered(tx, brought.id, Metered { used: CardMs(5), charged: MicroCny(6) })?;
                let kept = runs::get_run(tx, brought.id)?;
                assert_eq!(kept.run, brought);
                assert_eq!(kept.metered, Metered { used: CardMs(5), charged: MicroCny(6) });
                if state.has_ended() {
                    runs::update_run_state(tx, &brought)?;
                    let other = Run { state: ended(None, Outcome::Lost), ..brought.clone() };
                    assert!(matches!(runs::update_run_state(tx, &other), Err(StoreError::Conflict { .. })));
                    assert_eq!(runs::get_run(tx, brought.id)?.run, brought, "an end is never rewritten");
                }
            }
            let active = runs::list_active(tx)?;
            assert_eq!(active.len(), 8);
            assert_eq!(recent::active_runs(tx, job.id)?, active);
            let all = runs::list_runs(tx, job.id, None, 100)?;
            assert_eq!(all.len(), 2 * states.len());
            assert!(all.windows(2).all(|pair| pair[0].run.id < pair[1].run.id), "oldest first");
            assert_eq!(runs::list_runs(tx, job.id, Some(all[3].run.id), 2)?, all[4..6]);
            assert_eq!(recent::latest_run(tx, job.id)?.as_ref(), all.last());
            assert_eq!(recent::runs_before(tx, job.id, Some(all[3].run.id), 1)?, all[2..3]);
            let again = Run { id: RunId::new(at(8), unique()), ..all[0].run.clone() };
            assert_eq!(
                runs::insert_run(tx, &again),
                Err(StoreError::Conflict { what: "this attempt of the task".into() })
            );
            assert!(matches!(runs::get_run(tx, again.id), Err(StoreError::NotFound { noun: "run", .. })));
            assert!(matches!(runs::update_run_state(tx, &again), Err(StoreError::NotFound { .. })));
            assert!(runs::set_metered(tx, again.id, Metered::default()).is_err());
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_occupancies_of_an_interval_are_those_of_the_runs_that_touch_it(
        stays in prop::collection::vec((0_i64..1_000_000, 0_i64..500_000, 0_u8..5), 0..30),
        from in 0_i64..1_000_000, length in 1_i64..500_000,
    ) {
        let (_dir, store, center) = store();
        let us = |us: i64| Timestamp::from_micros(at(0).as_micros() + us);
        let (from, until) = (us(from), us(from + length));
        let (mut wanted, mut all) = (Vec::new(), Vec::new());
        let job = job(&center.parties[0], "j", at(0));
        for (task, (start, took, kind)) in (0..).zip(&stays) {
            let (planned_at, started_at, ended_at) = (us(*start), us(*start), us(start + took));
            let ended = |outcome| RunState::Ended { planned_at, started_at: Some(started_at), ended_at, charged_until: ended_at, outcome };
            let (state, purpose, until_at) = match kind {
                0 => (ended(Outcome::Succeeded), Purpose::Sold, Some(ended_at)),
                1 => (ended(Outcome::TimedOut), Purpose::Granted, Some(ended_at)),
                2 => (ended(Outcome::Stopped { cause: StopCause::Preempted }), Purpose::Sold, Some(ended_at)),
                3 => (RunState::Running { planned_at, started_at, stop: None }, Purpose::Sold, None),
                _ => (RunState::Starting { planned_at, stop: None }, Purpose::Sold, None),
            };
            let node = center.nodes[usize::from(*kind) % 2];
            let run = Run { task, state, is_granted: purpose == Purpose::Granted, ..run(&job, node, CardSet::first(3), planned_at) };
            all.push(run);
            if *kind < 4 && started_at < until && until_at.is_none_or(|end| end > from) {
                wanted.push((node, started_at, until_at, purpose));
            }
        }
        let mut found: Vec<_> = store.write(move |tx| {
            jobs::insert_job(tx, &job)?;
            for run in &all {
                runs::insert_run(tx, run)?;
            }
            runs::occupancies_between(tx, from, until)
        }).unwrap().into_iter().map(|o| (o.node, o.from, o.until, o.purpose)).collect();
        let key = |item: &(domain::NodeId, Timestamp, Option<Timestamp>, Purpose)| (item.1, item.2, item.0);
        found.sort_by_key(key);
        wanted.sort_by_key(key);
        prop_assert_eq!(found, wanted);
    }
}

#[test]
fn the_capacity_balance_closes_over_what_is_kept() {
    let (_dir, store, center) = store();
    let (stretches, occupancies) = store
        .write(move |tx| {
            let job = job(&center.parties[0], "j", at(0));
            jobs::insert_job(tx, &job)?;
            for task in 0..40_u32 {
                let card = u8::try_from(task % 8).unwrap();
                let from = i64::from(task / 8) * 100;
                let mut fresh = run(&job, center.nodes[0], CardSet::only(card), at(from));
                fresh.state = fresh.state.start(at(from + 3)).unwrap();
                if task < 36 {
                    fresh.end(at(from + 80), None, Outcome::Succeeded).unwrap();
                }
                runs::insert_run(tx, &Run { task, ..fresh })?;
            }
            let drained = domain::NodeState::Drained { reason: "r".into() };
            pools::set_node_state(tx, center.nodes[0], &drained, at(444), "r")?;
            let stretches = pools::stretches_between(tx, at(50), at(600))?;
            Ok::<_, StoreError>((stretches, runs::occupancies_between(tx, at(50), at(600))?))
        })
        .unwrap();
    let balance = capacity::balance(&stretches, &occupancies, at(50), at(600));
    assert!(balance.closes(), "{balance:?}");
    assert_eq!(balance.capacity_card_ms, CardMs(16 * 550 * 1000));
    assert_eq!(balance.sold_card_ms, CardMs((8 * 30 + 24 * 77 + 4 * 77 + 4 * 197) * 1000));
}

#[test]
fn what_was_run_comes_back_newest_first_and_each_task_once() {
    let (_dir, store, center) = store();
    let job = Job {
        spec: JobSpec { time_limit_ms: Some(Millis(7000)), ..job(&center.parties[0], "j", at(0)).spec },
        ..job(&center.parties[0], "j", at(0))
    };
    store
        .write(move |tx| {
            jobs::insert_job(tx, &job)?;
            // Task 0 was run twice, task 1 is still running, task 2 never started, task 3 is done.
            for (task, attempt, started_at, ended_at) in [
                (0, 1, Some(10), Some(20)),
                (0, 2, Some(30), Some(90)),
                (1, 1, Some(40), None),
                (2, 1, None, Some(50)),
                (3, 1, Some(60), Some(70)),
            ] {
                let started_at = started_at.map(at);
                let planned_at = at(5);
                let state = match (started_at, ended_at.map(at)) {
                    (started_at, Some(ended_at)) => RunState::Ended {
                        planned_at,
                        started_at,
                        ended_at,
                        charged_until: ended_at,
                        outcome: Outcome::Succeeded,
                    },
                    (Some(started_at), None) => RunState::Running { planned_at, started_at, stop: None },
                    (None, None) => RunState::Starting { planned_at, stop: None },
                };
                let fresh = run(&job, center.nodes[0], CardSet::first(task + 1), planned_at);
                let of = Run { task: u32::from(task), attempt, state, ..fresh };
                runs::insert_run(tx, &of)?;
            }
            let past = |from: i64, limit| {
                let mut found = Vec::new();
                history::past_runs(tx, at(from), limit, |run| found.push(run))?;
                Ok::<_, StoreError>(found)
            };
            let all = past(0, 9)?;
            let seen: Vec<_> =
                all.iter().map(|run| (run.task, run.cards, run.started_at, run.ended_at)).collect();
            assert_eq!(seen, [(3, 4, at(60), at(70)), (0, 1, at(30), at(90))]);
            assert_eq!((all[0].submitted_at, all[0].time_limit), (at(0), Some(Millis(7000))));
            assert_eq!(
                (all[0].contract, all[0].submitted_by),
                (center.parties[0].contract, center.parties[0].member)
            );
            assert_eq!((past(0, 1)?.len(), past(31, 9)?.len(), past(61, 9)?.len()), (1, 1, 0));
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

#[test]
fn the_runs_that_failed_are_first_and_pages_add_up() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("center.db"));
    let center = seed(&store, 1, 1);
    let (party, node) = (center.parties[0].clone(), center.nodes[0]);
    store
        .write(move |tx| {
            let job = job(&party, "array", at(0));
            jobs::insert_job(tx, &job)?;
            let outcome = |task: u32| match task {
                17 => Some(Outcome::Failed { exit_code: 3 }),
                40 => Some(Outcome::TimedOut),
                41 => Some(Outcome::Lost),
                // Two run.
                50 | 51 => None,
                52 => Some(Outcome::Stopped { cause: StopCause::Cancelled }),
                _ => Some(Outcome::Succeeded),
            };
            for task in 0..60 {
                let mut one = Run { task, ..run(&job, node, CardSet::first(1), at(1)) };
                one.state = one.state.start(at(2)).unwrap();
                if let Some(outcome) = outcome(task) {
                    one.end(at(3), None, outcome).unwrap();
                }
                runs::insert_run(tx, &one)?;
            }
            let all = BTreeSet::new();
            let first = runs::of_job::first_failed(tx, job.id)?.unwrap();
            assert_eq!(
                (first.run.task, first.run.state.outcome()),
                (17, Some(Outcome::Failed { exit_code: 3 }))
            );
            let (mut tasks, mut after) = (Vec::new(), None);
            loop {
                let (page, next) = runs::of_job::by_state(tx, job.id, &all, after, 7)?;
                assert!(page.len() <= 7);
                tasks.extend(page.iter().map(|row| row.run.task));
                let Some(next) = next else { break };
                after = Some(next.to_string().parse().unwrap());
            }
            assert_eq!(tasks[..6], [17, 40, 41, 50, 51, 52]);
            assert_eq!(tasks.len(), 60);
            assert_eq!(tasks.iter().collect::<BTreeSet<_>>().len(), 60, "none twice");
            assert!(tasks[6..].is_sorted(), "those that ended well by task");
            let of = |states: &[RunStatus]| states.iter().copied().collect::<BTreeSet<_>>();
            let some = of(&[RunStatus::Running, RunStatus::TimedOut]);
            let (page, next) = runs::of_job::by_state(tx, job.id, &some, None, 9)?;
            assert_eq!(page.iter().map(|row| row.run.task).collect::<Vec<_>>(), [40, 50, 51]);
            assert_eq!((next, runs::of_job::count(tx, job.id, &some)?), (None, (3, false)));
            assert_eq!(runs::of_job::count(tx, job.id, &all)?, (60, false));
            assert_eq!(runs::of_job::of_task(tx, job.id, 40, 5)?.len(), 1);
            for wrong in ["", "1-2", "9-1-1", "1-2-3-4", "x-1-1"] {
                assert!(wrong.parse::<runs::of_job::Place>().is_err(), "{wrong}");
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

#[test]
fn jobs_are_found_by_the_first_and_the_last_digits_of_their_ids() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("center.db"));
    let center = seed(&store, 2, 1);
    let (a, b) = (center.parties[0].clone(), center.parties[1].clone());
    store
        .write(move |tx| {
            let named = |last: [u8; 4]| {
                let mut random = [7; 10];
                random[6..].copy_from_slice(&last);
                Job { id: JobId::new(at(0), random), ..job(&a, "j", at(0)) }
            };
            let (one, two) = (named([0xde, 0xad, 0xbe, 0xef]), named([0x0e, 0xad, 0xbe, 0xef]));
            let of_other = Job { id: JobId::new(at(90), [9; 10]), ..job(&b, "k", at(90)) };
            for job in [&one, &two, &of_other] {
                jobs::insert_job(tx, job)?;
            }
            let find = |digits: &str| digits::find_jobs(tx, Some(a.tenant), digits, 5);
            assert_eq!(find("deadbeef")?, [one.id]);
            assert_eq!(find("DEADBEEF")?, [one.id], "in upper or lower case");
            assert_eq!(find("0eadbeef")?, [two.id]);
            assert_eq!(find("adbeef")?.len(), 2);
            assert_eq!(find("eadbeef")?.len(), 2, "an odd number of digits");
            assert_eq!(find("dbeef")?.len(), 2);
            let whole = one.id.to_string()[4..].to_owned();
            assert_eq!(find(&whole)?, [one.id]);
            assert_eq!(find(&whole[..12])?.len(), 2, "the first are the time");
            assert_eq!(find(&of_other.id.to_string()[4..])?, [], "another tenant's is not there");
            for nothing in ["", "eef", "xyzw", "deadbeee", &format!("{whole}0")] {
                assert_eq!(find(nothing)?, [], "{nothing}");
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
}
