//! Who may do what with periods, how a month stands, and when it may be closed.

use crate::notices::topics::PERIOD_TOPICS;
use base::{auth::Action, detail::Detail, events::Kind};
use domain::{Course, Month, Timestamp, Zone};

use crate::app::statements::{Balances, Statement};

pub const READ: Action = Action::new("read_period", "read_money");
pub const MANAGE: Action =
    Action::new("manage_period", "keep_money").keeps(&[Detail::text("month"), Detail::count("statements")]);

/// A month was closed, with the number of its statements.
pub const CLOSED: Kind = Kind::new("period_closed").tells(PERIOD_TOPICS);

/// How many things that are missing are told.
pub const MOST_MISSING: usize = 100;

domain::codes! {
    /// How a month of the books stands. It goes from one to the next and never back.
    pub enum PeriodState {
        /// It goes on.
        Open = "open",
        /// It has ended, and still takes entries of its own time.
        Closing = "closing",
        /// Nothing is posted into it any more.
        Closed = "closed",
    }
}

/// Where the books stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Books {
    /// The month that is the next to be closed: the first of the books, or the one after the last closed.
    pub next: Month,
    /// The month that goes on.
    pub current: Month,
}

impl Books {
    pub fn of(
        zone: &Zone,
        last_closed: Option<Month>,
        first_entry: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        let current = zone.month(now);
        let first = first_entry.map_or(current, |at| zone.month(at));
        Self { next: last_closed.map_or(first, Month::next), current }
    }

    /// The months that are not closed, the newest first.
    pub fn open_months(self) -> Vec<Month> {
        let months = std::iter::successors(Some(self.current), |month| Some(month.before()));
        months.take_while(|month| *month >= self.next).collect()
    }

    pub fn state(self, month: Month) -> PeriodState {
        if month < self.next {
            PeriodState::Closed
        } else if month < self.current {
            PeriodState::Closing
        } else {
            PeriodState::Open
        }
    }

    /// Whether a month may be closed now, as far as its place among the others goes.
    pub fn may_close(self, month: Month) -> Result<(), NotNow> {
        match self.state(month) {
            PeriodState::Closed => Err(NotNow::Closed),
            PeriodState::Open => Err(NotNow::GoesOn),
            PeriodState::Closing if month != self.next => Err(NotNow::NotNext { next: self.next }),
            PeriodState::Closing => Ok(()),
        }
    }
}

/// Why a month can't be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotNow {
    Closed,
    GoesOn,
    NotNext { next: Month },
}

/// The number of a month's statement, from 1.
pub fn number(month: Month, place: usize) -> String {
    format!("{month}-{place:04}")
}

/// Whether a contract gets a statement: something was posted for it, it has a balance, or it was active in the month.
pub fn wants_statement(course: Option<&Course>, statement: &Statement) -> bool {
    let (from, to) = (statement.from.0, statement.to.0);
    let was_active = course.is_some_and(|course| course.from() < to && course.until() > from);
    !statement.lines.is_empty() || statement.opening != Balances::default() || was_active
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    fn books(last_closed: Option<&str>, first_entry: Option<&str>) -> Books {
        let first = first_entry.map(|at| at.parse().unwrap());
        Books::of(&Zone::default(), last_closed.map(month), first, "2026-12-05T00:00:00Z".parse().unwrap())
    }

    #[test]
    fn months_are_closed_in_order_and_after_their_end() {
        // In the zone of the center the first entry is one of October.
        let fresh = books(None, Some("2026-09-30T20:00:00Z"));
        assert_eq!(fresh.open_months(), ["2026-12", "2026-11", "2026-10"].map(month));
        assert_eq!(fresh.may_close(month("2026-10")), Ok(()));
        assert_eq!(fresh.may_close(month("2026-11")), Err(NotNow::NotNext { next: month("2026-10") }));
        assert_eq!(fresh.may_close(month("2026-12")), Err(NotNow::GoesOn));
        let later = books(Some("2026-10"), Some("2026-09-30T20:00:00Z"));
        assert_eq!(later.may_close(month("2026-10")), Err(NotNow::Closed));
        assert_eq!(later.may_close(month("2026-11")), Ok(()));
        assert_eq!(later.state(month("2026-11")), PeriodState::Closing);
        // A center without entries has the month that goes on.
        assert_eq!(books(None, None).open_months(), [month("2026-12")]);
        assert_eq!(number(month("2026-11"), 7), "2026-11-0007");
    }
}
