# What is asked of the fields of forms, said where it was not met.

rule-old-password = this is not your present password
rule-again = the two are not the same
rule-amount = write it as 1234.50
rule-amount-micro-cny = give an amount above 0
rule-tenant = name a tenant
rule-contract = choose one of your contracts
rule-kind = choose a kind of contract
rule-pool = choose a pool that is there
rule-pools = choose at least one pool
rule-queue = can't be less than the guaranteed cards
rule-hours = write card-hours above 0, such as 1000 or 12.5
rule-day = write it as 2026-05-20
rule-ends-at = give a day after the first
rule-instant = write it as 2026-05-20T08:00
rule-reason-needed = say why: the tenant will see it
rule-reason-long = use at most 500 characters
rule-number-from-to = write a whole number from { $a } to { $b }
rule-confirm_prices = look at what is dropped, doubled or free, then confirm it
rule-booked_before = this payment was booked before; nothing was changed
slug-hint = 1 to { $most } lower-case letters, digits and inner hyphens
