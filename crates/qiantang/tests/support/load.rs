//! A load of jobs that goes on while what it is put on is being killed.

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

use super::{PATIENCE, ask};

/// Numbers that look random; the seed is told, so that a failure can be had again.
pub struct Dice(pub u64);

impl Dice {
    /// By the clock; prints it.
    pub fn by_the_clock() -> Self {
        let seed = u64::try_from(base::moment::now().as_micros()).expect("after 1970") | 1;
        println!("seed {seed}");
        Self(seed)
    }

    pub fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[usize::try_from(self.below(of.len() as u64)).expect("small")]
    }
}

/// A job to hand in, by whose token, and how long to wait after it.
pub struct Ask {
    pub token: String,
    pub spec: Value,
    pub pause: Duration,
}

/// Threads that hand in jobs, each until the center has acknowledged it.
pub struct Load {
    /// Where the center is now.
    pub url: Arc<Mutex<String>>,
    /// The specifications, by the job's id.
    pub acknowledged: Arc<Mutex<BTreeMap<String, Value>>>,
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// `make` gives the next job; its number is never the same.
    pub fn start(
        threads: u64,
        seed: u64,
        url: &str,
        make: impl Fn(&mut Dice, u64) -> Ask + Clone + Send + 'static,
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
                let mut dice = Dice(seed ^ thread.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                while !is_over.load(Ordering::SeqCst) {
                    let Ask { token, spec, pause } = make(&mut dice, count.fetch_add(1, Ordering::SeqCst));
                    let id = hand_in(&url, &token, &spec);
                    acknowledged.lock().expect("acknowledged").insert(id, spec);
                    // More than the cards can take would only make the queue long.
                    std::thread::sleep(pause);
                }
            }));
        }
        load
    }

    pub fn count(&self) -> usize {
        self.acknowledged.lock().expect("acknowledged").len()
    }

    /// Hands in no more; gives what was acknowledged.
    pub fn end(self) -> BTreeMap<String, Value> {
        self.is_over.store(true, Ordering::SeqCst);
        for thread in self.threads {
            thread.join().expect("a submitter that did not fail");
        }
        std::mem::take(&mut *self.acknowledged.lock().expect("acknowledged"))
    }
}

/// Sent again with the same key until it is answered: one job, whatever was lost on the way.
fn hand_in(url: &Mutex<String>, token: &str, spec: &Value) -> String {
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(20)))
        .build()
        .into();
    // What no other job has: where several have one name, their comment.
    let own = spec["comment"].as_str().or(spec["name"].as_str());
    let key = [("Idempotency-Key", own.expect("a name"))];
    let until = Instant::now() + PATIENCE;
    loop {
        let url = url.lock().expect("a url").clone();
        match ask(&agent, &url, "POST", "/api/v1/jobs", token, Some(spec), &key) {
            Ok((201, answer)) => return answer["id"].as_str().expect("an id").to_owned(),
            Ok((status, answer)) => assert!(status == 429 || status >= 500, "{status} {answer}"),
            Err(_) => {}
        }
        assert!(Instant::now() < until, "the center does not come back");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A job's name and the exit code that its specification tells its script to end with.
pub fn expected(spec: &Value) -> (&str, i64) {
    let code = spec["env"]["CODE"].as_str().and_then(|code| code.parse().ok());
    (spec["name"].as_str().expect("a name"), code.expect("a code"))
}
