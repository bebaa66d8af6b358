# The capacity balance and the ledger.

balance-rule = capacity = { $parts }, to the card-millisecond
interval = Interval
work-out = Calculate
where-it-went = Where it went

roots = Roots of the books
root-signed = Root { $number } is signed.
root-unsigned = Root { $number } is not signed: the settings name no key.
root-none = No root was made yet.
