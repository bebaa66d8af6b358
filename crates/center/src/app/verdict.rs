//! Why a job waits, as API and portal show it.

use domain::{Rfc3339, Zone};
use scheduler::{Certainty, Limit, Verdict};
use serde::Serialize;

use base::text::Sentence;

/// Why a job waits.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct VerdictView {
    /// The binding limit, as programs read it: `free_cards`.
    pub code: String,
    /// The binding limit with its numbers, as people read it.
    pub text: Sentence,
    /// Its numbers, whose names are each limit's own.
    #[schema(value_type = Object)]
    pub limit: Limit,
    /// Jobs that come before it.
    pub ahead: u32,
    /// `null` where no start can be told.
    pub forecast_start: Option<Rfc3339>,
    pub certainty: Certainty,
}

impl VerdictView {
    /// Of a job of which the planner says nothing.
    pub fn unplanned(limit: &Limit, zone: &Zone) -> Self {
        Self {
            code: limit.code().to_owned(),
            text: Sentence::of(|lang| limit.text(lang, zone)),
            limit: limit.clone(),
            ahead: 0,
            forecast_start: None,
            certainty: Certainty::Unknown,
        }
    }

    pub fn of(verdict: &Verdict, zone: &Zone) -> Self {
        Self {
            code: verdict.limit.code().to_owned(),
            text: Sentence::of(|lang| verdict.text(lang, zone)),
            limit: verdict.limit.clone(),
            ahead: verdict.ahead,
            forecast_start: verdict.forecast_start.map(Rfc3339),
            certainty: verdict.certainty,
        }
    }
}
