//! What is kept for a page that is asked for later, in memory: the secret that a form made, which the next page shows
//! once; a form that came without its session, until somebody has signed in.

use std::collections::HashMap;

use domain::{Millis, Timestamp};
use parking_lot::Mutex;

use crate::moment;

/// Things by the session that they are kept for, each for a while, and so many at once; the oldest goes first.
#[derive(Debug)]
pub struct Kept<T> {
    things: Mutex<HashMap<String, (T, Timestamp)>>,
    age: Millis,
    most: usize,
}

impl<T: Clone> Kept<T> {
    pub fn new(minutes: i64, most: usize) -> Self {
        Self { things: Mutex::default(), age: Millis::from_secs(minutes * 60), most }
    }

    fn with<R>(&self, act: impl FnOnce(&mut HashMap<String, (T, Timestamp)>) -> R) -> R {
        let mut things = self.things.lock();
        let now = moment::now();
        things.retain(|_, (_, at)| now.since(*at).0 <= self.age.0);
        act(&mut things)
    }

    /// Keeps a thing for a session, in place of what was kept for it before.
    pub fn put(&self, session: &str, thing: T) {
        self.with(|things| {
            if things.len() >= self.most
                && !things.contains_key(session)
                && let Some(oldest) = things.iter().min_by_key(|(_, (_, at))| *at).map(|(key, _)| key.clone())
            {
                things.remove(&oldest);
            }
            things.insert(session.to_owned(), (thing, moment::now()));
        });
    }

    /// The thing, which is not kept any longer.
    pub fn take(&self, session: &str) -> Option<T> {
        self.with(|things| things.remove(session).map(|(thing, _)| thing))
    }

    /// The thing, which stays.
    pub fn get(&self, session: &str) -> Option<T> {
        self.with(|things| things.get(session).map(|(thing, _)| thing.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_taken_once_by_its_own_session() {
        let kept = Kept::new(10, 8);
        kept.put("a", 1);
        kept.put("a", 2);
        assert_eq!((kept.get("a"), kept.take("b")), (Some(2), None));
        assert_eq!((kept.take("a"), kept.take("a")), (Some(2), None));
    }

    #[test]
    fn nothing_is_kept_too_long_and_not_too_much() {
        let over = Kept { age: Millis(-1), ..Kept::new(0, 8) };
        over.put("a", 1);
        assert_eq!(over.take("a"), None);
        let full = Kept::new(10, 8);
        (0..9).for_each(|at| full.put(&at.to_string(), at));
        assert_eq!((0..9).filter(|at| full.get(&at.to_string()).is_some()).count(), 8);
    }
}
