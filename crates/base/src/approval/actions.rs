//! What can be done with applications, and the kind of event that tells of them.

use super::{
    application::{Deed, State},
    rule::Verdict,
    step::DECIDERS,
};
use crate::{
    auth::Action,
    detail::Detail,
    events::Kind,
    notice::topic::{Audience, Channel, Topic},
};

/// Where the data of an event names the role whose step has opened with it.
pub const OPENS: &str = "opens";
/// Where the data says that the application was handed in once more.
pub const AGAIN: &str = "again";

/// An application was handed in, moved on, decided, or ended.
pub const CHANGED: Kind = Kind::new("application_changed").tells(&[
    Topic {
        code: "application_moved",
        to: &[Audience::Applicant],
        when: |_| true,
        by_default: &[Channel::Inbox, Channel::Mail],
        page: "",
        words: STATES,
    },
    Topic {
        code: "application_to_review",
        // Whoever's step it now is, as each step opens.
        to: &[Audience::CenterNamed { key: OPENS, among: DECIDERS }],
        when: |data| data.get(OPENS).is_some(),
        by_default: &[Channel::Inbox, Channel::Mail],
        page: "/applications/{number}",
        words: STATES,
    },
]);

const STATES: &[(&str, &str)] = &[("state", "application-state")];

const NUMBER: Detail = Detail::text("number");
const STATE: Detail = Detail::word::<State>("state", "application-state");
const NAME: Detail = Detail::text("name");
const LOGIN: Detail = Detail::text("login");

pub const READ: Action = Action::new("read_application", "read");
pub const REVIEW: Action = Action::new("review_application", "keep_contracts").keeps(&[
    NUMBER,
    Detail::word::<Verdict>("verdict", "verdict"),
    STATE,
    Detail::text("reason"),
    Detail::text("changes"),
]);
/// A link by which the first administrator of a new tenant sets a password.
pub const MAKE_LINK: Action = Action::new("make_account_link", "keep_contracts").keeps(&[NUMBER, LOGIN]);
/// Whoever asks drew an application up, handed it in, or withdrew it.
pub const APPLY: Action = Action::deed("apply").keeps(&[NUMBER, Detail::word::<Deed>("deed", "deed"), STATE]);
/// Whoever asks added a file to an application.
pub const ATTACH: Action = Action::deed("attach_file").keeps(&[NUMBER, NAME, Detail::text("sha256")]);
/// Whoever asks took a file away from an application.
pub const DETACH: Action = Action::deed("remove_attachment").keeps(&[NUMBER, NAME, Detail::text("sha256")]);
/// What was approved is there.
pub const EFFECT: Action =
    Action::deed("effect_application").keeps(&[NUMBER, Detail::text("slug"), Detail::text("project"), LOGIN]);
/// The time of an application was over.
pub const EXPIRE: Action = Action::deed("expire_application").keeps(&[NUMBER, STATE]);
/// The first administrator of a tenant that came of an application set a password.
pub const FIRST_PASSWORD: Action = Action::deed("first_password").keeps(&[NUMBER, LOGIN]);
