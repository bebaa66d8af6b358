//! Amendments 合同变更: the changes that an active contract takes.
//!
//! Its end, its queue and its amounts may be: a fee, a package or a cap grows, a credit limit and reserved cards become other
//! ones. Its number, tenant, kind, pools and start are what makes it this contract: another one is drawn up for others.

use crate::{CardMs, Contract, MicroCny, QueueTerms, Timestamp, Zone, codes, contract::ContractKind};

/// The terms of a contract that can be amended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    pub kind: ContractKind,
    pub ends_at: Timestamp,
    pub queue: QueueTerms,
}

/// The changes of an amendment; all else stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    pub ends_at: Option<Timestamp>,
    pub queue: Option<QueueTerms>,
    /// More of the fee of a package or reservation.
    pub add_fee: MicroCny,
    /// More card time of a package or capped grant.
    pub add_card_time: CardMs,
    pub credit_limit: Option<MicroCny>,
    /// How many cards are reserved.
    pub cards: Option<u32>,
}

codes! {
    /// When an amendment takes effect, once it is approved.
    pub enum Effective {
        Now = "now",
        /// At the next midnight of the center's time zone.
        NextDay = "next_day",
        /// With the next month.
        NextMonth = "next_month",
    }

    /// A term that two versions may differ in.
    pub enum Term {
        EndsAt = "ends_at",
        Fee = "fee",
        Package = "package",
        Cap = "cap",
        CreditLimit = "credit_limit",
        Cards = "cards",
        GuaranteedCards = "guaranteed_cards",
        MaxRunningCards = "max_running_cards",
        BorrowingLimit = "borrowing_limit",
        LendingLimit = "lending_limit",
        Weight = "weight",
    }
}

impl Effective {
    /// The instant from which an amendment holds that is approved at `now`: never before that.
    pub fn from_at(self, zone: &Zone, now: Timestamp) -> Timestamp {
        match self {
            Self::Now => now,
            Self::NextDay => zone.day_begins(zone.day(now) + 1),
            Self::NextMonth => zone.bounds(zone.month(now)).1,
        }
    }
}

/// Why a contract can't be amended so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Contracts of its kind have no such term.
    NoSuchTerm(Term),
    /// Card-hours that cost less than those of the package would make its use dearer than its fee.
    Cheaper,
    /// Sums beyond all bounds.
    TooMuch(Term),
    Nothing,
}

impl Contract {
    /// The terms that hold.
    pub fn terms(&self) -> Terms {
        Terms { kind: self.kind, ends_at: self.ends_at, queue: self.queue }
    }

    /// The contract on other terms.
    #[must_use]
    pub fn on(self, terms: Terms) -> Self {
        let Terms { kind, ends_at, queue } = terms;
        Self { kind, ends_at, queue, ..self }
    }
}

impl Terms {
    /// These terms with a change, if there may be such a one.
    pub fn amended(self, change: &Change) -> Result<Self, Fault> {
        let Change { ends_at, queue, add_fee, add_card_time, credit_limit, cards } = *change;
        let has_no =
            |term: Term, is_given: bool| if is_given { Err(Fault::NoSuchTerm(term)) } else { Ok(()) };
        let more = |term: Term, before: i64, add: i64| before.checked_add(add).ok_or(Fault::TooMuch(term));
        let adds_time = add_card_time.0 != 0;
        if !matches!(self.kind, ContractKind::Metered { .. }) {
            has_no(Term::CreditLimit, credit_limit.is_some())?;
        }
        if !matches!(self.kind, ContractKind::Reserved { .. }) {
            has_no(Term::Cards, cards.is_some())?;
        }
        let kind = match self.kind {
            ContractKind::Prepaid { package, fee } => {
                let (added, paid) = (i128::from(add_card_time.0), i128::from(add_fee.0));
                if paid * i128::from(package.0) < i128::from(fee.0) * added {
                    return Err(Fault::Cheaper);
                }
                ContractKind::Prepaid {
                    package: CardMs(more(Term::Package, package.0, add_card_time.0)?),
                    fee: MicroCny(more(Term::Fee, fee.0, add_fee.0)?),
                }
            }
            ContractKind::Metered { credit_limit: before } => {
                has_no(Term::Fee, add_fee.0 != 0)?;
                has_no(Term::Package, adds_time)?;
                ContractKind::Metered { credit_limit: credit_limit.unwrap_or(before) }
            }
            ContractKind::Reserved { cards: before, fee } => {
                has_no(Term::Package, adds_time)?;
                let fee = MicroCny(more(Term::Fee, fee.0, add_fee.0)?);
                ContractKind::Reserved { cards: cards.unwrap_or(before), fee }
            }
            ContractKind::Grant { cap } => {
                has_no(Term::Fee, add_fee.0 != 0)?;
                has_no(Term::Cap, adds_time && cap.is_none())?;
                let cap = cap.map(|cap| more(Term::Cap, cap.0, add_card_time.0).map(CardMs)).transpose()?;
                ContractKind::Grant { cap }
            }
        };
        let mut queue = queue.unwrap_or(self.queue);
        // Whoever reserves other cards and says nothing of the most that run means all of them.
        if let (ContractKind::Reserved { cards: before, .. }, ContractKind::Reserved { cards, .. }, None) =
            (self.kind, kind, change.queue)
            && self.queue.max_running_cards == before
        {
            queue.max_running_cards = cards;
            queue.guaranteed_cards = queue.guaranteed_cards.min(cards);
        }
        let after = Self { kind, ends_at: ends_at.unwrap_or(self.ends_at), queue };
        if after == self { Err(Fault::Nothing) } else { Ok(after) }
    }

    /// The terms in which `after` differs: before and after, in micro-CNY, card-milliseconds, microseconds or cards.
    pub fn differences(&self, after: &Self) -> Vec<(Term, Option<i64>, Option<i64>)> {
        let all = self.values().into_iter().zip(after.values());
        all.filter(|(before, after)| before != after)
            .map(|((term, before), (_, after))| (term, before, after))
            .collect()
    }

    fn values(&self) -> [(Term, Option<i64>); 11] {
        let (mut fee, mut package, mut cap, mut credit, mut cards) = (None, None, None, None, None);
        match self.kind {
            ContractKind::Prepaid { package: time, fee: due } => (package, fee) = (Some(time.0), Some(due.0)),
            ContractKind::Metered { credit_limit } => credit = Some(credit_limit.0),
            ContractKind::Reserved { cards: kept, fee: due } => {
                (cards, fee) = (Some(kept.into()), Some(due.0));
            }
            ContractKind::Grant { cap: most } => cap = most.map(|most| most.0),
        }
        let queue = self.queue;
        [
            (Term::EndsAt, Some(self.ends_at.as_micros())),
            (Term::Fee, fee),
            (Term::Package, package),
            (Term::Cap, cap),
            (Term::CreditLimit, credit),
            (Term::Cards, cards),
            (Term::GuaranteedCards, Some(queue.guaranteed_cards.into())),
            (Term::MaxRunningCards, Some(queue.max_running_cards.into())),
            (Term::BorrowingLimit, queue.borrowing_limit.map(Into::into)),
            (Term::LendingLimit, queue.lending_limit.map(Into::into)),
            (Term::Weight, Some(queue.weight.into())),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(kind: ContractKind) -> Terms {
        let queue = QueueTerms {
            guaranteed_cards: 2,
            borrowing_limit: None,
            lending_limit: None,
            weight: 1,
            max_running_cards: 4,
        };
        Terms { kind, ends_at: Timestamp::from_secs(1_000_000), queue }
    }

    const PREPAID: ContractKind = ContractKind::Prepaid { package: CardMs(1000), fee: MicroCny(500) };

    #[test]
    fn amounts_grow_and_only_where_the_kind_has_them() {
        let more = Change { add_fee: MicroCny(100), add_card_time: CardMs(200), ..Change::default() };
        let after = terms(PREPAID).amended(&more).unwrap();
        assert_eq!(after.kind, ContractKind::Prepaid { package: CardMs(1200), fee: MicroCny(600) });
        assert_eq!(
            terms(PREPAID).differences(&after),
            [(Term::Fee, Some(500), Some(600)), (Term::Package, Some(1000), Some(1200))]
        );
        let free = Change { add_card_time: CardMs(200), add_fee: MicroCny(99), ..Change::default() };
        assert_eq!(terms(PREPAID).amended(&free), Err(Fault::Cheaper));
        let metered = terms(ContractKind::Metered { credit_limit: MicroCny(0) });
        assert_eq!(metered.amended(&more), Err(Fault::NoSuchTerm(Term::Fee)));
        let credit = Change { credit_limit: Some(MicroCny(7)), ..Change::default() };
        assert_eq!(
            metered.amended(&credit).unwrap().kind,
            ContractKind::Metered { credit_limit: MicroCny(7) }
        );
        assert_eq!(terms(PREPAID).amended(&credit), Err(Fault::NoSuchTerm(Term::CreditLimit)));
        let open = terms(ContractKind::Grant { cap: None });
        let time = Change { add_card_time: CardMs(5), ..Change::default() };
        assert_eq!(open.amended(&time), Err(Fault::NoSuchTerm(Term::Cap)));
        let capped = terms(ContractKind::Grant { cap: Some(CardMs(5)) }).amended(&time).unwrap();
        assert_eq!(capped.kind, ContractKind::Grant { cap: Some(CardMs(10)) });
        assert_eq!(open.amended(&Change::default()), Err(Fault::Nothing));
    }

    #[test]
    fn other_reserved_cards_bound_what_runs() {
        let reserved = |cards| ContractKind::Reserved { cards, fee: MicroCny(9) };
        let cards = |cards| Change { cards: Some(cards), ..Change::default() };
        let most = |change: &Change| terms(reserved(4)).amended(change).unwrap().queue.max_running_cards;
        assert_eq!((most(&cards(8)), most(&cards(1))), (8, 1));
        assert_eq!(terms(reserved(4)).amended(&cards(1)).unwrap().queue.guaranteed_cards, 1);
        // What was said to be less stays less.
        assert_eq!(terms(reserved(6)).amended(&cards(8)).unwrap().queue.max_running_cards, 4);
    }

    #[test]
    fn a_used_up_package_costs_its_fee_at_most_however_it_grew() {
        let rate = |kind: ContractKind| kind.rate(None).unwrap();
        for (used, add_time, add_fee) in
            [(0, 3_600_000, 20), (1_800_000, 7_200_000, 40), (3_600_000, 36_000, 5_000_000)]
        {
            let before = ContractKind::Prepaid { package: CardMs(3_600_000), fee: MicroCny(20) };
            let change =
                Change { add_fee: MicroCny(add_fee), add_card_time: CardMs(add_time), ..Change::default() };
            let after = terms(before).amended(&change).unwrap().kind;
            let rest = CardMs(3_600_000 + add_time - used);
            let charged = rate(before).charge(CardMs(used)).unwrap().0 + rate(after).charge(rest).unwrap().0;
            assert!(charged <= 20 + add_fee, "{charged}");
        }
    }

    #[test]
    fn it_takes_effect_at_once_or_at_the_next_boundary_and_never_before() {
        let zone = Zone::default();
        let now: Timestamp = "2026-11-30T15:59:59Z".parse().unwrap();
        let at = |effective: Effective| effective.from_at(&zone, now).to_string();
        assert_eq!(at(Effective::Now), "2026-11-30T15:59:59.000Z");
        assert_eq!(at(Effective::NextDay), "2026-11-30T16:00:00.000Z");
        assert_eq!(at(Effective::NextMonth), "2026-11-30T16:00:00.000Z");
        let now: Timestamp = "2026-11-30T16:00:00Z".parse().unwrap();
        assert_eq!(Effective::NextDay.from_at(&zone, now).to_string(), "2026-12-01T16:00:00.000Z");
        assert_eq!(Effective::NextMonth.from_at(&zone, now).to_string(), "2026-12-31T16:00:00.000Z");
    }
}
