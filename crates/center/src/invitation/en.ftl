# Invitations: a link by which somebody becomes a member.

action-read_invitation = See invitations
action-invite_member = Invite members
action-join_by_invitation = Became a member by an invitation
event-member-joined = became a member
detail-invitation = invitation
invitation = Invitation
invitations = Invitations
invitations-none = No invitations yet
invitations-none-text = Whoever you invite signs in as who they are, or makes a login, and becomes a member.
invitation-made = The invitation is made
invitation-once = Send this link to them now: it is not shown again. It is good for one person, once.
invitation-take-back = Take back
invited-by = Invited by
invite = Invite somebody
invite-make = Make a link
invite-email-hint = Whom it is for.
invite-send = Send the link to that address
invite-days = Days that the link is good for: { $n }.
join-as = You are invited as { $role }.
join-own = Join as { $login }
join-otherwise = Or join as somebody else:
join-new = Make a login
join-make = Make it and join
join-known = I have a login here
join-sign-in = Sign in and join
