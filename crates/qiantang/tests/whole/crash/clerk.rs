//! Somebody who keeps the center's books while it is killed: books payments, corrects what was booked, closes the month.
//! Each act is asked for until it is answered, so that every one of them is done once or was refused.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use domain::Month;
use serde_json::{Value, json};
use testkit::{Dice, Site, Tenant, load::ask_until_answered};

/// The acts that the center has acknowledged.
#[derive(Debug, Default)]
pub struct Acknowledged {
    /// Amounts by reference.
    pub payments: BTreeMap<String, i64>,
    /// Kinds and amounts of the corrections that were booked, by id.
    pub booked: BTreeMap<String, (&'static str, i64)>,
    /// Corrections that were decided against.
    pub refused: BTreeSet<String>,
}

pub struct Clerk {
    thread: JoinHandle<Acknowledged>,
    is_over: Arc<AtomicBool>,
    is_closed: Arc<AtomicBool>,
}

impl Clerk {
    /// Works on the contracts of two tenants, and closes `month` once it has ended.
    pub fn start(
        site: &Site,
        url: Arc<Mutex<String>>,
        seed: u64,
        tenants: [&Tenant; 2],
        month: Month,
    ) -> Self {
        let [is_over, is_closed]: [Arc<AtomicBool>; 2] = Default::default();
        let contracts = tenants.map(|tenant| tenant.contract.clone());
        let mut desk = Desk {
            url,
            token: site.operator.clone(),
            dice: Dice::new(seed),
            contracts,
            month,
            acts: 0,
            open: BTreeSet::new(),
            done: Acknowledged::default(),
        };
        let (over, closed) = (Arc::clone(&is_over), Arc::clone(&is_closed));
        let thread = std::thread::spawn(move || {
            while !over.load(Ordering::SeqCst) {
                desk.act();
                if !closed.load(Ordering::SeqCst) && desk.close() {
                    closed.store(true, Ordering::SeqCst);
                }
                std::thread::sleep(Duration::from_millis(desk.dice.below(40)));
            }
            desk.done
        });
        Self { thread, is_over, is_closed }
    }

    /// The month is closed.
    pub fn has_closed(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst)
    }

    /// Fails where the clerk did.
    pub fn is_at_work(&self) -> bool {
        !self.thread.is_finished()
    }

    pub fn end(self) -> Acknowledged {
        self.is_over.store(true, Ordering::SeqCst);
        self.thread.join().expect("the thread has not panicked")
    }
}

struct Desk {
    url: Arc<Mutex<String>>,
    token: String,
    dice: Dice,
    contracts: [String; 2],
    month: Month,
    acts: u64,
    /// Payments that were not taken back.
    open: BTreeSet<String>,
    done: Acknowledged,
}

impl Desk {
    /// Nothing where it was done and the answer went with a kill.
    fn post(&mut self, path: &str, body: &Value) -> Option<(u16, Value)> {
        self.acts += 1;
        let key = format!("act-{}", self.acts);
        let (status, answer) =
            ask_until_answered(&self.url, "POST", path, &self.token, Some(body), Some(&key));
        (answer["code"] != "idempotency_answer_lost").then_some((status, answer))
    }

    fn get(&self, path: &str) -> Value {
        let (status, answer) = ask_until_answered(&self.url, "GET", path, &self.token, None, None);
        assert_eq!(status, 200, "{answer}");
        answer
    }

    fn act(&mut self) {
        match self.dice.below(6) {
            0 | 1 => self.pay(),
            2 => self.correct("credit_note", &self.month.to_string(), None),
            3 => self.correct("allowance", &self.month.to_string(), None),
            4 => {
                let [from, to] = [0, 1].map(|at| self.contracts[at].clone());
                self.correct("transfer", &from, Some(&to));
            }
            _ => self.reverse(),
        }
    }

    fn pay(&mut self) {
        let amount = 1_000_000 + i64::try_from(self.dice.below(1_000_000)).expect("it is small");
        let reference = format!("icbc-{}", self.acts);
        let body = json!({ "amount_micro_cny": amount, "reference": reference });
        let path = format!("/api/v1/contracts/{}/top-up", self.contracts[0]);
        if let Some((status, answer)) = self.post(&path, &body) {
            assert_eq!((status, &answer["booked"]), (200, &json!(true)), "{answer}");
        }
        // The same once more, as one who is not sure would ask.
        if let Some((status, again)) = self.post(&path, &body) {
            assert_eq!((status, &again["booked"]), (200, &json!(false)), "{again}");
        }
        self.done.payments.insert(reference.clone(), amount);
        self.open.insert(reference);
    }

    fn correct(&mut self, kind: &'static str, corrects: &str, to: Option<&str>) {
        let amount = 1 + i64::try_from(self.dice.below(999)).expect("it is small");
        if let Some(id) = self.propose(kind, amount, corrects, to) {
            self.decide(&id, kind, amount);
        }
    }

    /// Takes a payment back, once.
    fn reverse(&mut self) {
        let Some(reference) = self.open.first().cloned() else { return };
        let amount = self.done.payments[&reference];
        let id = self.propose("reversal", amount, &reference, None);
        let id = id.expect("a payment that was not taken back can be");
        assert_eq!(self.propose("reversal", amount, &reference, None), None, "it is taken back twice");
        if self.decide(&id, "reversal", amount) {
            self.open.remove(&reference);
        }
    }

    /// The id of the proposal; nothing where there is no such amount yet.
    fn propose(
        &mut self,
        kind: &'static str,
        amount: i64,
        corrects: &str,
        to: Option<&str>,
    ) -> Option<String> {
        let reason = format!("typed wrongly, {}", self.acts);
        let body = json!({ "kind": kind, "contract": self.contracts[0], "to_contract": to,
            "amount_micro_cny": amount, "corrects": corrects, "reason": reason });
        let proposal = match self.post("/api/v1/corrections", &body) {
            Some((201, answer)) => answer,
            Some((422, _)) => return None,
            Some((status, answer)) => panic!("{status} {answer}"),
            None => {
                let all = self.get("/api/v1/corrections");
                let found =
                    all["items"].as_array().expect("corrections").iter().find(|one| one["reason"] == reason);
                found.expect("it was proposed").clone()
            }
        };
        Some(proposal["id"].as_str().expect("an id").to_owned())
    }

    /// Books most and refuses some. Says whether it was booked.
    fn decide(&mut self, id: &str, kind: &'static str, amount: i64) -> bool {
        let is_booked = self.dice.below(5) > 0;
        let path = format!("/api/v1/corrections/{id}/decide");
        let answer = match self.post(&path, &json!({ "book": is_booked, "note": "looked at" })) {
            Some((200, answer)) => answer,
            Some((status, answer)) => panic!("{status} {answer}"),
            None => self.get(&format!("/api/v1/corrections/{id}")),
        };
        assert_eq!(answer["state"], if is_booked { "booked" } else { "refused" }, "{answer}");
        let again = self.post(&path, &json!({ "book": true }));
        assert!(again.as_ref().is_some_and(|(status, _)| *status == 409), "it is decided twice: {again:?}");
        if is_booked {
            self.done.booked.insert(id.to_owned(), (kind, amount));
        } else {
            self.done.refused.insert(id.to_owned());
        }
        is_booked
    }

    /// Closes the month, if that may be; without a key, so that each time it is tried anew.
    fn close(&self) -> bool {
        let path = format!("/api/v1/periods/{}/close", self.month);
        let (status, answer) = ask_until_answered(&self.url, "POST", &path, &self.token, None, None);
        match (status, answer["code"].as_str()) {
            (200, _) | (409, Some("period_closed")) => true,
            // Where nothing is in the books yet there is no month.
            (409, Some("period_goes_on" | "period_incomplete")) | (404, Some("not_found")) => false,
            _ => panic!("{status} {answer}"),
        }
    }
}
