//! Amendments and versions in words, for the contract's page.

use base::page::{frame::Visitor, words::Ui};
use domain::{CardMs, MicroCny, Timestamp, amendment::Term};
use serde_json::Value;

use super::{
    ask::TermChange,
    rule::{self, DRAW_UP},
};
use crate::{app::contracts::ContractView, center::Center};

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

/// Whether a contract's page offers an amendment to this reader.
pub fn may_amend(center: &Center, visitor: &Visitor, contract: &ContractView) -> bool {
    rule::has_terms(contract.state) && visitor.may(center, DRAW_UP, Some(contract.tenant))
}
