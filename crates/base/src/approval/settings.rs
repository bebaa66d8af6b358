//! How a center reviews: by when, and on which paths.

use std::collections::BTreeMap;

use domain::{Millis, TenantDomain};
use serde::Deserialize;

use super::{
    rule::Terms,
    step::{MOST_STEPS, Step},
};

const MOST_DAYS: i64 = 3650;

/// `[approval]`, with a section for each path that is not the kind's own: `[approval.join.enterprise]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct ApprovalSettings {
    /// After how many days a draft expires that nobody handed in, and an application that went back.
    pub draft_days: i64,
    /// Within how many days a review should be over.
    pub due_days: i64,
    /// After how many days an application expires that nobody decided.
    pub expire_days: i64,
    /// By kind and domain.
    #[serde(flatten)]
    pub paths: BTreeMap<String, BTreeMap<TenantDomain, PathSettings>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathSettings {
    pub steps: Vec<Step>,
}

impl Default for ApprovalSettings {
    fn default() -> Self {
        Self { draft_days: 30, due_days: 10, expire_days: 90, paths: BTreeMap::new() }
    }
}

impl ApprovalSettings {
    pub fn terms(&self) -> Terms {
        let days = |days: i64| Millis::from_hours(days.saturating_mul(24));
        Terms { draft: days(self.draft_days), due: days(self.due_days), review: days(self.expire_days) }
    }

    /// The path of a kind in a domain, where it is not the kind's own.
    pub fn path(&self, kind: &str, domain: TenantDomain) -> Option<Vec<Step>> {
        Some(self.paths.get(kind)?.get(&domain)?.steps.clone())
    }

    /// The first thing that is wrong with these settings. Which kinds there are is known to the table of nouns alone.
    pub fn problem(&self) -> Option<String> {
        let days =
            [("draft_days", self.draft_days), ("due_days", self.due_days), ("expire_days", self.expire_days)];
        if let Some((key, days)) = days.into_iter().find(|(_, days)| !(1..=MOST_DAYS).contains(days)) {
            return Some(format!("`approval.{key}` is {days}: it must be 1 to {MOST_DAYS}"));
        }
        for (kind, paths) in &self.paths {
            for (domain, path) in paths {
                let at = format!("approval.{kind}.{}", domain.code());
                let count = path.steps.len();
                if !(1..=MOST_STEPS).contains(&count) {
                    return Some(format!("`{at}.steps` has {count} steps: it must have 1 to {MOST_STEPS}"));
                }
                if let Some(problem) = path.steps.iter().find_map(|step| step.problem()) {
                    return Some(format!("in `{at}.steps` {problem}"));
                }
            }
        }
        None
    }
}
