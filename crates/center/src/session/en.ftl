# Sessions: the browsers that a person is signed in with.

action-end_session = End a session of one's own
sessions = Browsers signed in
sessions-text = Whoever finds one here that is not theirs ends it, and changes the password.
session-program = Program
session-way = By
way-password = password
way-password_code = password and code
way-password_recovery = password and recovery code
way-issuer = organisation
way-issuer_factor = organisation, with its second factor
way-issuer_code = organisation and code
way-issuer_recovery = organisation and recovery code
session-from = From
session-since = Signed in
session-own = this one
session-end = Sign out
session-end-sure = Sign this browser out?
session-unknown = unknown
