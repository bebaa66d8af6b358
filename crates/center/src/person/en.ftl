# Persons: who signs in, and as which member.

action-read_person = See everybody who can sign in
action-manage_person = Change a person
action-change_own_person = Change what is one's own
detail-new-name = new name
detail-new-email = new e-mail address
place = Membership
place-go = Go on
email = E-mail
email-hint = Where people of the center and of your tenants reach you.
email-save = Save
email-changed = The e-mail address is saved.
person = Person
person-text = One login and password for all memberships. Whoever is kept out here can't sign in anywhere, and all sessions and tokens end.
person-let-in = Let in
person-keep-out = Keep out
person-keep-out-sure = Keep this person out everywhere? All their sessions and tokens end.
person-is-out = The center keeps this person out.
member-known = Add somebody who has a login
member-known-hint = One person may be a member in several tenants, and of the center, under one login.
member-persons-own = This person keeps their account themself: they set their name and password on their own page.
