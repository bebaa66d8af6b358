//! The charge of a run, as it is multiplied, and its entries day by day.

use std::collections::BTreeMap;

use domain::{
    CardMs, ContractId, MicroCny, Month, RatePerCardHour, Run, Timestamp, Zone,
    ledger::{Account, CauseName, Transfer, Unit},
    metering::Metered,
    price::Waivers,
};
use serde::Serialize;

/// The charge of a run: cards × time × rate, less the waived part; and the posted sums.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[allow(clippy::struct_field_names)] // Columns of the books have these names.
pub struct Charged {
    pub cards: u32,
    /// From the start up to `charged_until`; both are rounded down to the millisecond first.
    pub charged_ms: i64,
    /// `cards` × `charged_ms`.
    pub card_ms: CardMs,
    /// The same in hours, minutes, seconds and milliseconds of one card.
    pub card_hours: String,
    pub rate_micro_cny_per_card_hour: RatePerCardHour,
    /// `rate` × `card_ms` ÷ 3,600,000, rounded down.
    pub charge_micro_cny: MicroCny,
    /// The part that the price book waives after such an end, in percent of card time and money.
    pub waived_percent: u8,
    /// The waived share, rounded up.
    pub waived_card_ms: CardMs,
    pub waived_micro_cny: MicroCny,
    /// The due amounts: the charge less the waived part.
    pub due_card_ms: CardMs,
    pub due_micro_cny: MicroCny,
    /// The sums of its entries.
    pub posted_card_ms: CardMs,
    pub posted_micro_cny: MicroCny,
    /// Whether the entries come to what is due; not told of a run that goes on.
    pub agrees: Option<bool>,
}

impl Charged {
    pub fn of(run: &Run, waivers: Waivers, posted: Metered, now: Timestamp) -> Self {
        let (used, charge) = (run.used(now), run.charge(now));
        let outcome = run.state.outcome();
        let waived = |amount: i64| outcome.map_or(0, |outcome| waivers.of(outcome, amount));
        let (waived_used, waived_charge) = (waived(used.0), waived(charge.0));
        let due = Metered { used: CardMs(used.0 - waived_used), charged: MicroCny(charge.0 - waived_charge) };
        let until = run.charged_until(now);
        Self {
            cards: run.placement.card_count(),
            charged_ms: run.state.started_at().map_or(0, |started_at| until.since(started_at).0.max(0)),
            card_ms: used,
            card_hours: used.exact(),
            rate_micro_cny_per_card_hour: run.rate,
            charge_micro_cny: charge,
            waived_percent: outcome.map_or(0, |outcome| waivers.percent(outcome)),
            waived_card_ms: CardMs(waived_used),
            waived_micro_cny: MicroCny(waived_charge),
            due_card_ms: due.used,
            due_micro_cny: due.charged,
            posted_card_ms: posted.used,
            posted_micro_cny: posted.charged,
            agrees: outcome.map(|_| posted == due),
        }
    }
}

/// The entries of a run on one day, of one cause, added up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct DayLine {
    /// `YYYY-MM-DD`, in the center's time zone.
    pub day: String,
    pub cause: CauseName,
    /// The closed month that they correct.
    #[schema(value_type = Option<String>)]
    pub corrects: Option<Month>,
    pub entries: u64,
    /// The amount that they take from the contract; below 0 where they give back.
    pub card_ms: CardMs,
    pub micro_cny: MicroCny,
}

/// The entries of a run, added up as they come.
#[derive(Debug, Default)]
pub struct Days(BTreeMap<(String, CauseName, Option<Month>), (u64, Metered)>);

impl Days {
    pub fn add(&mut self, zone: &Zone, contract: ContractId, entry: &Transfer) {
        let key = (zone.date(entry.at), entry.cause.name(), entry.corrects);
        let (entries, sum) = self.0.entry(key).or_default();
        *entries += 1;
        let sign = match Account::Contract(contract) {
            own if entry.debit == own => 1,
            own if entry.credit == own => -1,
            _ => 0,
        };
        match entry.unit {
            Unit::CardMs => sum.used.0 += sign * entry.amount,
            Unit::MicroCny => sum.charged.0 += sign * entry.amount,
        }
    }

    /// The sums of all entries.
    pub fn posted(&self) -> Metered {
        self.0.values().fold(Metered::default(), |all, (_, sum)| Metered {
            used: CardMs(all.used.0 + sum.used.0),
            charged: MicroCny(all.charged.0 + sum.charged.0),
        })
    }

    pub fn lines(self) -> Vec<DayLine> {
        let line = |((day, cause, corrects), (entries, sum)): (_, (u64, Metered))| DayLine {
            day,
            cause,
            corrects,
            entries,
            card_ms: sum.used,
            micro_cny: sum.charged,
        };
        self.0.into_iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        CardSet, JobId, NodeId, Outcome, Placement, RunId, RunState, TenantId, TransferId, ledger::Cause,
        node::Slot,
    };

    use super::*;

    const CONTRACT: ContractId = ContractId::from_bytes([1; 16]);

    fn run(outcome: Option<Outcome>) -> Run {
        let (planned_at, started_at) = (Timestamp::from_secs(90), Timestamp::from_secs(100));
        let ended_at = Timestamp::from_millis(103_600);
        let state = match outcome {
            None => RunState::Running { planned_at, started_at, stop: None },
            Some(outcome) => RunState::Ended {
                planned_at,
                started_at: Some(started_at),
                ended_at,
                charged_until: ended_at,
                outcome,
            },
        };
        Run {
            id: RunId::from_bytes([2; 16]),
            job: JobId::from_bytes([3; 16]),
            tenant: TenantId::from_bytes([4; 16]),
            contract: CONTRACT,
            task: 0,
            attempt: 1,
            placement: Placement(vec![Slot { node: NodeId::from_bytes([5; 16]), cards: CardSet::first(2) }]),
            rate: RatePerCardHour(MicroCny(1_000)),
            price_book: None,
            charged_at_most: None,
            is_granted: false,
            state,
        }
    }

    #[test]
    fn a_charge_is_multiplied_before_all_eyes() {
        let waivers = Waivers { lost_percent: 25, preempted_percent: 0 };
        let now = Timestamp::from_secs(1000);
        let posted = Metered { used: CardMs(7_200), charged: MicroCny(2) };
        let whole = Charged::of(&run(Some(Outcome::Succeeded)), waivers, posted, now);
        assert_eq!((whole.cards, whole.charged_ms, whole.card_ms.0), (2, 3_600, 7_200));
        // 1,000 × 7,200 ÷ 3,600,000
        assert_eq!((whole.charge_micro_cny.0, whole.waived_micro_cny.0, whole.agrees), (2, 0, Some(true)));
        assert_eq!(whole.card_hours, "0:00:07.200");
        let lost = Charged::of(&run(Some(Outcome::Lost)), waivers, posted, now);
        assert_eq!((lost.waived_card_ms.0, lost.waived_micro_cny.0), (1_800, 1));
        assert_eq!((lost.due_card_ms.0, lost.due_micro_cny.0, lost.agrees), (5_400, 1, Some(false)));
        let runs = Charged::of(&run(None), waivers, posted, Timestamp::from_secs(101));
        assert_eq!((runs.card_ms.0, runs.agrees), (2_000, None));
    }

    #[test]
    fn entries_are_added_up_by_day_and_cause() {
        let own = Account::Contract(CONTRACT);
        let entry = |second: i64, cause: Cause, unit, is_back: bool, amount| Transfer {
            id: TransferId::from_bytes([6; 16]),
            key: String::new(),
            at: Timestamp::from_secs(second),
            unit,
            debit: if is_back { Account::Waived } else { own },
            credit: if is_back { own } else { Account::Revenue },
            amount,
            cause,
            corrects: None,
        };
        let run = RunId::from_bytes([2; 16]);
        let mut days = Days::default();
        for entry in [
            entry(0, Cause::Use(run), Unit::CardMs, false, 70),
            entry(5, Cause::Use(run), Unit::MicroCny, false, 9),
            entry(90_000, Cause::Use(run), Unit::CardMs, false, 30),
            entry(90_000, Cause::Waiver(run), Unit::CardMs, true, 40),
        ] {
            days.add(&Zone::utc(), CONTRACT, &entry);
        }
        assert_eq!(days.posted(), Metered { used: CardMs(60), charged: MicroCny(9) });
        let lines = days.lines();
        let told: Vec<_> = lines
            .iter()
            .map(|line| (&*line.day, line.cause.code(), line.entries, line.card_ms.0, line.micro_cny.0))
            .collect();
        assert_eq!(
            told,
            [
                ("1970-01-01", "use", 2, 70, 9),
                ("1970-01-02", "use", 1, 30, 0),
                ("1970-01-02", "waiver", 1, -40, 0),
            ]
        );
    }
}
