//! A step of a path: who looks at an application, and when it has passed. Steps are data, so that a center changes its paths
//! by its settings and an application keeps the path on which it was handed in.

use domain::Role;
use serde::{Deserialize, Serialize};

/// The most steps of a path.
pub const MOST_STEPS: usize = 9;
/// The most people who look at an application in one step.
const MOST_PEOPLE: u32 = 9;
/// The best score.
pub const BEST: u32 = 100;

/// The roles that decide.
pub const DECIDERS: &[Role] = &[Role::Operator, Role::Contracts];

/// One step. So many people of the role approve it, each of them once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// `operator` or `contracts`: the roles that decide.
    pub role: Role,
    /// How many have to approve, or to give a score where there is a `least_average`.
    #[serde(default = "one")]
    pub quorum: u32,
    /// Of how many who look at it; `quorum` where left out, so that each refusal is final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u32>,
    /// The least average of the scores, 0 to 100, with which the step has passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least_average: Option<u32>,
}

fn one() -> u32 {
    1
}

impl Step {
    /// So many of a role, each of whom has to approve.
    pub const fn all_of(quorum: u32, role: Role) -> Self {
        Self { role, quorum, of: None, least_average: None }
    }

    /// How many look at it at most.
    pub fn most(self) -> u32 {
        self.of.unwrap_or(self.quorum)
    }

    /// What is wrong with a step that somebody wrote down.
    pub fn problem(self) -> Option<String> {
        if !DECIDERS.contains(&self.role) {
            return Some(format!(
                "the role `{}` decides nothing: name operator or contracts",
                self.role.code()
            ));
        }
        if !(1..=MOST_PEOPLE).contains(&self.quorum) {
            return Some(format!("`quorum` is {}: it must be 1 to {MOST_PEOPLE}", self.quorum));
        }
        if !(self.quorum..=MOST_PEOPLE).contains(&self.most()) {
            return Some(format!("`of` is {}: it must be {} to {MOST_PEOPLE}", self.most(), self.quorum));
        }
        if let Some(least) = self.least_average {
            if self.of.is_some() {
                return Some("`of` and `least_average` exclude each other".to_owned());
            }
            if least > BEST {
                return Some(format!("`least_average` is {least}: it must be 0 to {BEST}"));
            }
        }
        None
    }
}
