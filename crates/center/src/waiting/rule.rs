//! The order and the groups in which waiting jobs are told.

use std::collections::BTreeMap;

use scheduler::Verdict;
use serde::Serialize;

/// How many jobs one limit holds back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct LimitCount {
    /// As a job's verdict has it: `free_cards`.
    pub code: String,
    pub jobs: u64,
}

/// By the limit that binds them, the most first.
pub fn reasons(verdicts: &[Verdict]) -> Vec<LimitCount> {
    let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
    for verdict in verdicts {
        *counts.entry(verdict.code()).or_default() += 1;
    }
    let mut reasons: Vec<LimitCount> =
        counts.into_iter().map(|(code, jobs)| LimitCount { code: code.to_owned(), jobs }).collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.jobs));
    reasons
}

/// Those with a forecast first, by it; the others stay in the planning order.
pub fn sort_by_start(verdicts: &mut [Verdict]) {
    verdicts.sort_by_key(|verdict| (verdict.forecast_start.is_none(), verdict.forecast_start));
}

#[cfg(test)]
mod tests {
    use domain::{ContractState, JobId, Timestamp};
    use scheduler::{Certainty, Limit};

    use super::*;

    fn verdict(job: u8, start: Option<i64>) -> Verdict {
        Verdict {
            job: JobId::from_bytes([job; 16]),
            limit: match start {
                Some(_) => Limit::FreeCards { free: 1, asked: 8 },
                None => Limit::ContractClosed { state: ContractState::Suspended },
            },
            ahead: 0,
            forecast_start: start.map(Timestamp::from_secs),
            certainty: Certainty::Unknown,
        }
    }

    #[test]
    fn the_next_to_start_come_first_and_limits_are_counted() {
        let mut all = [
            verdict(1, None),
            verdict(2, Some(30)),
            verdict(3, Some(10)),
            verdict(4, None),
            verdict(5, Some(10)),
        ];
        let told: Vec<(String, u64)> = reasons(&all).into_iter().map(|one| (one.code, one.jobs)).collect();
        assert_eq!(told, [("free_cards".to_owned(), 3), ("contract_closed".to_owned(), 2)]);
        sort_by_start(&mut all);
        let order: Vec<JobId> = all.iter().map(|verdict| verdict.job).collect();
        assert_eq!(order, [3, 5, 2, 1, 4].map(|job| JobId::from_bytes([job; 16])));
    }
}
