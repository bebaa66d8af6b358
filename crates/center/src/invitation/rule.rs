//! Who may invite, and how an invitation ends.

use crate::notices::topics::MEMBER_TOPICS;
use base::{auth::Action, detail::Detail, events::Kind};
use domain::{MemberId, Role, TenantId, Timestamp};

domain::ids! {
    /// An invitation 邀请.
    InvitationId of Invited = "inv_", "invitation";
}

domain::codes! {
    /// How far an invitation has come.
    pub enum InvitationState {
        Open = "open",
        /// Somebody became a member by it.
        Taken = "taken",
        /// It was taken back.
        Revoked = "revoked",
        Expired = "expired",
    }
}

/// Which invitations there are: their links are shown to nobody.
pub const READ: Action = Action::new("read_invitation", "administer_read");
pub const INVITE: Action = Action::new("invite_member", "administer")
    .keeps(&[Detail::word::<Role>("role", "role"), Detail::yes_no("is_removed")]);
/// Somebody became a member by an invitation.
pub const JOIN: Action = Action::deed("join_by_invitation").keeps(&[
    Detail::text("login"),
    Detail::word::<Role>("role", "role"),
    Detail::text("invitation"),
]);

/// Somebody became a member.
pub const MEMBER_JOINED: Kind = Kind::new("member_joined").tells(MEMBER_TOPICS);

/// The most invitations of one tenant, or of the center, that are open at once.
pub const MOST_OPEN: u64 = 500;
/// The most that a list has.
pub const MOST_LISTED: u32 = 500;

/// An invitation, as it is kept. The token of its link is not: its hash is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    pub id: InvitationId,
    /// `None`: the center.
    pub tenant: Option<TenantId>,
    pub email: String,
    pub role: Role,
    pub hash: [u8; 32],
    pub invited_by: MemberId,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// When it was taken, or taken back.
    pub ended_at: Option<Timestamp>,
    pub taken_by: Option<MemberId>,
}

impl Invitation {
    pub fn state(&self, now: Timestamp) -> InvitationState {
        match (self.ended_at, self.taken_by) {
            (_, Some(_)) => InvitationState::Taken,
            (Some(_), None) => InvitationState::Revoked,
            (None, None) if self.expires_at <= now => InvitationState::Expired,
            (None, None) => InvitationState::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_is_open_until_it_is_taken_or_taken_back_or_expires() {
        let at = |secs| Timestamp::from_secs(secs);
        let open = Invitation {
            id: InvitationId::from_bytes([1; 16]),
            tenant: None,
            email: "lin@univ.example".into(),
            role: Role::Auditor,
            hash: [2; 32],
            invited_by: MemberId::from_bytes([3; 16]),
            created_at: at(0),
            expires_at: at(10),
            ended_at: None,
            taken_by: None,
        };
        let revoked = Invitation { ended_at: Some(at(5)), ..open.clone() };
        let taken = Invitation { taken_by: Some(open.invited_by), ..revoked.clone() };
        assert_eq!(open.state(at(9)), InvitationState::Open);
        assert_eq!(open.state(at(10)), InvitationState::Expired, "an expiry of now is past");
        assert_eq!(revoked.state(at(11)), InvitationState::Revoked);
        assert_eq!(taken.state(at(11)), InvitationState::Taken);
    }
}
