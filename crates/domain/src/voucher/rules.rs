//! The rules of a programme: which share it pays of which contract. They are data, looked at in their order; the first that
//! fits holds.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{FacilityKind, TenantSize, Usage, share_of};
use crate::{MicroCny, TenantDomain};

/// The whole, in basis points.
const WHOLE_BP: u32 = 10_000;
/// The most rules of a programme.
const MOST_RULES: usize = 32;

/// What has to hold for a rule; what is left out may be anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct When {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facility_kind: Option<FacilityKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_size: Option<TenantSize>,
    /// All that the tenant applies for in the year is this or less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub year_total_le_micro_cny: Option<MicroCny>,
}

/// One rule: the share that is paid where it fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    #[serde(default)]
    pub when: When,
    /// In basis points: 3,000 are 30 %.
    #[schema(minimum = 1, maximum = 10_000)]
    pub rate_bp: u32,
}

/// What a programme pays, and whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    pub rules: Vec<Rule>,
    /// The most that a tenant gets in a year; left out: as much as the pot has.
    #[serde(default)]
    pub cap_per_tenant_micro_cny: Option<MicroCny>,
    /// The short names of programmes whose vouchers may pay for the same contract.
    #[serde(default)]
    pub stack_with: Vec<String>,
    /// The most that all of them pay together, in basis points.
    #[serde(default = "whole")]
    pub combined_bp: u32,
    /// A contract gets one voucher of the programme, and never a second.
    #[serde(default = "yes")]
    pub exclusive_contracts: bool,
    /// Whose tenants may apply; empty: all.
    #[serde(default)]
    pub domains: Vec<TenantDomain>,
}

fn whole() -> u32 {
    WHOLE_BP
}

fn yes() -> bool {
    true
}

/// A contract for which somebody applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    pub facility_kind: FacilityKind,
    pub usage: Usage,
    pub tenant_size: TenantSize,
    /// All that the tenant applies for in the year, this contract with it.
    pub year_total: MicroCny,
}

/// Why terms are none. Rules are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RulesFault {
    NoRules,
    TooMany {
        most: usize,
    },
    Rate {
        rule: usize,
    },
    Total {
        rule: usize,
    },
    /// Earlier rules fit wherever it does.
    Unreachable {
        rule: usize,
    },
    Cap,
    Combined,
}

/// Something about the rules that people should look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum Finding {
    /// Both fit somewhere, with other rates; the earlier one holds there.
    Overlap { rule: usize, with: usize },
    /// For some contracts no rule fits: they get nothing.
    Gap,
}

impl When {
    fn fits(&self, asked: &Asked) -> bool {
        let fits = |wanted: Option<u8>, is: u8| wanted.is_none_or(|wanted| wanted == is);
        fits(self.facility_kind.map(|kind| kind as u8), asked.facility_kind as u8)
            && fits(self.usage.map(|usage| usage as u8), asked.usage as u8)
            && fits(self.tenant_size.map(|size| size as u8), asked.tenant_size as u8)
            && self.year_total_le_micro_cny.is_none_or(|most| asked.year_total <= most)
    }
}

impl Terms {
    /// The rule that holds, with its number from 1.
    pub fn rule(&self, asked: &Asked) -> Option<(usize, Rule)> {
        (1..).zip(&self.rules).find(|(_, rule)| rule.when.fits(asked)).map(|(number, rule)| (number, *rule))
    }

    /// The face of a voucher for a contract of this amount, of which `left` is left of the tenant's year.
    pub fn face(&self, rate_bp: u32, amount: MicroCny, taken_this_year: MicroCny) -> MicroCny {
        let share = share_of(amount, rate_bp);
        match self.cap_per_tenant_micro_cny {
            Some(cap) => MicroCny(share.0.min((cap.0 - taken_this_year.0).max(0))),
            None => share,
        }
    }

    /// Where a little more in the year would pay less: the total, the rate up to it, and the rate above it.
    pub fn cliff(&self, asked: &Asked) -> Option<(MicroCny, u32, u32)> {
        let (_, held) = self.rule(asked)?;
        let total = held.when.year_total_le_micro_cny?;
        let above = Asked { year_total: MicroCny(total.0.saturating_add(1)), ..*asked };
        let next = self.rule(&above).map_or(0, |(_, rule)| rule.rate_bp);
        (next < held.rate_bp).then_some((total, held.rate_bp, next))
    }

    /// Refuses terms that mean nothing.
    pub fn check(&self) -> Result<(), RulesFault> {
        if self.rules.is_empty() {
            return Err(RulesFault::NoRules);
        }
        if self.rules.len() > MOST_RULES {
            return Err(RulesFault::TooMany { most: MOST_RULES });
        }
        for (rule, Rule { when, rate_bp }) in (1..).zip(&self.rules) {
            if !(1..=WHOLE_BP).contains(rate_bp) {
                return Err(RulesFault::Rate { rule });
            }
            if when.year_total_le_micro_cny.is_some_and(|most| most.0 <= 0) {
                return Err(RulesFault::Total { rule });
            }
        }
        if self.cap_per_tenant_micro_cny.is_some_and(|cap| cap.0 <= 0) {
            return Err(RulesFault::Cap);
        }
        if !(1..=WHOLE_BP).contains(&self.combined_bp) {
            return Err(RulesFault::Combined);
        }
        let reached: BTreeSet<usize> =
            self.cases().iter().filter_map(|case| self.rule(case)).map(|(number, _)| number).collect();
        match (1..=self.rules.len()).find(|number| !reached.contains(number)) {
            Some(rule) => Err(RulesFault::Unreachable { rule }),
            None => Ok(()),
        }
    }

    /// What people should know of rules that are none the less meant so.
    pub fn findings(&self) -> Vec<Finding> {
        let (mut overlaps, mut has_gap) = (BTreeSet::new(), false);
        for case in self.cases() {
            let mut fitting = (1..).zip(&self.rules).filter(|(_, rule)| rule.when.fits(&case));
            let Some((first, held)) = fitting.next() else {
                has_gap = true;
                continue;
            };
            let others = fitting.filter(|(_, rule)| rule.rate_bp != held.rate_bp);
            overlaps.extend(others.map(|(other, _)| (other, first)));
        }
        let overlaps = overlaps.into_iter().map(|(rule, with)| Finding::Overlap { rule, with });
        overlaps.chain(has_gap.then_some(Finding::Gap)).collect()
    }

    /// One contract of each kind that the rules can tell apart.
    fn cases(&self) -> Vec<Asked> {
        let limits = self.rules.iter().filter_map(|rule| rule.when.year_total_le_micro_cny);
        let totals: BTreeSet<MicroCny> =
            limits.flat_map(|most| [most, MicroCny(most.0.saturating_add(1))]).chain([MicroCny(1)]).collect();
        let mut cases = Vec::new();
        for facility_kind in FacilityKind::ALL {
            for usage in Usage::ALL {
                for tenant_size in TenantSize::ALL {
                    let of = |year_total: &MicroCny| Asked {
                        facility_kind,
                        usage,
                        tenant_size,
                        year_total: *year_total,
                    };
                    cases.extend(totals.iter().map(of));
                }
            }
        }
        cases
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YUAN: i64 = 1_000_000;

    fn rule(when: When, rate_bp: u32) -> Rule {
        Rule { when, rate_bp }
    }

    /// Hangzhou's rules of 2025 for computing: 30 % on domestic cards, 20 % on others, 50 % for small ones.
    fn hangzhou() -> Terms {
        let domestic = When { facility_kind: Some(FacilityKind::Domestic), ..When::default() };
        let small = When {
            tenant_size: Some(TenantSize::Sme),
            year_total_le_micro_cny: Some(MicroCny::from_yuan(500_000)),
            ..When::default()
        };
        let maas = When { usage: Some(Usage::Maas), ..When::default() };
        Terms {
            rules: vec![
                rule(small, 5_000),
                rule(maas, 3_000),
                rule(domestic, 3_000),
                rule(When::default(), 2_000),
            ],
            cap_per_tenant_micro_cny: Some(MicroCny::from_yuan(8_000_000)),
            stack_with: vec!["zhejiang-2025".into()],
            combined_bp: 6_000,
            exclusive_contracts: true,
            domains: vec![TenantDomain::Enterprise],
        }
    }

    fn asked(facility_kind: FacilityKind, tenant_size: TenantSize, yuan: i64) -> Asked {
        Asked { facility_kind, usage: Usage::Training, tenant_size, year_total: MicroCny::from_yuan(yuan) }
    }

    fn face(asked: &Asked, taken_yuan: i64) -> i64 {
        let terms = hangzhou();
        let (_, held) = terms.rule(asked).expect("a rule holds");
        terms.face(held.rate_bp, asked.year_total, MicroCny::from_yuan(taken_yuan)).0
    }

    #[test]
    fn hangzhous_rules_pay_what_the_city_pays() {
        use FacilityKind::{Domestic, Other};
        use TenantSize::{Large, Sme};
        // (a) and (b): a firm with a million, on domestic cards and on others.
        assert_eq!(face(&asked(Domestic, Large, 1_000_000), 0), 300_000 * YUAN);
        assert_eq!(face(&asked(Other, Large, 1_000_000), 0), 200_000 * YUAN);
        // (c) and (d): a small one, below the limit, at it, and a yuan above it.
        assert_eq!(face(&asked(Domestic, Sme, 400_000), 0), 200_000 * YUAN);
        assert_eq!(face(&asked(Domestic, Sme, 500_000), 0), 250_000 * YUAN);
        assert_eq!(face(&asked(Domestic, Sme, 500_001), 0), 150_000 * YUAN + 300_000);
        // (e): the year reaches the cap; the next is cut to the rest.
        assert_eq!(face(&asked(Domestic, Large, 1_000_000), 7_800_000), 200_000 * YUAN);
        assert_eq!(face(&asked(Domestic, Large, 1_000_000), 8_000_000), 0);
    }

    #[test]
    fn the_cliff_is_told_to_who_stands_before_it() {
        let terms = hangzhou();
        let small = asked(FacilityKind::Domestic, TenantSize::Sme, 400_000);
        assert_eq!(terms.cliff(&small), Some((MicroCny::from_yuan(500_000), 5_000, 3_000)));
        assert_eq!(terms.cliff(&Asked { tenant_size: TenantSize::Large, ..small }), None);
        assert_eq!(terms.cliff(&asked(FacilityKind::Domestic, TenantSize::Sme, 600_000)), None);
    }

    #[test]
    fn terms_that_mean_nothing_are_refused() {
        let good = hangzhou();
        assert_eq!(good.check(), Ok(()));
        let bad = |change: fn(&mut Terms)| {
            let mut terms = good.clone();
            change(&mut terms);
            terms.check()
        };
        assert_eq!(bad(|terms| terms.rules.clear()), Err(RulesFault::NoRules));
        assert_eq!(
            bad(|terms| terms.rules = vec![terms.rules[3]; 33]),
            Err(RulesFault::TooMany { most: 32 })
        );
        assert_eq!(bad(|terms| terms.rules[1].rate_bp = 0), Err(RulesFault::Rate { rule: 2 }));
        assert_eq!(bad(|terms| terms.rules[1].rate_bp = 10_001), Err(RulesFault::Rate { rule: 2 }));
        let no_total = |terms: &mut Terms| terms.rules[0].when.year_total_le_micro_cny = Some(MicroCny(0));
        assert_eq!(bad(no_total), Err(RulesFault::Total { rule: 1 }));
        assert_eq!(bad(|terms| terms.rules.swap(2, 3)), Err(RulesFault::Unreachable { rule: 4 }));
        assert_eq!(bad(|terms| terms.cap_per_tenant_micro_cny = Some(MicroCny(0))), Err(RulesFault::Cap));
        assert_eq!(bad(|terms| terms.combined_bp = 0), Err(RulesFault::Combined));
    }

    #[test]
    fn rules_that_overlap_or_leave_some_out_are_told() {
        let terms = hangzhou();
        let overlap = |rule, with| Finding::Overlap { rule, with };
        assert_eq!(
            terms.findings(),
            [overlap(2, 1), overlap(3, 1), overlap(4, 1), overlap(4, 2), overlap(4, 3)]
        );
        let alone = Terms { rules: vec![terms.rules[2]], ..terms };
        assert_eq!(alone.findings(), [Finding::Gap]);
    }
}
