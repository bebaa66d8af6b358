# Statements.

statement-of = Statement of { $month }
print = Print
period = Period
issued = Issued
not-final = the month is not over; figures will change
currency = Currency
cny = CNY
charged-in-period = Charged in the period
opening = Opening
paid-in = Paid in and given
fees = Fees
charged = Charged for use
closing = Closing
statement-foot = Made from the ledger; it can be made again at any time. Months are by the center's calendar. Runs that the center lost or preempted are not charged.
other-months = Other periods
other-contracts = Other contracts
