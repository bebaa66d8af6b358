//! Approval 审批: one engine for whatever is asked of the center and decided by people. An application is drawn up, handed
//! in, looked at by the steps of its path, decided, and takes effect once.
//!
//! The rule ([`next`]) is pure: it has neither a clock nor a store. [`keep`] loads and keeps what the rule decides, with its
//! events, and has an approval take effect in the transaction that decides it. A [`Kind`] is a value in the table of nouns:
//! its form, its paths and its effect. A noun that has something to be decided adds one by a line.

pub mod actions;
mod answers;
pub mod application;
pub mod attach;
pub mod attachment;
mod form;
#[cfg(test)]
mod form_tests;
pub mod keep;
mod kind;
pub mod rows;
mod rule;
pub mod settings;
mod step;
#[cfg(test)]
mod tests;

pub use answers::Answers;
pub use application::{Act, Application, Decision, Deed, Outcome, State};
pub use form::{Answer, Form, Question};
pub use kind::{Effect, Kind};
pub use rule::{Fault, Judgement, Move, Next, Reviewer, Standing, Terms, Verdict, next, standing};
pub use step::{MOST_STEPS, Step};
