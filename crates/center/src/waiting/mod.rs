//! The jobs that wait, at a glance: how many and why, and which of them start next.

pub mod rule;

use domain::{JobId, TenantId};

use crate::center::Center;
use rule::LimitCount;

/// Jobs that wait, or parts of which do.
#[derive(Clone, Debug, Default)]
pub struct Waiting {
    pub jobs: u64,
    /// By the limit that binds them, the most first.
    pub reasons: Vec<LimitCount>,
    /// Those that start next, as far as that is known.
    pub next: Vec<JobId>,
}

/// The waiting jobs of a tenant, or of all.
///
/// Cost: linear in the jobs that wait.
pub fn look(center: &Center, tenant: Option<TenantId>, most: usize) -> Waiting {
    // The planner is never waited for while what is live is held.
    let mut verdicts = center.compute.planner().verdicts();
    {
        let live = center.live();
        let is_seen = |of: TenantId| tenant.is_none_or(|own| own == of);
        verdicts.retain(|verdict| live.job(verdict.job).is_some_and(|known| is_seen(known.job.tenant)));
    }
    let reasons = rule::reasons(&verdicts);
    rule::sort_by_start(&mut verdicts);
    Waiting {
        jobs: verdicts.len() as u64,
        reasons,
        next: verdicts.iter().take(most).map(|verdict| verdict.job).collect(),
    }
}
