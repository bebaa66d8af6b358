//! Jobs come back as they were kept, are counted, and are listed by any mix of filters.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    CardMs, CardSet, Job, JobId, JobState, JobStatus, MicroCny, Outcome, PoolId, ServiceClass, TenantDomain,
    Timestamp,
    job::{Dropped, JobOutcome, Positions, Tasks, Tries},
    run::StopCause,
    spec::{ArraySpec, IndexRange},
};
use proptest::prelude::*;
use store::{
    Store, StoreError, Tx,
    jobs::{self, JobCount, JobFilter, JobRow},
    runs,
};
use testkit::rows::{Seeded, at, job, list_jobs, open, run, seed, unique};

fn store() -> (tempfile::TempDir, Store, Seeded) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("center.db"));
    let center = seed(&store, 3, 1);
    (dir, store, center)
}

#[test]
fn a_job_comes_back_as_it_was_in_every_state() {
    let (_dir, store, center) = store();
    let mut job = job(&center.parties[0], "名字", at(5));
    job.spec.card_model = Some("ascend-910".into());
    job.spec.env.insert("SEED".into(), "7".into());
    job.spec.array =
        Some(ArraySpec { ranges: vec![IndexRange { first: 1, last: 9, step: 2 }], max_running: Some(2) });
    job.tasks = Tasks::new(job.spec.task_count());
    store
        .write(move |tx| {
            jobs::insert_job(tx, &job)?;
            let ended = |outcome| JobState::Ended { at: at(99), outcome };
            let mut states = vec![JobState::Queued, JobState::Running];
            states.extend(StopCause::ALL.map(|cause| JobState::Stopping { cause }));
            states.extend(JobOutcome::ALL.map(ended));
            for (n, state) in (1..).zip(states) {
                job.state = state;
                let counts =
                    Tasks { next: 6, to_retry: n, running: 1, succeeded: 2, failed: 3, ..Tasks::new(9) };
                job.tasks = Tasks { stopped: 4, ..counts };
                job.dropped = Dropped::default();
                // Where the state allows it, the last two are cancelled before their turn.
                let _ = job.drop_tasks(&Positions::new([(7, 8)]), 0, at(7));
                jobs::update_job_progress(tx, &job)?;
                assert_eq!(jobs::get_job(tx, job.id)?, job);
                assert_eq!(jobs::read_active(tx, |job| job.id)?.len(), usize::from(!state.has_ended()));
                let row = jobs::get_row(tx, job.id)?;
                assert_eq!((row.state, row.tasks, row.name.as_str()), (job.state, job.tasks, "名字"));
                assert_eq!(row.ended_at.is_some(), state.has_ended());
                let counts = jobs::count_by_state(tx, None)?;
                assert_eq!(counts, BTreeMap::from([(state.status(), 1)]));
            }
            assert!(matches!(jobs::insert_job(tx, &job), Err(StoreError::Conflict { .. })));
            let stranger = Job { id: JobId::new(at(6), unique()), ..job.clone() };
            assert!(matches!(
                jobs::update_job_progress(tx, &stranger),
                Err(StoreError::NotFound { noun: "job", .. })
            ));
            assert!(matches!(jobs::get_job(tx, stranger.id), Err(StoreError::NotFound { .. })));
            assert!(matches!(jobs::get_row(tx, stranger.id), Err(StoreError::NotFound { .. })));
            let homeless = Job { tenant: domain::TenantId::new(at(0), unique()), ..stranger };
            assert!(matches!(
                jobs::insert_job(tx, &homeless),
                Err(StoreError::NotFound { noun: "tenant", .. })
            ));
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

#[test]
fn use_adds_up_and_the_first_start_stays() {
    let (_dir, store, center) = store();
    let job = job(&center.parties[0], "j", at(5));
    store
        .write(move |tx| {
            jobs::insert_job(tx, &job)?;
            jobs::add_job_use(tx, job.id, CardMs(5), MicroCny(7), None)?;
            assert_eq!(jobs::get_row(tx, job.id)?.started_at, None);
            jobs::add_job_use(tx, job.id, CardMs(5), MicroCny(7), Some(at(20)))?;
            jobs::add_job_use(tx, job.id, CardMs(-2), MicroCny(-3), Some(at(10)))?;
            jobs::add_job_use(tx, job.id, CardMs(0), MicroCny(0), Some(at(30)))?;
            jobs::add_job_use(tx, job.id, CardMs(0), MicroCny(0), None)?;
            let row = jobs::get_row(tx, job.id)?;
            assert_eq!((row.used_card_ms, row.charge_micro_cny), (CardMs(8), MicroCny(11)));
            assert_eq!(row.started_at, Some(at(10)));
            let nobody = JobId::new(at(0), unique());
            assert!(jobs::add_job_use(tx, nobody, CardMs(0), MicroCny(0), None).is_err());
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

#[test]
fn tasks_to_be_tried_again_are_taken_once_lowest_first() {
    let (_dir, store, center) = store();
    let (job, other) = (job(&center.parties[0], "a", at(5)), job(&center.parties[0], "b", at(6)));
    store
        .write(move |tx| {
            jobs::insert_job(tx, &job)?;
            jobs::insert_job(tx, &other)?;
            for (task, attempt) in [(7, 2), (3, 3), (5, 4)] {
                jobs::push_retry(tx, job.id, task, attempt)?;
            }
            jobs::push_retry(tx, other.id, 1, 2)?;
            assert!(matches!(jobs::push_retry(tx, job.id, 7, 3), Err(StoreError::Conflict { .. })));
            assert_eq!(jobs::list_retries(tx, job.id)?, [(3, 3), (5, 4), (7, 2)]);
            assert_eq!(jobs::pop_retry(tx, job.id)?, Some((3, 3)));
            assert_eq!(jobs::pop_retry(tx, job.id)?, Some((5, 4)));
            assert_eq!(jobs::pop_retry(tx, job.id)?, Some((7, 2)));
            assert_eq!(jobs::pop_retry(tx, job.id)?, None);
            assert_eq!(jobs::list_retries(tx, other.id)?, [(1, 2)]);
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

/// Whether a row passes all filters, written as plainly as can be. All jobs here are of contracts for `pool`; those that
/// have begun ran there.
fn matches(row: &JobRow, filter: &JobFilter, pool: PoolId) -> bool {
    filter.tenant.is_none_or(|tenant| row.tenant == tenant)
        && (filter.projects.is_empty() || filter.projects.contains(&row.project))
        && filter.contract.is_none_or(|contract| row.contract == contract)
        && filter.domain.is_none_or(|domain| row.domain == domain)
        && (filter.states.is_empty() || filter.states.contains(&row.state.status()))
        && filter.submitted_by.is_none_or(|member| row.submitted_by == member)
        && filter.class.is_none_or(|class| row.class == class)
        && filter.since.is_none_or(|since| row.submitted_at >= since)
        && filter.until.is_none_or(|until| row.submitted_at < until)
        && filter.pool.is_none_or(|wanted| wanted == pool)
        && filter
            .name_contains
            .as_ref()
            .is_none_or(|name| row.name.to_lowercase().contains(&name.to_lowercase()))
}

/// The list, its pages and the count of a filter are what the plain filters give.
fn agrees(tx: &Tx, all: &[JobRow], filter: &JobFilter, pool: PoolId) -> Result<(), StoreError> {
    let wanted: Vec<_> = all.iter().filter(|row| matches(row, filter, pool)).cloned().collect();
    assert_eq!(list_jobs(tx, filter, None, 1000)?, wanted, "{filter:?}");
    let (mut paged, mut after) = (Vec::new(), None);
    loop {
        let page = jobs::page_jobs(tx, filter, after, 7)?;
        assert!(page.rows.len() <= 7);
        paged.extend(page.rows);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(paged, wanted, "{filter:?}");
    let count = JobCount { jobs: wanted.len() as u64, and_more: false };
    assert_eq!(jobs::count_jobs(tx, filter)?, count, "{filter:?}");
    Ok(())
}

#[test]
fn lists_agree_with_the_plain_filters_for_every_mix() {
    let (_dir, store, center) = store();
    let (parties, node) = (center.parties.clone(), center.nodes[0]);
    store
        .write(move |tx| {
            for n in 0..120_i64 {
                let party = &parties[usize::try_from(n % 3).unwrap()];
                let names = ["Train-数字", "evaluate", "train-voice", "ÄRGER"];
                let mut job = job(party, names[usize::try_from(n % 4).unwrap()], at(n));
                if n % 7 == 0 {
                    job.spec.service_class = ServiceClass::Spot;
                }
                jobs::insert_job(tx, &job)?;
                if n % 5 > 0 {
                    job.start_task(false).unwrap();
                    runs::insert_run(tx, &run(&job, node, CardSet::first(1), at(n)))?;
                    if n % 5 > 1 {
                        let outcome =
                            [Outcome::Succeeded, Outcome::TimedOut][usize::try_from(n % 2).unwrap()];
                        job.end_task(outcome, Tries::Lost(0), at(n + 50)).unwrap();
                    }
                    jobs::update_job_progress(tx, &job)?;
                }
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
    store
        .read(|tx| {
            let all = list_jobs(tx, &JobFilter::default(), None, 1000)?;
            assert_eq!(all.len(), 120);
            assert!(all.windows(2).all(|pair| pair[0].id > pair[1].id), "newest first");
            let (a, b) = (&center.parties[0], &center.parties[1]);
            let text = |text: &str| Some(text.to_owned());
            let of = |states: &[JobStatus]| states.iter().copied().collect::<BTreeSet<_>>();
            let some = JobFilter::default;
            let more = [
                some(),
                JobFilter { submitted_by: Some(b.member), ..some() },
                JobFilter { class: Some(ServiceClass::Spot), ..some() },
                JobFilter { since: Some(at(40)), until: Some(at(90)), ..some() },
                JobFilter { pool: Some(center.pool), until: Some(at(100)), ..some() },
                JobFilter { pool: Some(PoolId::new(at(0), unique())), ..some() },
            ];
            let mut mixes = 0;
            for tenant in [None, Some(a.tenant), Some(b.tenant)] {
                for projects in [vec![], vec![a.project], vec![a.project, b.project]] {
                    for contract in [None, Some(a.contract), Some(domain::ContractId::new(at(0), unique()))] {
                        for domain in [None, Some(TenantDomain::Research)] {
                            for states in [
                                of(&[]),
                                of(&[JobStatus::Queued]),
                                of(&[JobStatus::Queued, JobStatus::Running]),
                                of(&[JobStatus::Running, JobStatus::TimedOut]),
                                of(&[JobStatus::Lost]),
                            ] {
                                for name_contains in [None, text(""), text("TRAIN"), text("ärger")] {
                                    let extra = more[mixes % more.len()].clone();
                                    let (states, projects, more) =
                                        (states.clone(), projects.clone(), extra.clone());
                                    let filter = JobFilter {
                                        tenant,
                                        states,
                                        projects,
                                        contract,
                                        domain,
                                        name_contains,
                                        ..more
                                    };
                                    agrees(tx, &all, &filter, center.pool)?;
                                    agrees(tx, &all, &JobFilter { tenant, ..extra }, center.pool)?;
                                    mixes += 1;
                                }
                            }
                        }
                    }
                }
            }
            assert_eq!(mixes, 1080);
            assert_eq!(list_jobs(tx, &JobFilter::default(), Some(all[9].id), 3)?, all[10..13]);
            assert_eq!(list_jobs(tx, &JobFilter::default(), None, 0)?, []);
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

#[test]
fn a_bounded_search_says_from_where_to_go_on() {
    let (_dir, store, center) = store();
    let party = center.parties[0].clone();
    // More jobs than one page looks at.
    let count = 4_100_i64;
    store
        .write(move |tx| {
            for n in 0..count {
                jobs::insert_job(tx, &job(&party, if n == 3 { "needle" } else { "hay" }, at(n)))?;
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
    let filter = JobFilter {
        tenant: Some(center.parties[0].tenant),
        name_contains: Some("needle".into()),
        ..JobFilter::default()
    };
    store
        .read(|tx| {
            let page = jobs::page_jobs(tx, &filter, None, 10)?;
            assert_eq!(page.rows, []);
            assert_eq!(jobs::count_jobs(tx, &filter)?, JobCount { jobs: 0, and_more: true });
            let page = jobs::page_jobs(tx, &filter, page.next, 10)?;
            assert_eq!((page.rows.len(), page.next), (1, None));
            assert_eq!(list_jobs(tx, &filter, None, 10)?.len(), 1, "a list goes on by itself");
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn counts_are_those_of_the_jobs(steps in prop::collection::vec((0_usize..3, 0_usize..8, 0_u8..4), 1..60)) {
        let (_dir, store, center) = store();
        let parties = center.parties.clone();
        let (counts, by_tenant, rows) = store.write(move |tx| {
            let mut live: Vec<Job> = Vec::new();
            for (party, which, step) in steps {
                if step == 0 || live.is_empty() {
                    let new = job(&parties[party], "j", at(1));
                    jobs::insert_job(tx, &new)?;
                    live.push(new);
                    continue;
                }
                let which = which % live.len();
                let job = &mut live[which];
                // A step that is refused changes nothing.
                let _ = match step {
                    1 => job.start_task(false).is_ok(),
                    2 => job.end_task(Outcome::Succeeded, Tries::Lost(0), Timestamp::from_secs(9)).is_ok(),
                    _ => job.stop(StopCause::Cancelled, Timestamp::from_secs(9)).is_ok(),
                };
                jobs::update_job_progress(tx, job)?;
            }
            let by_tenant = jobs::count_by_state(tx, Some(parties[0].tenant))?;
            Ok::<_, StoreError>((jobs::count_by_state(tx, None)?, by_tenant, list_jobs(tx, &JobFilter::default(), None, 999)?))
        }).unwrap();
        let counted = |rows: &mut dyn Iterator<Item = &JobRow>| {
            let mut counted: BTreeMap<JobStatus, u64> = BTreeMap::new();
            rows.for_each(|row| *counted.entry(row.state.status()).or_default() += 1);
            counted
        };
        prop_assert_eq!(counts, counted(&mut rows.iter()));
        prop_assert_eq!(by_tenant, counted(&mut rows.iter().filter(|row| row.tenant == center.parties[0].tenant)));
    }
}
