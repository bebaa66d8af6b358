# The center's mail, for its operators.

nav-mails = Mail
mails = Mails
mails-none = No mail was sent yet.
mails-counts = { $a } waiting, { $b } failed
mails-off = The center sends no mail: its settings name no relay in [mail].
mails-relay-bad = The relay takes no mail
mails-test = Test
mails-send-test = Send a test mail
mail-to = To
mail-purpose = For
mail-due = next try
mail-attempts = Tries
mail-answer = Last answer
mail-retry = Send again
mail-state-waiting = waiting
mail-state-sent = sent
mail-state-failed = failed
mail-for-notices = notices
mail-for-reset = another password
mail-for-invitation = invitation
mail-for-application = application
mail-for-job-began = a job that began
mail-for-job-again = a job that is tried again
mail-for-job-ended = a job that ended
mail-for-quote = quote
mail-for-test = test
