//! What an amendment changes: the terms that differ, as the API tells them and in words.

use base::page::words::Ui;
use domain::{
    CardMs, MicroCny, Rfc3339, Timestamp,
    amendment::{Term, Terms},
};
use serde::Serialize;
use serde_json::{Value, json};

/// A term in which two versions differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TermChange {
    pub term: Term,
    /// An instant for `ends_at`; else micro-CNY, card-milliseconds or cards; `null` for no limit.
    #[schema(value_type = Value)]
    pub before: Value,
    #[schema(value_type = Value)]
    pub after: Value,
}

/// The terms in which two versions differ.
pub fn changes(before: &Terms, after: &Terms) -> Vec<TermChange> {
    let value = |term: Term, value: Option<i64>| match (term, value) {
        (_, None) => Value::Null,
        (Term::EndsAt, Some(at)) => json!(Rfc3339(Timestamp::from_micros(at))),
        (_, Some(amount)) => json!(amount),
    };
    let all = before.differences(after).into_iter();
    all.map(|(term, before, after)| TermChange {
        term,
        before: value(term, before),
        after: value(term, after),
    })
    .collect()
}

/// A changed term in words: what it is called, and what it was and is.
pub struct Told {
    pub term: String,
    pub before: String,
    pub after: String,
}

/// The changes of an amendment or version, in words.
pub fn told(ui: Ui, changes: &[TermChange]) -> Vec<Told> {
    let each = |change: &TermChange| Told {
        term: ui.word("amend-term", change.term.code()),
        before: value(ui, change.term, &change.before),
        after: value(ui, change.term, &change.after),
    };
    changes.iter().map(each).collect()
}

fn value(ui: Ui, term: Term, value: &Value) -> String {
    match (term, value.as_i64()) {
        (Term::EndsAt, _) => {
            let at = value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
            at.map(|at| ui.zone.date(at)).unwrap_or_default()
        }
        (_, None) => ui.t("no-bound"),
        (Term::Fee | Term::CreditLimit, Some(amount)) => format!("¥ {}", MicroCny(amount)),
        (Term::Package | Term::Cap, Some(time)) => ui.set_hours(&CardMs(time)),
        (_, Some(number)) => ui.count(number),
    }
}
