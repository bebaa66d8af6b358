//! The programs that wait for somebody to let them in. They are in memory alone: none waits for long.

use std::collections::HashMap;

use base::auth::credentials::{self, Hash};
use domain::{MemberId, Millis, Timestamp};
use parking_lot::Mutex;

use super::rule::{AGE_S, INTERVAL_S, MOST_WAITING};

/// A program that asks, as the person sees it who is to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub client: String,
    /// What it says of its machine.
    pub machine: String,
    /// The address that it asked from.
    pub from: String,
    pub asked_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Allowed(MemberId),
    Denied,
}

/// What a program hears that asks whether it has been let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// There is no such program, or it has heard its answer.
    Unknown,
    Expired,
    Pending,
    /// It asked too early, and leaves five seconds more from now on.
    SlowDown,
    Denied,
    Allowed(MemberId, Program),
}

#[derive(Debug)]
struct Waits {
    program: Program,
    user_code: String,
    interval_s: i64,
    heard_at: Timestamp,
    answer: Option<Answer>,
}

impl Waits {
    fn is_over(&self, now: Timestamp) -> bool {
        now.since(self.program.asked_at).0 >= AGE_S * 1000
    }
}

/// By the hash of the code that the program alone has.
#[derive(Debug, Default)]
pub struct Waiting(Mutex<HashMap<Hash, Waits>>);

impl Waiting {
    /// One more waits, under codes that nobody has; false where too many do.
    pub fn add(&self, device_code: &str, user_code: &str, program: Program) -> bool {
        let mut all = self.0.lock();
        let now = program.asked_at;
        // Who asks late hears that its time is over, for as long again.
        all.retain(|_, waits| now.since(waits.program.asked_at).0 < 2 * AGE_S * 1000);
        if all.len() >= MOST_WAITING {
            all.retain(|_, waits| !waits.is_over(now));
        }
        if all.len() >= MOST_WAITING || all.values().any(|waits| waits.user_code == user_code) {
            return false;
        }
        let waits = Waits {
            program,
            user_code: user_code.to_owned(),
            interval_s: INTERVAL_S,
            heard_at: now.plus(Millis::from_secs(-INTERVAL_S)),
            answer: None,
        };
        all.insert(credentials::hash(device_code), waits);
        true
    }

    /// The program with that code which waits for an answer.
    pub fn look(&self, user_code: &str, now: Timestamp) -> Option<Program> {
        let all = self.0.lock();
        let open =
            |waits: &&Waits| waits.user_code == user_code && waits.answer.is_none() && !waits.is_over(now);
        all.values().find(open).map(|waits| waits.program.clone())
    }

    /// Answers the program with that code; says whether it waited for an answer.
    pub fn answer(&self, user_code: &str, now: Timestamp, answer: Answer) -> bool {
        let mut all = self.0.lock();
        let open = |waits: &&mut Waits| {
            waits.user_code == user_code && waits.answer.is_none() && !waits.is_over(now)
        };
        let found = all.values_mut().find(open);
        found.map(|waits| waits.answer = Some(answer)).is_some()
    }

    /// The answer to the program with that code of its own. One that lets it in, or not, it hears once.
    pub fn hear(&self, device_code: &str, now: Timestamp) -> Heard {
        let mut all = self.0.lock();
        let hash = credentials::hash(device_code);
        let Some(waits) = all.get_mut(&hash) else { return Heard::Unknown };
        if waits.is_over(now) {
            return Heard::Expired;
        }
        let is_early = now.since(waits.heard_at).0 < waits.interval_s * 1000;
        waits.heard_at = now;
        if is_early {
            waits.interval_s += INTERVAL_S;
            return Heard::SlowDown;
        }
        let Some(answer) = waits.answer else { return Heard::Pending };
        let program = all.remove(&hash).map(|waits| waits.program);
        match (answer, program) {
            (Answer::Allowed(member), Some(program)) => Heard::Allowed(member, program),
            _ => Heard::Denied,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(1_000_000 + secs)
    }

    fn program(asked_at: Timestamp) -> Program {
        Program { client: "qiantang".into(), machine: "laptop".into(), from: "192.0.2.1".into(), asked_at }
    }

    const MEMBER: MemberId = MemberId::from_bytes([1; 16]);

    #[test]
    fn a_program_hears_its_answer_once_and_not_before() {
        let all = Waiting::default();
        assert!(all.add("d", "BCDFGHJK", program(at(0))));
        assert_eq!(all.hear("other", at(1)), Heard::Unknown);
        assert_eq!(all.hear("d", at(1)), Heard::Pending);
        assert_eq!(all.look("BCDFGHJK", at(2)), Some(program(at(0))));
        assert_eq!(all.look("BCDFGHJL", at(2)), None);
        assert!(all.answer("BCDFGHJK", at(3), Answer::Allowed(MEMBER)));
        assert!(!all.answer("BCDFGHJK", at(4), Answer::Denied), "it is answered once");
        assert_eq!(all.look("BCDFGHJK", at(4)), None);
        assert_eq!(all.hear("d", at(6)), Heard::Allowed(MEMBER, program(at(0))));
        assert_eq!(all.hear("d", at(12)), Heard::Unknown);

        assert!(all.add("e", "CDFGHJKL", program(at(20))));
        assert!(all.answer("CDFGHJKL", at(21), Answer::Denied));
        assert_eq!((all.hear("e", at(22)), all.hear("e", at(28))), (Heard::Denied, Heard::Unknown));
    }

    #[test]
    fn a_program_that_asks_too_early_waits_longer_each_time() {
        let all = Waiting::default();
        assert!(all.add("d", "BCDFGHJK", program(at(0))));
        assert_eq!(all.hear("d", at(0)), Heard::Pending);
        assert_eq!(all.hear("d", at(4)), Heard::SlowDown, "5 seconds are asked for");
        assert_eq!(all.hear("d", at(13)), Heard::SlowDown, "and now 10");
        assert!(all.answer("BCDFGHJK", at(14), Answer::Allowed(MEMBER)));
        assert_eq!(all.hear("d", at(27)), Heard::SlowDown, "and now 15, whatever the answer is");
        assert_eq!(all.hear("d", at(47)), Heard::Allowed(MEMBER, program(at(0))));
    }

    #[test]
    fn nobody_waits_for_ever_and_not_too_many_do() {
        let all = Waiting::default();
        assert!(all.add("d", "BCDFGHJK", program(at(0))));
        assert!(!all.add("x", "BCDFGHJK", program(at(0))), "the code is taken");
        assert!(all.answer("BCDFGHJK", at(1), Answer::Allowed(MEMBER)));
        assert_eq!(all.hear("d", at(AGE_S)), Heard::Expired, "an answer that nobody fetched is none");
        for n in 1..MOST_WAITING {
            assert!(all.add(&format!("d{n}"), &format!("code{n}"), program(at(2))), "{n}");
        }
        assert!(!all.add("more", "more", program(at(3))));
        // Those whose time is over make room.
        assert!(all.add("more", "more", program(at(AGE_S + 3))));
        assert_eq!(all.hear("d7", at(AGE_S + 4)), Heard::Unknown);
    }
}
