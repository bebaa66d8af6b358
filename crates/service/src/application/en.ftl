# Applications, at the desk of those who decide them

nav-applications = Applications
action-read_application = See applications
action-review_application = Review an application
action-make_account_link = Make a link for a first password
action-apply = Apply, as somebody who has not signed in
action-effect_application = An approved application took effect
action-expire_application = An application expired
action-first_password = Set the first password of a new account
event-application-changed = application
detail-verdict = verdict
detail-deed = deed
applications-text = What is asked of the center, and who is to decide it
applications-filter = Narrow applications down
applications-none = No application is here
applications-none-text = Organisations apply on the front page; with other filters there may be more.
application-of = Applicant
application-open = in review or waiting for it
application-changed = Changed
application-due = Due
application-due-in = { $n ->
    [0] late already
    [one] within a day
   *[other] within { $n } days
  }
application-age = Age
application-older = { $n ->
    [one] a day or more
   *[other] { $n } days or more
  }
application-late = late
application-kind-join = joining the center
application-state-draft = draft
application-state-submitted = waiting for review
application-state-in_review = in review
application-state-returned = back with the applicant
application-state-decided = decided
application-state-effected = in effect
application-state-withdrawn = withdrawn
application-state-expired = expired
outcome-approved = approved
outcome-approved_changed = approved with changes
outcome-rejected = rejected
deed-drafted = Drawn up
deed-submitted = Handed in
deed-approved = Approved
deed-approved_changed = Approved with changes
deed-scored = Scored
deed-returned = Returned
deed-rejected = Rejected
deed-conflict = Declared an interest of their own
deed-effected = Took effect
deed-withdrawn = Withdrawn
deed-expired = Expired
verdict-approve = Approve
verdict-return = Return
verdict-reject = Reject
verdict-conflict = I have an interest in this
step-quorum = { $a } of { $b } approve
step-average = { $a } score it, { $b } or more on average
application-answers = What is asked for
application-granted = granted: { $what }
application-too-few = A step of this path needs { $needed } with the role { $role }, and the center has { $there } who can sign in. Nobody can decide the application as things stand.
application-too-few-hint = Give the role to more people under People, or have the applicant hand it in again on another path of the settings, [approval].
application-twin = application { $name } has the same
application-twin-tenant = tenant { $name } has the same
application-twin-login = somebody has the login { $name } already
application-history = History
application-history-none = Nothing has been done with it yet.
application-deed = What happened
application-note = Note for the center
application-note-hint = Applicants don't see it.
application-verdict = Your verdict
application-score = Score
application-score-hint = 0 to 100; a score below the least average needs a reason
application-reason-hint = The applicant reads it as you write it. A rejection, a return and a change need one.
application-changes = Approve with changes
application-changes-hint = What you fill in is granted in place of what was asked for.
application-account = First account
application-has-password = Its password is set.
application-no-password = Its password is not set yet. The applicant sets it on the page of the application, or by a link of yours.
application-make-link = Make a link
application-link-made = Hand this link to the applicant: the first administrator sets a password there, once. It leads there for 7 days and is shown this once.
application-path = Who decides
application-path-none = The path is fixed when the application is handed in.
