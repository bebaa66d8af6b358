# Statements.

statement-of = Statement of { $month }
print = Print
period = Period
issued = Issued
not-final = not closed yet; figures may change
not-final-short = Not closed yet
currency = Currency
cny = CNY
charged-in-period = Charged for use
statement-by-job = By job
statement-line = Line
statement-cause = By cause
statement-corrects = { $a }, corrects { $b }
ended-runs = Runs ended
opening = Opening
closing = Closing
statement-foot = The opening balance and all lines are the closing balance. The charge of a run is its card-hours at its rate, rounded down once to a millionth of a yuan. Card-hours are shown with four places, the rest cut off; JSON and CSV have exact card-milliseconds.
statement-sha256 = SHA-256 of the statement's JSON:
other-months = Other periods
other-contracts = Other contracts
