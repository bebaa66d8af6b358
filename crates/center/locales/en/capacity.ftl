# The capacity balance and the ledger.

balance-rule = capacity = sold + granted + idle + drained + failed, to the card-millisecond
interval = Interval
work-out = Work out
where-it-went = Where it went
