# Debts.

nav-debts = Debts
debt-title = By days since they were due
debt-none = Nobody owes anything.
debt-text = A debt is due some days after the month in which it arose was closed. Whatever is paid goes to the oldest debt first. What arose in a month that is not closed is not due.
debt-of = { $tenant }, together
debt-fee = fee
debt-balance = balance below 0
debt-not-due = Not due
debt-1-30 = 1–30 days
debt-31-60 = 31–60 days
debt-61-90 = 61–90 days
debt-over-90 = Over 90 days
