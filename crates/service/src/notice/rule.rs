//! Whom a topic can concern, and what may be wished for.

use base::{
    auth::Action,
    detail::Detail,
    notice::topic::{Audience, Topic},
};
use domain::Role;

/// A person read notices of their own.
pub const READ_OWN: Action = Action::deed("read_notice").keeps(&[Detail::count("notices")]);
/// A person said what they want to hear of, and how.
pub const SET_WISHES: Action = Action::deed("set_notice_wishes").keeps(&[
    Detail::text("topic"),
    Detail::text("channel"),
    Detail::yes_no("is_wanted"),
    Detail::yes_no("manners"),
]);
/// A link in a mail ended mail of its kind.
pub const UNSUBSCRIBE: Action = Action::deed("unsubscribe").keeps(&[Detail::text("topic")]);

/// Whether somebody in that role can be concerned by a topic.
pub fn concerns(topic: &Topic, role: Role) -> bool {
    topic.to.iter().any(|audience| match audience {
        Audience::Submitter => matches!(role, Role::Admin | Role::Developer),
        Audience::Applicant => !role.is_of_center(),
        Audience::Tenant(wanted) | Audience::Center(wanted) => *wanted == role,
        Audience::CenterNamed { among, .. } => among.contains(&role),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_asked_about_what_can_concern_one() {
        let of = |to| Topic { code: "a", to, when: |_| true, by_default: &[], page: "", words: &[] };
        let money = of(&[Audience::Tenant(Role::Finance)]);
        assert!(concerns(&money, Role::Finance) && !concerns(&money, Role::Admin));
        let job = of(&[Audience::Submitter]);
        assert!(concerns(&job, Role::Developer) && !concerns(&job, Role::Finance));
        let node = of(&[Audience::Center(Role::Operator)]);
        assert!(concerns(&node, Role::Operator) && !concerns(&node, Role::Auditor));
        assert!(concerns(&of(&[Audience::Applicant]), Role::Finance));
        let named = of(&[Audience::CenterNamed { key: "role", among: &[Role::Contracts] }]);
        assert!(concerns(&named, Role::Contracts) && !concerns(&named, Role::Auditor));
    }
}
