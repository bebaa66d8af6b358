//! Notices in the center: who hears of its events, what contracts give warning of, and the keys by which the engine of
//! notices (`base::notice`) keeps what is secret. The inbox and the endpoints are nouns of the public compute service.

pub mod outside;
pub mod send;
pub mod topics;
pub(crate) mod vault;
pub mod warn;

use base::{auth::Action, detail::Detail, noun::Noun};

use crate::center::Center;

/// A mail that tries whether mail works.
pub const TEST_MAIL: Action = Action::new("test_mail", "run_center").keeps(&[Detail::text("address")]);
/// A mail that failed is to be tried again.
pub const RETRY_MAIL: Action = Action::new("retry_mail", "run_center").keeps(&[Detail::text("mail_purpose")]);
/// Which mails wait, went, or failed.
pub const READ_MAIL: Action = Action::new("read_mail", "run_center");

pub const NOUN: Noun<Center> = Noun {
    actions: &[READ_MAIL, TEST_MAIL, RETRY_MAIL],
    events: &[
        topics::BALANCE_LOW,
        topics::CONTRACT_EXPIRING,
        topics::STATEMENT_ISSUED,
        topics::ENDPOINT_DISABLED,
    ],
    texts: &[[include_str!("zh.ftl"), include_str!("en.ftl")]],
    ..Noun::named("mail")
};
