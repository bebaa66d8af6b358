//! Why a job waits, as API and portal show it.

use scheduler::Verdict;
use serde::Serialize;
use serde_json::Value;

use base::{params::instant, text::Text};

/// Why a job waits.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct VerdictView {
    /// The binding limit, as programs read it: `free_cards`.
    pub code: String,
    /// The binding limit with its numbers, as people read it.
    pub text: Text,
    #[schema(value_type = Object)]
    pub limit: Value,
    /// Jobs that come before it.
    pub ahead: u32,
    /// RFC 3339; `null` where no start can be told.
    pub forecast_start: Option<String>,
    /// `exact`, `estimate` or `unknown`.
    pub certainty: String,
}

impl VerdictView {
    pub fn of(verdict: &Verdict) -> Self {
        let text_of = |value: Value| value.as_str().map(str::to_owned).unwrap_or_default();
        Self {
            code: verdict.limit.code().to_owned(),
            text: Text::of(|lang| verdict.text(lang)),
            limit: serde_json::to_value(&verdict.limit).unwrap_or_default(),
            ahead: verdict.ahead,
            forecast_start: instant(verdict.forecast_start),
            certainty: serde_json::to_value(verdict.certainty).map(text_of).unwrap_or_default(),
        }
    }
}
