//! Jobs that are submitted again and again while the center, or parts of its cluster, are being killed.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use serde_json::Value;
use ureq::Agent;

use crate::{Dice, http::ask, site::PATIENCE};

/// A job to submit, with whose token, and how long to pause after it.
#[derive(Debug)]
pub struct Submission {
    pub token: String,
    pub spec: Value,
    pub pause: Duration,
}

/// Threads that submit jobs, each job until the center has acknowledged it.
#[derive(Debug)]
pub struct Load {
    /// The address of the center, which changes when it is started again.
    pub url: Arc<Mutex<String>>,
    /// The specifications of the jobs that were acknowledged, by the job's id.
    acknowledged: Arc<Mutex<BTreeMap<String, Value>>>,
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// `make` makes the next job from the dice and a number that no other job gets.
    pub fn start(
        threads: u64,
        seed: u64,
        url: &str,
        make: impl Fn(&mut Dice, u64) -> Submission + Clone + Send + 'static,
    ) -> Self {
        let mut load = Self {
            url: Arc::new(Mutex::new(url.to_owned())),
            acknowledged: Arc::default(),
            is_over: Arc::default(),
            threads: Vec::new(),
        };
        let count = Arc::new(AtomicU64::new(0));
        for thread in 1..=threads {
            let (url, acknowledged) = (Arc::clone(&load.url), Arc::clone(&load.acknowledged));
            let (is_over, count, make) = (Arc::clone(&load.is_over), Arc::clone(&count), make.clone());
            load.threads.push(std::thread::spawn(move || {
                let mut dice = Dice::new(seed ^ thread);
                while !is_over.load(Ordering::SeqCst) {
                    let Submission { token, spec, pause } =
                        make(&mut dice, count.fetch_add(1, Ordering::SeqCst));
                    let id = submit(&url, &token, &spec);
                    acknowledged.lock().expect("no thread has panicked").insert(id, spec);
                    // Without a pause there would be more than the cards can take, and the queue would only
                    // grow.
                    std::thread::sleep(pause);
                }
            }));
        }
        load
    }

    /// How many jobs were acknowledged so far.
    pub fn count(&self) -> usize {
        self.acknowledged.lock().expect("no thread has panicked").len()
    }

    /// Submits no more. Returns the specifications of the jobs that were acknowledged, by the job's id.
    pub fn end(self) -> BTreeMap<String, Value> {
        self.is_over.store(true, Ordering::SeqCst);
        for thread in self.threads {
            thread.join().expect("the thread has not panicked");
        }
        std::mem::take(&mut *self.acknowledged.lock().expect("no thread has panicked"))
    }
}

/// Sends a job with the same key until it is answered: there is one job, whatever was lost on the way.
fn submit(url: &Mutex<String>, token: &str, spec: &Value) -> String {
    // Where several jobs have one name, each has a comment of its own.
    let unique = spec["comment"].as_str().or(spec["name"].as_str());
    let key = unique.expect("a job of a load has a name");
    match ask_until_answered(url, "POST", "/api/v1/jobs", token, Some(spec), Some(key)) {
        (201, answer) => answer["id"].as_str().expect("an id").to_owned(),
        (status, answer) => panic!("{status} {answer}"),
    }
}

/// Asks a center that is killed now and then until it answers: the status and the answer. A change is asked for with the
/// same key each time, and so done once.
pub fn ask_until_answered(
    url: &Mutex<String>,
    method: &str,
    path: &str,
    token: &str,
    body: Option<&Value>,
    key: Option<&str>,
) -> (u16, Value) {
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(20)))
        .build()
        .into();
    let key: Vec<(&str, &str)> = key.map(|key| ("Idempotency-Key", key)).into_iter().collect();
    let until = Instant::now() + PATIENCE;
    loop {
        let url = url.lock().expect("no thread has panicked").clone();
        match ask(&agent, &url, method, path, token, body, &key) {
            Ok((status, _)) if status == 429 || status >= 500 => {}
            Ok(answered) => return answered,
            Err(_) => {}
        }
        assert!(Instant::now() < until, "the center does not come back");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A job's name, and the exit code that its specification tells its script to end with.
pub fn expected(spec: &Value) -> (&str, i64) {
    let code = spec["env"]["CODE"].as_str().and_then(|code| code.parse().ok());
    (spec["name"].as_str().expect("a name"), code.expect("a code"))
}
