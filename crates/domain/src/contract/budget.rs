//! Budgets 预算: how much the jobs of a project, or of a member, may use in a month or in all.
//!
//! A budget counts what is posted for its jobs, by the instant of the posting, and what runs use that is not posted yet. Both
//! spans begin with a day of the center's, where the postings of a run are cut: no posting is in two spans.

use serde::{Deserialize, Serialize};

use crate::{
    BudgetId, CardMs, Lang, MemberId, MicroCny, Millis, Month, ProjectId, TenantId, Timestamp, Zone, codes,
    contract::{Burn, Funds},
    ledger::Unit,
};

/// Whose jobs a budget counts: those of a project, or those that a member of its tenant submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Whose {
    Project(ProjectId),
    Member(MemberId),
}

codes! {
    /// What a budget is of.
    pub enum WhoseKind {
        Project = "project",
        Member = "member",
    }
}

impl Whose {
    pub fn kind(self) -> WhoseKind {
        match self {
            Self::Project(_) => WhoseKind::Project,
            Self::Member(_) => WhoseKind::Member,
        }
    }

    pub fn project(self) -> Option<ProjectId> {
        match self {
            Self::Project(project) => Some(project),
            Self::Member(_) => None,
        }
    }

    pub fn member(self) -> Option<MemberId> {
        match self {
            Self::Project(_) => None,
            Self::Member(member) => Some(member),
        }
    }
}

/// What a budget spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Span {
    /// Each calendar month of the center anew.
    Month,
    /// All from a day of the center on, which begins at `from`.
    Total { from: Timestamp },
}

codes! {
    /// A span by name.
    pub enum SpanKind {
        Month = "month",
        Total = "total",
    }
}

impl Span {
    pub fn kind(self) -> SpanKind {
        match self {
            Self::Month => SpanKind::Month,
            Self::Total { .. } => SpanKind::Total,
        }
    }

    /// The stretch of time that is counted together with `at`.
    pub fn stretch(self, zone: &Zone, at: Timestamp) -> Stretch {
        match self {
            Self::Month => {
                let month = zone.month(at);
                let (from, until) = zone.bounds(month);
                Stretch { from, until: Some(until), month: Some(month) }
            }
            Self::Total { from } => Stretch { from, until: None, month: None },
        }
    }
}

/// A stretch of time whose use is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub from: Timestamp,
    /// `None`: it has no end.
    pub until: Option<Timestamp>,
    /// The month that it is.
    pub month: Option<Month>,
}

impl Stretch {
    pub fn has(self, at: Timestamp) -> bool {
        at >= self.from && !self.is_over(at)
    }

    pub fn is_over(self, at: Timestamp) -> bool {
        self.until.is_some_and(|until| at >= until)
    }
}

/// The most shares of one budget that are told of.
pub const MOST_ALERTS: usize = 10;

/// The shares of a budget, in percent, of which people are told once they are used: from 1 to 100, each once, rising.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alerts(Vec<u8>);

impl Alerts {
    /// The shares, in any order; `None` where one is not from 1 to 100, or there are too many.
    pub fn of(shares: impl IntoIterator<Item = i64>) -> Option<Self> {
        let known = |share| u8::try_from(share).ok().filter(|share| (1..=100).contains(share));
        let mut shares = shares.into_iter().map(known).collect::<Option<Vec<u8>>>()?;
        shares.sort_unstable();
        shares.dedup();
        (shares.len() <= MOST_ALERTS).then_some(Self(shares))
    }

    pub fn shares(&self) -> &[u8] {
        &self.0
    }
}

/// How much the jobs of somebody may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    pub id: BudgetId,
    pub tenant: TenantId,
    pub whose: Whose,
    pub span: Span,
    pub unit: Unit,
    /// Above 0.
    pub limit: i64,
    pub alerts: Alerts,
    /// Whether runs end, and none starts, once it is used up; else it only tells.
    pub hard_stop: bool,
    pub created_at: Timestamp,
}

impl Budget {
    /// The part of a use that it counts.
    pub fn amount(&self, used: CardMs, charged: MicroCny) -> i64 {
        match self.unit {
            Unit::CardMs => used.0,
            Unit::MicroCny => charged.0,
        }
    }

    pub fn is_used_up(&self, spent: i64) -> bool {
        spent >= self.limit
    }

    /// The least amount that is this share of the limit.
    pub fn amount_of(&self, share: u8) -> i64 {
        let of_hundred = i128::from(self.limit) * i128::from(share);
        i64::try_from((of_hundred + 99).div_euclid(100)).unwrap_or(i64::MAX)
    }

    /// The shares that `spent` has reached, rising.
    pub fn reached(&self, spent: i64) -> impl Iterator<Item = u8> + '_ {
        self.alerts.shares().iter().copied().filter(move |share| spent >= self.amount_of(*share))
    }

    /// How long runs go on until `spent` is `amount`: up to the last millisecond at which it is less. `None` if it never is.
    pub fn lasts(&self, spent: i64, amount: i64, burns: &[Burn]) -> Option<Millis> {
        let left = amount.saturating_sub(spent);
        let left = match self.unit {
            Unit::CardMs => Funds::CardTime { card_ms: CardMs(left) },
            Unit::MicroCny => Funds::Money { micro_cny: MicroCny(left) },
        };
        left.last_for(burns.iter().copied())
    }

    /// An amount as people read it: `1,000.00 CNY`, `12.5000 card-hours`.
    pub fn told(unit: Unit, amount: i64, lang: Lang) -> String {
        match (unit, lang) {
            (Unit::MicroCny, Lang::En) => format!("{} CNY", MicroCny(amount)),
            (Unit::MicroCny, Lang::Zh) => format!("{} 元", MicroCny(amount)),
            (Unit::CardMs, Lang::En) => format!("{} card-hours", CardMs(amount)),
            (Unit::CardMs, Lang::Zh) => format!("{} 卡时", CardMs(amount)),
        }
    }
}

/// A budget that is used up, as it is told to whoever waits for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedUp {
    pub whose: WhoseKind,
    /// The project's short name, or the member's login.
    pub name: String,
    /// `2026-11`; `null` where it spans all from a day on.
    pub month: Option<String>,
    pub from: Timestamp,
    pub unit: Unit,
    pub amount: i64,
    pub spent: i64,
}

impl UsedUp {
    pub fn text(&self, lang: Lang, zone: &Zone) -> String {
        let Self { name, amount, spent, unit, .. } = self;
        let date = zone.date(self.from);
        match lang {
            Lang::En => {
                let whose = self.whose.code();
                let span = self
                    .month
                    .as_ref()
                    .map_or_else(|| format!("since {date}"), |month| format!("for {month}"));
                // Both numbers have one unit.
                let amount = Budget::told(*unit, *amount, lang);
                let spent = match unit {
                    Unit::MicroCny => MicroCny(*spent).to_string(),
                    Unit::CardMs => CardMs(*spent).to_string(),
                };
                format!("The budget of the {whose} {name} {span} is used up: {spent} of {amount}.")
            }
            Lang::Zh => {
                let whose = match self.whose {
                    WhoseKind::Project => "项目",
                    WhoseKind::Member => "成员",
                };
                let span =
                    self.month.as_ref().map_or_else(|| format!("自 {date} 起"), |month| format!("{month} "));
                let [amount, spent] = [amount, spent].map(|of| Budget::told(*unit, *of, lang));
                format!("{whose} {name} {span}的预算已用尽：预算 {amount}，已用 {spent}。")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::RatePerCardHour;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    fn budget(unit: Unit, limit: i64, shares: &[i64]) -> Budget {
        Budget {
            id: BudgetId::from_bytes([1; 16]),
            tenant: TenantId::from_bytes([2; 16]),
            whose: Whose::Project(ProjectId::from_bytes([3; 16])),
            span: Span::Month,
            unit,
            limit,
            alerts: Alerts::of(shares.iter().copied()).expect("shares"),
            hard_stop: true,
            created_at: Timestamp::default(),
        }
    }

    #[test]
    fn a_month_is_the_center_s_and_a_total_has_no_end() {
        let zone = Zone::default();
        // Half past midnight in Hangzhou is a day of November still to UTC.
        let month = Span::Month.stretch(&zone, at("2026-11-30T16:30:00Z"));
        assert_eq!(month.month.map(|month| month.to_string()).as_deref(), Some("2026-12"));
        assert_eq!(month.from, at("2026-11-30T16:00:00Z"));
        assert_eq!(month.until, Some(at("2026-12-31T16:00:00Z")));
        assert!(month.has(month.from) && !month.has(at("2026-11-30T15:59:59.999Z")));
        assert!(month.is_over(at("2026-12-31T16:00:00Z")) && !month.has(at("2026-12-31T16:00:00Z")));
        let from = at("2026-11-01T16:00:00Z");
        let total = Span::Total { from }.stretch(&zone, at("2030-01-01T00:00:00Z"));
        assert_eq!(total, Stretch { from, until: None, month: None });
        assert!(total.has(at("2090-01-01T00:00:00Z")) && !total.has(at("2026-11-01T15:00:00Z")));
    }

    #[test]
    fn shares_are_from_1_to_100_and_each_is_told_once() {
        assert_eq!(Alerts::of([100, 50, 80, 50]).expect("they are").shares(), [50, 80, 100]);
        for bad in [vec![0], vec![101], vec![-5], vec![300], (1..=11).collect()] {
            assert_eq!(Alerts::of(bad.clone()), None, "{bad:?}");
        }
        let told = |spent| budget(Unit::MicroCny, 999, &[50, 80, 100]).reached(spent).collect::<Vec<_>>();
        assert_eq!(told(499), Vec::<u8>::new());
        assert_eq!(told(500), [50], "half of 999 is not reached with 499");
        assert_eq!(told(998), [50, 80]);
        assert_eq!(told(5000), [50, 80, 100]);
    }

    #[test]
    fn what_is_used_up_is_told_with_its_numbers() {
        let zone = Zone::default();
        let used_up = UsedUp {
            whose: WhoseKind::Project,
            name: "vision".into(),
            month: Some("2026-11".into()),
            from: at("2026-10-31T16:00:00Z"),
            unit: Unit::MicroCny,
            amount: 1_000_000_000,
            spent: 1_000_000_000,
        };
        assert_eq!(
            used_up.text(Lang::En, &zone),
            "The budget of the project vision for 2026-11 is used up: 1,000.00 of 1,000.00 CNY."
        );
        assert_eq!(
            used_up.text(Lang::Zh, &zone),
            "项目 vision 2026-11 的预算已用尽：预算 1,000.00 元，已用 1,000.00 元。"
        );
        let total = UsedUp { whose: WhoseKind::Member, month: None, unit: Unit::CardMs, ..used_up };
        assert!(
            total.text(Lang::En, &zone).starts_with("The budget of the member vision since 2026-11-01 is")
        );
        assert!(
            total
                .text(Lang::Zh, &zone)
                .starts_with("成员 vision 自 2026-11-01 起的预算已用尽：预算 277.7777 卡时")
        );
    }

    proptest! {
        #[test]
        fn an_amount_is_reached_in_the_millisecond_after_it_lasts(
            spent in -1_000_000_i64..1_000_000_000,
            more in 1_i64..1_000_000_000,
            cards in 1_u32..100,
            rate in 1_i64..100_000_000,
            is_money in any::<bool>(),
        ) {
            let unit = if is_money { Unit::MicroCny } else { Unit::CardMs };
            let of = budget(unit, 1, &[]);
            let rate = RatePerCardHour(MicroCny(rate));
            let burns = [Burn { cards, rate }, Burn { cards: 0, rate }];
            let Millis(lasts) = of.lasts(spent, spent + more, &burns).expect("it burns");
            let burnt = |ms: i64| {
                let used = CardMs(ms * i64::from(cards));
                of.amount(used, rate.charge(used).expect("it fits"))
            };
            prop_assert!(burnt(lasts) <= more && burnt(lasts + 1) >= more);
            prop_assert_eq!(of.lasts(spent, spent, &burns), Some(Millis(0)));
            prop_assert_eq!(of.lasts(spent, spent + more, &[]), None);
        }

        #[test]
        fn the_amount_of_a_share_is_the_least_that_is_it(limit in 1_i64..1_000_000_000_000_000, share in 1_u8..=100) {
            let of = budget(Unit::CardMs, limit, &[]);
            let amount = i128::from(of.amount_of(share));
            let of_hundred = i128::from(limit) * i128::from(share);
            prop_assert!(amount * 100 >= of_hundred && (amount - 1) * 100 < of_hundred);
            prop_assert!(share < 100 || of.is_used_up(of.amount_of(share)));
        }
    }
}
