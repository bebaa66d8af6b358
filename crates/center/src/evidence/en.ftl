# The evidence of a run.

evidence = Evidence of a run
evidence-planned = Planned
evidence-ended = Ended
evidence-until = Charged until
evidence-at-most = Charged at most
evidence-rate-price_book = The rate is that of the price book that was in force when the run was planned.
evidence-rate-package = The rate is the fee of the package by its card time.
evidence-rate-contract = The fee or grant of the contract covers all use: a card-hour costs nothing more.
evidence-book = Price book { $a }, in force since { $b }:
evidence-no-price = no price
evidence-step = Step
evidence-sum = Calculation
evidence-result = Result
evidence-use = Cards × time
evidence-hours = In card-hours
evidence-charge = Rate × card-hours, rounded down
evidence-waived = Waived, rounded up
evidence-due = Due
evidence-posted = Posted
evidence-differs = The entries do not come to what is due. Verify the ledger.
evidence-entries = Entries by day
evidence-count = Entries
evidence-link = The run and its entries are sealed by the link { $a } of { $b }:
evidence-root = The root { $a } ({ $b }) is about it:
evidence-not-sealed = The run and its entries are not sealed yet.
evidence-foot = Card-hours read as hours, minutes, seconds and milliseconds of one card. Amounts are exact.
