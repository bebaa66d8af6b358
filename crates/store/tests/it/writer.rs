//! Group commit: many closures in one transaction, each undone alone.

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use store::{Store, StoreError, Tx, events, events::NewEvent};
use testkit::rows::{at, open};

const PATIENCE: Duration = Duration::from_mins(1);

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("center.db"));
    (dir, store)
}

fn event(n: u64) -> NewEvent {
    NewEvent { at: at(0), tenant: None, job: None, run: None, kind: "k".into(), data: n.into() }
}

fn append(tx: &Tx, n: u64) -> Result<i64, StoreError> {
    events::append(tx, &event(n))
}

fn numbers(store: &Store) -> Vec<u64> {
    let list = store.read(|tx| events::list_after(tx, 0, None, None, 100_000)).unwrap();
    list.into_iter().map(|event| event.event.data.as_u64().unwrap()).collect()
}

/// Keeps the writer busy until the barrier is passed, so that all closures submitted meanwhile are one batch.
fn hold(store: &Store) -> Arc<Barrier> {
    let (barrier, began) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (held, begins) = (Arc::clone(&barrier), Arc::clone(&began));
    store.submit(
        move |_| {
            begins.wait();
            held.wait();
            Ok::<_, StoreError>(())
        },
        |_| {},
    );
    began.wait();
    barrier
}

#[test]
fn a_closure_that_fails_or_panics_is_undone_alone() {
    let (_dir, store) = store();
    let (send, receive) = mpsc::channel();
    let barrier = hold(&store);
    for n in 0..60_u64 {
        let send = send.clone();
        store.submit(
            move |tx| {
                append(tx, n)?;
                append(tx, 1000 + n)?;
                match n % 5 {
                    3 => Err(StoreError::Invalid { what: "no".into() }),
                    4 => panic!("it was to be expected"),
                    _ => Ok(n),
                }
            },
            move |result| send.send((n, result)).unwrap(),
        );
    }
    barrier.wait();
    let mut kept = Vec::new();
    for n in 0..60 {
        let (told, result) = receive.recv_timeout(PATIENCE).unwrap();
        assert_eq!(told, n, "told in the order in which they came");
        match n % 5 {
            3 => assert_eq!(result, Err(StoreError::Invalid { what: "no".into() })),
            4 => assert_eq!(result, Err(StoreError::Panicked { message: "it was to be expected".into() })),
            _ => {
                assert_eq!(result, Ok(n));
                kept.extend([n, 1000 + n]);
            }
        }
    }
    assert_eq!(numbers(&store), kept);
    let stats = store.stats();
    assert_eq!((stats.closures, stats.failed, stats.panicked), (36 + 1, 24, 12));
    assert_eq!(
        (stats.commits, stats.largest_batch, stats.queued),
        (2, 60, 0),
        "one commit for all that waited"
    );
    assert_eq!(
        store.write(|tx| append(tx, 7)).unwrap(),
        i64::try_from(kept.len()).unwrap() + 1,
        "it lives on"
    );
}

#[test]
fn a_panic_in_what_is_told_hurts_nobody() {
    let (_dir, store) = store();
    store.submit(|tx| append(tx, 1), |_| panic!("in done"));
    store.write(|tx| append(tx, 2)).unwrap();
    assert_eq!(numbers(&store), [1, 2]);
}

#[test]
fn what_is_submitted_before_the_end_is_kept() {
    let (dir, store) = store();
    let told = Arc::new(AtomicU64::new(0));
    for n in 0..500 {
        let told = Arc::clone(&told);
        // For some of these the last store is dropped on the writer's own thread.
        let mine = store.clone();
        store.submit(
            move |tx| append(tx, n),
            move |result| {
                assert!(result.is_ok());
                told.fetch_add(1, Ordering::SeqCst);
                drop(mine);
            },
        );
    }
    drop(store);
    let began_at = std::time::Instant::now();
    let store = loop {
        match Store::open(&dir.path().join("center.db")) {
            Ok(store) => break store,
            Err(StoreError::AlreadyOpen { .. }) if began_at.elapsed() < PATIENCE => thread::yield_now(),
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(told.load(Ordering::SeqCst), 500);
    assert_eq!(numbers(&store).len(), 500);
}

#[test]
fn a_full_queue_refuses_and_a_blocking_write_waits() {
    let (_dir, store) = store();
    let limit = store.stats().queue_limit;
    let barrier = hold(&store);
    let (send, receive) = mpsc::channel();
    let submit = |n: u64| {
        let send = send.clone();
        store.submit(move |tx| append(tx, n), move |result| send.send(result.map(|_| n)).unwrap());
    };
    (0..limit).for_each(submit);
    assert_eq!(store.stats().queued, limit);
    assert!(receive.try_recv().is_err(), "nothing is told before it is done");
    submit(limit);
    let refused = receive.recv_timeout(PATIENCE).unwrap();
    assert_eq!(refused, Err(StoreError::Busy { limit: usize::try_from(limit).unwrap() }));
    assert_eq!(store.stats().refused, 1);
    let waiting = store.clone();
    let blocked = thread::spawn(move || waiting.write(move |tx| append(tx, limit + 1)));
    barrier.wait();
    assert!(blocked.join().unwrap().is_ok());
    let kept = numbers(&store);
    assert_eq!(kept.len(), usize::try_from(limit + 1).unwrap());
    assert!(kept.is_sorted(), "in the order in which they came");
}

#[test]
fn a_read_is_one_snapshot_and_changes_nothing() {
    let (_dir, store) = store();
    store.write(|tx| append(tx, 1)).unwrap();
    let (before, after) = store
        .read(|tx| {
            let before = events::latest_seq(tx)?;
            let writer = store.clone();
            thread::spawn(move || writer.write(|tx| append(tx, 2)).unwrap()).join().unwrap();
            Ok::<_, StoreError>((before, events::latest_seq(tx)?))
        })
        .unwrap();
    assert_eq!((before, after), (1, 1));
    assert_eq!(store.read(events::latest_seq), Ok(2));
    let refused = store.read(|tx| append(tx, 3)).unwrap_err();
    assert!(refused.to_string().contains("readonly"), "{refused}");
    assert_eq!(store.read(events::latest_seq), Ok(2));
}

#[test]
fn readers_come_back_after_errors_and_panics() {
    let (_dir, store) = store();
    store.write(|tx| append(tx, 1)).unwrap();
    // Far more reads fail than there are connections.
    for n in 0..200 {
        let failed = store.read(|tx| {
            events::latest_seq(tx)?;
            Err::<(), _>(StoreError::Invalid { what: n.to_string() })
        });
        assert!(failed.is_err());
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            store.read(|tx| {
                events::latest_seq(tx)?;
                assert!(n < 0, "a reader's panic");
                Ok::<_, StoreError>(())
            })
        }));
        assert!(caught.is_err());
    }
    assert_eq!(store.read(events::latest_seq), Ok(1));
}

#[test]
fn many_threads_read_and_write_at_once() {
    let (_dir, store) = store();
    let is_over = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..40)
        .map(|_| {
            let (store, is_over) = (store.clone(), Arc::clone(&is_over));
            thread::spawn(move || {
                let mut last = 0;
                while !is_over.load(Ordering::SeqCst) {
                    let latest = store.read(events::latest_seq).unwrap();
                    assert!(latest >= last, "what was seen stays");
                    last = latest;
                }
            })
        })
        .collect();
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            thread::spawn(move || {
                for n in 0..50 {
                    let seq = store.write(move |tx| append(tx, n)).unwrap();
                    assert!(store.read(events::latest_seq).unwrap() >= seq, "one's own writes are seen");
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    is_over.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.join().unwrap();
    }
    assert_eq!(store.read(events::latest_seq), Ok(400));
}
