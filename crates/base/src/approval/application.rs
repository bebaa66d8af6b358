//! An application and what was done with it.

use domain::{ApplicationId, MemberId, TenantDomain, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{answers::Answers, step::Step};

domain::codes! {
    /// Where an application stands.
    pub enum State {
        /// Its applicant writes it.
        Draft = "draft",
        /// It was handed in, and nobody has said anything yet.
        Submitted = "submitted",
        /// A reviewer has spoken, and others are to.
        InReview = "in_review",
        /// It is back with its applicant, with a reason.
        Returned = "returned",
        /// It was decided, and nothing came of it yet; the end of what was rejected.
        Decided = "decided",
        /// What was approved is there.
        Effected = "effected",
        Withdrawn = "withdrawn",
        /// The clock ended it.
        Expired = "expired",
    }

    pub enum Outcome {
        Approved = "approved",
        ApprovedChanged = "approved_changed",
        Rejected = "rejected",
    }

    /// What was done with an application.
    pub enum Deed {
        Drafted = "drafted",
        Submitted = "submitted",
        Approved = "approved",
        ApprovedChanged = "approved_changed",
        Scored = "scored",
        Returned = "returned",
        Rejected = "rejected",
        /// A reviewer has an interest of their own and keeps out.
        Conflict = "conflict",
        Effected = "effected",
        Withdrawn = "withdrawn",
        Expired = "expired",
    }
}

impl State {
    /// Whether nothing can happen to it any more.
    pub fn is_over(self, outcome: Option<Outcome>) -> bool {
        match self {
            Self::Effected | Self::Withdrawn | Self::Expired => true,
            Self::Decided => outcome == Some(Outcome::Rejected),
            Self::Draft | Self::Submitted | Self::InReview | Self::Returned => false,
        }
    }

    /// Whether reviewers have it.
    pub fn is_with_reviewers(self) -> bool {
        matches!(self, Self::Submitted | Self::InReview)
    }

    /// Whether its applicant may change it.
    pub fn is_with_applicant(self) -> bool {
        matches!(self, Self::Draft | Self::Returned)
    }
}

impl Deed {
    /// Whether it is a reviewer's word on the application.
    pub fn is_verdict(self) -> bool {
        matches!(
            self,
            Self::Approved | Self::ApprovedChanged | Self::Scored | Self::Returned | Self::Rejected
        )
    }
}

/// How an application was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub outcome: Outcome,
    pub at: Timestamp,
    /// For its applicant; never empty where it was rejected or changed.
    pub reason: String,
    /// The answers as they are granted; empty where it was rejected.
    pub granted: Answers,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    pub id: ApplicationId,
    /// The code of its kind.
    pub kind: String,
    /// By which people name it: `A-2026-000017`.
    pub number: String,
    /// By whose path it goes.
    pub domain: TenantDomain,
    /// Who asks; `None`: a stranger, who has the secret of which `tracking` is the hash.
    pub applicant: Option<MemberId>,
    pub tracking: Option<[u8; 32]>,
    /// The address that a stranger's came from.
    pub from_address: String,
    pub form_version: u32,
    pub answers: Answers,
    pub state: State,
    /// How often it was handed in.
    pub round: u32,
    /// Its path, fixed when it was handed in.
    pub steps: Vec<Step>,
    /// The step whose turn it is, from 0.
    pub step: u32,
    pub decision: Option<Decision>,
    /// The tenant that asks, or that came of it.
    pub tenant: Option<TenantId>,
    pub created_at: Timestamp,
    pub changed_at: Timestamp,
    /// When the review should be over.
    pub due_at: Option<Timestamp>,
    /// When the clock ends it.
    pub expires_at: Option<Timestamp>,
}

impl Application {
    pub fn outcome(&self) -> Option<Outcome> {
        self.decision.as_ref().map(|decision| decision.outcome)
    }

    /// The step whose turn it is.
    pub fn open_step(&self) -> Option<Step> {
        let open = self.state.is_with_reviewers();
        self.steps.get(self.step as usize).copied().filter(|_| open)
    }
}

/// Something that was done with an application. Acts are only added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    pub application: ApplicationId,
    /// From 0.
    pub seq: u32,
    pub at: Timestamp,
    pub deed: Deed,
    /// The reviewer, or the member who asks.
    pub by: Option<MemberId>,
    pub round: u32,
    pub step: u32,
    pub score: Option<u32>,
    /// For the applicant to read, as it was given.
    pub reason: String,
    /// For the center's own people.
    pub note: String,
    /// Answers that are granted otherwise than they were asked for.
    pub changes: Answers,
}
