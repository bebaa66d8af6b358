//! Metering 计量: the entries by which the use of a run is posted, day by day.

use serde::{Deserialize, Serialize};

use crate::{
    CardMs, MicroCny, Millis, Month, Run, Timestamp, Zone,
    ledger::{Account, Cause, Posting, Unit},
    price::Waivers,
};

/// How far a run has been metered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metered {
    pub used: CardMs,
    pub charged: MicroCny,
}

/// When use is posted: by which days and months, and from when on.
#[derive(Clone, Copy, Debug)]
pub struct Calendar<'a> {
    pub zone: &'a Zone,
    /// The first instant after the last period that is closed. What belongs before it is posted now, and names the
    /// period that it corrects.
    pub open_from: Timestamp,
    /// The instant of posting.
    pub now: Timestamp,
}

impl Calendar<'_> {
    /// When an entry is posted that belongs to `at`, and the period that it corrects.
    fn place(&self, at: Timestamp) -> (Timestamp, Option<Month>) {
        if at < self.open_from { (self.late(), Some(self.zone.month(at))) } else { (at, None) }
    }

    /// When an entry is posted that belongs into a closed period.
    fn late(&self) -> Timestamp {
        self.now.max(self.open_from)
    }

    /// The closed months from that of `at` on, each with its end.
    fn closed_since(&self, at: Timestamp) -> Vec<(Month, Timestamp)> {
        if at >= self.open_from {
            return Vec::new();
        }
        let months = std::iter::successors(Some(self.zone.month(at)), |month| Some(month.next()));
        let with_ends = months.map(|month| (month, self.zone.bounds(month).1));
        with_ends.take_while(|(_, end)| *end <= self.open_from).collect()
    }
}

/// Entries of one instant, and how far the run is metered with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entries {
    pub at: Timestamp,
    pub postings: Vec<Posting>,
    pub metered: Metered,
}

/// The entries by which a run is metered up to `until`, in the order in which they are posted. They post the difference
/// to what was posted before, cut where a day begins, so that the use of a day is posted on that day and no other. What
/// was metered beyond the run's end is given back now. Of a run that the center cut short, the share that
/// `waivers` says is waived. What takes use of a closed month back is an entry of its own that names the month. There are
/// none of amount 0.
pub fn meter(
    run: &Run,
    metered: Metered,
    until: Timestamp,
    waivers: Waivers,
    calendar: Calendar<'_>,
) -> Vec<Entries> {
    let gross = |at: Timestamp| Metered { used: run.used(at), charged: run.charge(at) };
    let mut all = Vec::new();
    let mut before = metered;
    let mut post = |(at, corrects): (Timestamp, Option<Month>), due: Metered, less: Less| {
        let postings = postings(run, before, due, less, corrects);
        before = due;
        if !postings.is_empty() {
            all.push(Entries { at, postings, metered: due });
        }
    };
    for day in calendar.zone.days_begin(metered_until(run, metered).unwrap_or(until), until) {
        post(calendar.place(Timestamp::from_micros(day.as_micros() - 1)), gross(day), Less::Refund);
    }
    let due = gross(until);
    let closed = run.state.started_at().map(|at| calendar.closed_since(at)).unwrap_or_default();
    if due.used < metered.used {
        // It is learnt now. The last months are taken back first.
        let mut place = (calendar.now, None);
        for (month, end) in closed.iter().rev() {
            let level = level_at(run, *end);
            if level.used < metered.used {
                let level = if level.used > due.used { level } else { due };
                post(place, level, Less::Refund);
            }
            place = (calendar.late(), Some(*month));
        }
        post(place, due, Less::Refund);
    } else {
        post(calendar.place(until), due, Less::Refund);
    }
    if let Some(outcome) = run.state.outcome() {
        let left = |of: Metered| {
            let rest = |amount: i64| amount - waivers.of(outcome, amount);
            Metered { used: CardMs(rest(of.used.0)), charged: MicroCny(rest(of.charged.0)) }
        };
        let waived_of = |of: Metered| {
            let left = left(of);
            (of.used.0 - left.used.0, of.charged.0 - left.charged.0)
        };
        for (month, end) in closed {
            let (used, charged) = waived_of(gross(end.min(until)));
            let level =
                Metered { used: CardMs(due.used.0 - used), charged: MicroCny(due.charged.0 - charged) };
            post((calendar.late(), Some(month)), level, Less::Waiver);
        }
        post(calendar.place(until), left(due), Less::Waiver);
    }
    all
}

/// How far a run would be metered at `at` if it had gone on until then.
fn level_at(run: &Run, at: Timestamp) -> Metered {
    let cards = run.placement.card_count();
    let used = run.state.started_at().map_or(CardMs::ZERO, |from| CardMs::of(cards, from, at));
    Metered { used, charged: run.rate.charge(used).unwrap_or(MicroCny(i64::MAX)) }
}

/// Up to when a run that has not ended is metered; `None` where it has not started.
pub fn metered_until(run: &Run, metered: Metered) -> Option<Timestamp> {
    let cards = i64::from(run.placement.card_count()).max(1);
    run.state.started_at().map(|at| at.plus(Millis(metered.used.0 / cards)))
}

/// Why less is due than was posted.
#[derive(Clone, Copy)]
enum Less {
    Refund,
    Waiver,
}

fn postings(run: &Run, before: Metered, due: Metered, less: Less, corrects: Option<Month>) -> Vec<Posting> {
    let contract = Account::Contract(run.contract);
    let moves = [
        (Unit::CardMs, Account::Delivered, before.used.0, due.used.0),
        (Unit::MicroCny, Account::Revenue, before.charged.0, due.charged.0),
    ];
    let posting = |(unit, center, before, after): (Unit, Account, i64, i64)| {
        let mark = match unit {
            Unit::CardMs => "use",
            Unit::MicroCny => "fee",
        };
        let (debit, credit, cause) = match less {
            _ if after > before => (contract, center, Cause::Use(run.id)),
            Less::Refund => (center, contract, Cause::Refund(run.id)),
            Less::Waiver => (Account::Waived, contract, Cause::Waiver(run.id)),
        };
        let key = format!("{}/{mark}/{before}-{after}", run.id);
        Posting { key, unit, debit, credit, amount: (after - before).abs(), cause, corrects }
    };
    moves.into_iter().filter(|(_, _, before, after)| before != after).map(posting).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        CardSet, ContractId, JobId, NodeId, Outcome, Placement, RatePerCardHour, RunId, RunState, TenantId,
        node::Slot,
    };
    use proptest::prelude::*;

    fn run(rate: i64) -> Run {
        Run {
            id: RunId::from_bytes([1; 16]),
            job: JobId::from_bytes([2; 16]),
            tenant: TenantId::from_bytes([3; 16]),
            contract: ContractId::from_bytes([4; 16]),
            task: 0,
            attempt: 1,
            placement: Placement(vec![Slot { node: NodeId::from_bytes([5; 16]), cards: CardSet::first(8) }]),
            rate: RatePerCardHour(MicroCny(rate)),
            price_book: None,
            charged_at_most: None,
            is_granted: false,
            state: RunState::Starting { planned_at: Timestamp::default(), stop: None },
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn calendar(zone: &Zone, now: Timestamp) -> Calendar<'_> {
        Calendar { zone, open_from: Timestamp::from_micros(i64::MIN), now }
    }

    #[test]
    fn use_is_posted_on_the_day_on_which_it_was_had() {
        let zone = Zone::default();
        let mut run = run(3_600_000_000);
        run.state = run.state.start(at("2026-11-29T15:00:00Z")).unwrap();
        let now = at("2026-12-01T04:00:00Z");
        let all = meter(&run, Metered::default(), now, Waivers::default(), calendar(&zone, now));
        let told: Vec<_> =
            all.iter().map(|entries| (entries.at.to_string(), entries.postings[0].amount)).collect();
        let hour = 8 * 3_600_000;
        assert_eq!(
            told,
            [
                ("2026-11-29T15:59:59.999Z".to_owned(), hour),
                ("2026-11-30T15:59:59.999Z".to_owned(), 24 * hour),
                ("2026-12-01T04:00:00.000Z".to_owned(), 12 * hour),
            ]
        );
    }

    #[test]
    fn what_was_metered_too_far_is_given_back_now_and_a_closed_period_stays() {
        let zone = Zone::utc();
        let mut run = run(3_600_000_000);
        run.state = run.state.start(at("2026-11-30T23:00:00Z")).unwrap();
        let metered = Metered { used: CardMs(8 * 7_200_000), charged: MicroCny(8 * 7_200_000_000) };
        run.end(at("2026-11-30T23:30:00Z"), None, Outcome::Succeeded).unwrap();
        let now = at("2026-12-01T01:00:00Z");
        let calendar = Calendar { open_from: at("2026-12-01T00:00:00Z"), ..calendar(&zone, now) };
        let all = meter(&run, metered, at("2026-11-30T23:30:00Z"), Waivers::default(), calendar);
        // An hour of December, and half an hour of the closed month.
        let told = all.iter().map(|entries| {
            let one = &entries.postings[0];
            (entries.at, one.cause, one.amount / 3_600_000, one.corrects.map(|month| month.to_string()))
        });
        let refund = Cause::Refund(run.id);
        assert_eq!(
            told.collect::<Vec<_>>(),
            [(now, refund, 8, None), (now, refund, 4, Some("2026-11".to_owned()))]
        );
        // What is learnt late of a closed period is posted now, and says what it corrects.
        let all = meter(&run, Metered::default(), at("2026-11-30T23:30:00Z"), Waivers::default(), calendar);
        let corrects = all[0].postings[0].corrects.map(|month| month.to_string());
        assert_eq!((all[0].at, corrects.as_deref()), (now, Some("2026-11")));
    }

    #[test]
    fn what_takes_use_of_closed_months_back_names_each() {
        let zone = Zone::utc();
        let mut run = run(3_600_000_000);
        run.state = run.state.start(at("2026-10-31T22:00:00Z")).unwrap();
        let hour = 8 * 3_600_000;
        let told = |run: &Run, metered, until: &str, waivers| {
            let now = at("2026-12-01T02:00:00Z");
            let calendar = Calendar { zone: &zone, open_from: at("2026-12-01T00:00:00Z"), now };
            let all = meter(run, metered, at(until), waivers, calendar);
            let of = |entries: &Entries| {
                let one = &entries.postings[0];
                assert!(entries.at >= calendar.open_from, "{entries:?}");
                (one.cause.code(), one.amount / hour, one.corrects.map(|month| month.to_string()))
            };
            all.iter().map(of).collect::<Vec<_>>()
        };
        let month = |text: &str| Some(text.to_owned());
        let metered = Metered { used: CardMs(724 * hour), charged: MicroCny(724 * 8 * 3_600_000_000) };
        // Lost in December: two hours of October, 720 of November, one of December, one given back.
        let mut lost = run.clone();
        lost.end(at("2026-12-01T01:00:00Z"), None, Outcome::Lost).unwrap();
        assert_eq!(
            told(&lost, metered, "2026-12-01T01:00:00Z", Waivers::ALL),
            [
                ("refund", 1, None),
                ("waiver", 2, month("2026-10")),
                ("waiver", 720, month("2026-11")),
                ("waiver", 1, None)
            ]
        );
        // It had ended in October: all that was metered beyond that is given back.
        run.end(at("2026-10-31T23:00:00Z"), None, Outcome::Succeeded).unwrap();
        assert_eq!(
            told(&run, metered, "2026-10-31T23:00:00Z", Waivers::default()),
            [("refund", 2, None), ("refund", 720, month("2026-11")), ("refund", 1, month("2026-10"))]
        );
    }

    #[test]
    fn the_price_book_says_what_is_waived() {
        let zone = Zone::utc();
        let notice = at("2026-11-30T01:00:00Z");
        let ended = |preempted_percent: u8, outcome: Outcome| {
            let mut run = run(3_600_000_000);
            run.state = run.state.start(at("2026-11-30T00:00:00Z")).unwrap();
            run.state = run.state.request_stop(crate::run::StopCause::Preempted, notice).unwrap();
            run.end(at("2026-11-30T02:00:00Z"), None, outcome).unwrap();
            let waivers = Waivers { preempted_percent, ..Waivers::default() };
            let end = at("2026-11-30T02:00:00Z");
            let all = meter(&run, Metered::default(), end, waivers, calendar(&zone, end));
            all.last().unwrap().metered.charged.0 / 1_000_000
        };
        let hour = 8 * 3600;
        let cut = Outcome::Failed { exit_code: 1 };
        assert_eq!([0, 25, 100].map(|percent| ended(percent, cut)), [hour, hour * 3 / 4, 0]);
        // It was done before its cards were taken: the notice came to nothing.
        assert_eq!(ended(100, Outcome::Succeeded), 2 * hour);
    }

    #[test]
    fn nothing_is_charged_beyond_the_bound() {
        let zone = Zone::utc();
        let mut run = run(3_600_000_000);
        run.charged_at_most = Some(Millis::from_secs(60));
        run.state = run.state.start(at("2026-11-30T00:00:00Z")).unwrap();
        let end = at("2026-11-30T00:05:00Z");
        run.end(end, None, Outcome::TimedOut).unwrap();
        let all = meter(&run, Metered::default(), end, Waivers::default(), calendar(&zone, end));
        assert_eq!(all[0].metered.used, CardMs(8 * 60_000));
    }

    proptest! {
        #[test]
        fn however_often_it_is_metered_the_sums_are_those_of_the_whole(
            rate in 0_i64..100_000_000, start in 0_i64..1000, ticks in prop::collection::vec(0_i64..10_000_000, 0..10), lost: bool,
        ) {
            let zone = Zone::default();
            let mut run = run(rate);
            run.state = run.state.start(Timestamp::from_micros(start)).unwrap();
            let mut ticks = ticks;
            ticks.sort_unstable();
            let end = ticks.last().copied().unwrap_or(start) + 7;
            let (mut metered, mut used, mut charged, mut keys) = (Metered::default(), 0, 0, Vec::new());
            for tick in ticks.into_iter().map(Some).chain([None]) {
                let now = Timestamp::from_micros(tick.unwrap_or(end));
                if tick.is_none() {
                    let outcome = if lost { Outcome::Lost } else { Outcome::Succeeded };
                    run.end(now, None, outcome).unwrap();
                }
                let entries = meter(&run, metered, now, Waivers::default(), calendar(&zone, now));
                for posting in entries.iter().flat_map(|entries| &entries.postings) {
                    prop_assert!(posting.amount > 0);
                    let signed = if posting.debit == Account::Contract(run.contract) { posting.amount } else { -posting.amount };
                    match posting.unit {
                        Unit::CardMs => used += signed,
                        Unit::MicroCny => charged += signed,
                    }
                    prop_assert!(!keys.contains(&posting.key));
                    keys.push(posting.key.clone());
                }
                metered = entries.last().map_or(metered, |entries| entries.metered);
                let again = meter(&run, metered, now, Waivers::default(), calendar(&zone, now));
                prop_assert!(again.is_empty() || lost, "metering twice posts nothing");
            }
            let whole = if lost { CardMs::ZERO } else { run.used(run.state.ended_at().unwrap()) };
            prop_assert_eq!(used, whole.0);
            prop_assert_eq!(charged, run.rate.charge(whole).unwrap().0);
        }
    }
}
