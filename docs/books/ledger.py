"""The accounts: what each entry may move, contracts with their fees and packages, payments, earnings, forfeitures."""

from reading import LAST_MICROSECOND, ms, name, show

CARDS, MONEY = "card_ms", "micro_cny"

# What the causes move: unit, debit, credit.
WAYS = {
    "top_up": {(MONEY, "cash", "contract"), (MONEY, "cash", "receivable")},
    "package": {(CARDS, "capacity", "contract")},
    "fee": {(MONEY, "receivable", "contract"), (MONEY, "cash", "contract"), (MONEY, "contract", "revenue")},
    "use": {(CARDS, "contract", "delivered"), (MONEY, "contract", "revenue")},
    "refund": {(CARDS, "delivered", "contract"), (MONEY, "revenue", "contract")},
    "waiver": {(CARDS, "waived", "contract"), (MONEY, "waived", "contract")},
    "term": {(MONEY, "contract", "term_revenue")},
    "forfeiture": {(MONEY, "contract", "forfeited"), (CARDS, "contract", "capacity")},
    "fee_cancelled": {(MONEY, "contract", "receivable")},
    "reversal": {(MONEY, "contract", "cash"), (MONEY, "receivable", "cash"), (CARDS, "contract", "capacity")},
    "pay_out": {(MONEY, "contract", "cash")},
    "transfer": {(MONEY, "contract", "contract")},
    "credit_note": {(MONEY, "revenue", "contract"), (MONEY, "term_revenue", "contract")},
    "allowance": {(MONEY, "waived", "contract")},
    "write_off": {(MONEY, "written_off", "contract")},
    "funding": {(MONEY, "pledged", "pot")},
    "issue": {(MONEY, "pot", "voucher")},
    "return": {(MONEY, "voucher", "pot")},
    "redemption": {(MONEY, "voucher", "contract")},
    "redemption_reversal": {(MONEY, "contract", "voucher"), (MONEY, "contract", "pot")},
    "reimbursement": {(MONEY, "voucher", "reimbursed")},
    "recovery": {(MONEY, "reimbursed", "pot")},
}
OF_RUNS = ("use", "refund", "waiver")
GIVEN = ("reversal", "pay_out", "transfer", "credit_note", "allowance", "write_off")


def posted_at(transfer):
    """When an entry was posted, in milliseconds: a UUID of version 7 begins with it."""
    return int.from_bytes(transfer.id[:6], "big")


def moves(transfer):
    """The two accounts that an entry moves, with what it adds to each."""
    yield (transfer.debit, transfer.debit_contract or b"", transfer.unit), -transfer.amount
    yield (transfer.credit, transfer.credit_contract or b"", transfer.unit), transfer.amount


def balances(books):
    """Credits less debits of each account in each unit."""
    sums = {}
    for transfer in books.transfers:
        for account, amount in moves(transfer):
            sums[account] = sums.get(account, 0) + amount
    return sums


def label(account):
    kind, contract, unit = account
    return f"{kind} {name('contracts', contract)} {unit}" if contract else f"{kind} {unit}"


def check_accounts(books, report):
    debits, credits = {}, {}
    for transfer in books.transfers:
        key = f"transfer {transfer.seq}"
        # Of the accounts of pots and vouchers the part before the colon.
        way = (transfer.unit, transfer.debit.split(":")[0], transfer.credit.split(":")[0])
        report.holds("what an entry moves", key, way in WAYS.get(transfer.cause, ()), f"one of those of {transfer.cause}", way)
        report.equal("an entry is of a run", key, transfer.cause in OF_RUNS, transfer.run is not None)
        report.holds("the amount of an entry", key, transfer.amount > 0, "above 0", transfer.amount)
        if transfer.seq > books.summed_to:
            continue
        (debit, less), (credit, more) = moves(transfer)
        debits[debit] = debits.get(debit, 0) - less
        credits[credit] = credits.get(credit, 0) + more
    found = {(row.account, row.contract, row.unit): (row.debits, row.credits) for row in books.ledger_sums}
    for account in sorted(debits.keys() | credits.keys() | found.keys()):
        expected = (debits.get(account, 0), credits.get(account, 0))
        report.equal("debits and credits in ledger_sums", label(account), expected, found.get(account, (0, 0)))


def check_closed(books, report):
    """What is in a closed month was there when it was closed."""
    for before, period in zip([None, *books.periods], books.periods):
        expected = books.zone.bounds(period.month)
        report.equal("the bounds of a month", period.month, [show(at) for at in expected], [show(period.from_at), show(period.until_at)])
        report.holds("a month is closed after it has ended", period.month, period.closed_at >= period.until_at, show(period.until_at), show(period.closed_at))
        if before:
            report.equal("months are closed one after the other", period.month, show(before.until_at), show(period.from_at))
    closed = {period.month: period for period in books.periods}
    for transfer in books.transfers:
        key = f"transfer {transfer.seq}"
        for period in books.periods:
            # The closing itself meters what goes on up to the last instant, and books what the month earned.
            is_of_closing = transfer.cause in ("use", "term", "redemption", "redemption_reversal") and transfer.at == period.until_at - 1
            if posted_at(transfer) > ms(period.closed_at) and not is_of_closing:
                report.holds("an entry into a closed month", key, transfer.at >= period.until_at, f"not before {show(period.until_at)}", show(transfer.at))
        if transfer.corrects is not None:
            period = closed.get(transfer.corrects)
            report.holds("the month that an entry corrects", key, period and ms(period.closed_at) <= posted_at(transfer), "was closed before", transfer.corrects)


def check_payments(books, report):
    entries = {row.key: row for row in books.transfers if row.cause == "top_up" or (row.cause == "package" and "/top-up/time/" in row.key)}
    for payment in books.payments:
        key = f"payment {payment.reference}"
        report.equal("the reference of a payment, for comparing", key, payment.given_as.strip().lower(), payment.reference)
        contract = books.contracts_by_id[payment.contract]
        own = name("contracts", payment.contract)
        account = "receivable" if payment.purpose == "fee" else "contract"
        if payment.purpose == "fee":
            report.holds("the fee that a payment is for", key, contract.terms.get("fee", 0) > 0, "a contract with a fee", contract.terms["kind"])
        for part, unit, amount, into in (("money", MONEY, payment.amount_micro_cny, account), ("time", CARDS, payment.card_ms, "contract")):
            entry = entries.pop(f"{own}/top-up/{part}/{payment.reference}", None)
            expected = (unit, into, payment.contract if into == "contract" else None, amount, payment.booked_at) if amount else None
            found = entry and (entry.unit, entry.credit, entry.credit_contract, entry.amount, entry.at)
            if found is None and entry_of_before(books, payment, unit, amount):
                continue
            report.equal(f"the entry of a payment, {unit}", key, expected, found)
    for entry in entries.values():
        report.differ("the payment of an entry", f"transfer {entry.seq}", "is there", entry.key)


def entry_of_before(books, payment, unit, amount):
    """A fee as centers of before booked it, with cash as if it was paid."""
    fee_in = f"{name('contracts', payment.contract)}/fee-in"
    return unit == MONEY and any(row.key == fee_in and row.amount == amount for row in books.transfers if row.cause == "fee")


def reversed_payments(books):
    return {row.corrects for row in books.corrections if row.kind == "reversal" and row.state == "booked"}


def open_fees(books):
    """For each contract with a fee: the fee, what is paid of it, what is due no more of it, and whether it is due."""
    gone = reversed_payments(books)
    paid, cancelled = {}, {}
    for row in books.payments:
        if row.purpose == "fee" and row.reference not in gone:
            paid[row.contract] = paid.get(row.contract, 0) + row.amount_micro_cny
    for row in books.transfers:
        if row.cause == "fee_cancelled":
            cancelled[row.debit_contract] = cancelled.get(row.debit_contract, 0) + row.amount
    return {
        contract.id: (contract.terms["fee"], paid.get(contract.id, 0), cancelled.get(contract.id, 0), books.activation(contract) is not None)
        for contract in books.contracts
        if contract.terms.get("fee")
    }


def check_fees(books, report):
    fees = open_fees(books)
    owed = 0
    for contract, (fee, paid, cancelled, is_due) in fees.items():
        report.holds("what is paid of a fee", name("contracts", contract), paid + cancelled <= fee, f"at most {fee - cancelled}", paid)
        owed += (fee if is_due else 0) - paid - cancelled
    has_old = any(row.key.endswith("/fee-in") for row in books.transfers)
    if not has_old:
        found = -books.balances.get(("receivable", b"", MONEY), 0)
        report.equal("the account receivable: fees that are due less what is paid of fees", "receivable", owed, found)


def check_contract(books, contract, report):
    """A contract's history, and what was booked as it became active."""
    key = name("contracts", contract.id)
    state = "draft"
    for event in books.history.get(contract.id, []):
        report.equal("the state from which an event leads", f"contract_event {event.seq} of {key}", state, event.from_state)
        state = event.to_state
    report.equal("the state of a contract, by its events", key, state, contract.state)
    event = books.activation(contract)
    due, booked = {}, {"fee": 0, "package": 0}
    versions = books.terms_over_time(contract) if event else []
    for version in versions:
        terms = version.terms
        whole = {"fee": terms.get("fee") or 0, "package": terms.get("package") or terms.get("cap") or 0}
        for cause, unit in (("fee", MONEY), ("package", CARDS)):
            part = f"/{name('amendments', version.amendment)}" if version.amendment else ""
            at = version.from_at if version.amendment else event.at
            if whole[cause] > booked[cause]:
                due[f"{key}/{cause}{part}"] = (cause, unit, whole[cause] - booked[cause], at)
                booked[cause] = whole[cause]
    if versions:
        in_force = (versions[-1].terms, show(versions[-1].ends_at))
        report.equal("the terms of a contract, by its last version", key, in_force, (contract.terms, show(contract.ends_at)))
    found = {}
    for row in books.moved.get(contract.id, []):
        if row.cause == "fee" or (row.cause == "package" and "/top-up/" not in row.key):
            # What an amendment adds is booked as it comes into force, moments later.
            at = due[row.key][3] if row.key in due and "/amd_" in row.key else row.at
            at = at if at <= row.at <= at + slack(books) else row.at
            found[row.key] = (row.cause, row.unit, row.amount, at)
    if f"{key}/fee-in" in found or any(row.cause == "fee" and row.credit == "revenue" for row in books.moved.get(contract.id, [])):
        return
    for entry in sorted(due.keys() | found.keys()):
        report.equal("what a contract books as it becomes active, or is amended", entry, due.get(entry), found.get(entry))


def slack(books):
    """How long after an instant its entries may be outstanding, in microseconds: the center meters every so often."""
    every = [int(row.value) for row in books.settings_in_force if row.key == "billing.accrue_every_ms"]
    return 2 * (every[-1] if every else 60_000) * 1000 + 30_000_000


def left_after(books, contract, entry):
    """What a contract has of money after an entry."""
    return sum(
        row.amount if row.credit_contract == contract.id else -row.amount
        for row in books.moved[contract.id]
        if row.unit == MONEY and row.seq <= entry.seq
    )


def end_of(books, contract):
    """When a contract is over: at the end of its term, or where people terminated it before."""
    over = [event.at for event in books.history.get(contract.id, []) if event.action == "terminate"]
    return min([contract.ends_at, *over])


def check_term(books, contract, report):
    """The fee of reserved cards is earned as its term passes, from the activation on."""
    key, terms = name("contracts", contract.id), contract.terms
    entries = [row for row in books.moved.get(contract.id, []) if row.cause == "term"]
    event = books.activation(contract)
    if terms["kind"] != "reserved" or event is None:
        for row in entries:
            report.differ("an earning of a term", f"transfer {row.seq}", "of a reserved contract that was active", key)
        return
    begin, end = max(contract.starts_at, event.at), end_of(books, contract)
    steps = [(max(begin, version.from_at), version.ends_at, version.terms["fee"]) for version in books.terms_over_time(contract)]

    def earned(instant):
        """What is left of the fee is spread over what is left of the term, by each version anew."""
        until, done = min(instant, end), 0
        for at, (step_begin, step_end, fee) in enumerate(steps):
            if step_begin >= until:
                break
            last = min(until, steps[at + 1][0]) if at + 1 < len(steps) else until
            whole, passed = ms(step_end) - ms(step_begin), ms(last) - ms(step_begin)
            done = fee if passed >= whole else done + (fee - done) * max(passed, 0) // whole
        return done

    before = 0
    for row in entries:
        after = before + row.amount
        report.equal("key of an earning", f"transfer {row.seq}", f"{key}/term/{before}-{after}", row.key)
        instant = row.at + LAST_MICROSECOND if row.corrects is None else books.zone.bounds(row.corrects)[1]
        if after < earned(instant):
            # No more is earned than there is money.
            report.equal("what is left where less than the fee is earned", f"transfer {row.seq} of {key}", 0, left_after(books, contract, row))
        else:
            report.equal("earned of a fee up to the instant of its entry", f"transfer {row.seq} of {key}", earned(instant), after)
        before = after
    settled = books.known_until - slack(books)
    due = [*(period.until_at for period in books.periods), books.zone.bounds(books.zone.month(settled))[0]]
    due += [end] if end <= settled else []
    last = max((instant for instant in due if instant > begin), default=None)
    money = books.balances.get(("contract", contract.id, MONEY), 0)
    if last is not None and money > 0:
        report.holds("earned of a fee by the months that have ended", key, before >= earned(last), f"{earned(last)} up to {show(last)}", before)


def check_end(books, contract, report):
    """What is left of a package or a capped grant when its term has ended, or people ended it, and its runs are over; and of a fee."""
    key, terms = name("contracts", contract.id), contract.terms
    has_package = terms["kind"] == "prepaid" or (terms["kind"] == "grant" and terms["cap"] is not None)
    end = end_of(books, contract)
    left, gone = {CARDS: 0, MONEY: 0}, {}
    given_back = 0
    for row in books.moved.get(contract.id, []):
        amount = row.amount if row.credit_contract == contract.id else -row.amount
        left[row.unit] += amount
        if row.cause in GIVEN and row.at >= contract.ends_at and row.unit == MONEY:
            given_back += amount
        if row.cause in ("forfeiture", "fee_cancelled"):
            entry = f"transfer {row.seq} of {key}"
            before = gone.get((row.cause, row.unit), 0)
            gone[row.cause, row.unit] = before + row.amount
            what = {"fee_cancelled": "fee-cancelled", "forfeiture": "forfeiture/money" if row.unit == MONEY else "forfeiture/time"}[row.cause]
            report.equal("key of what the end of a contract books", entry, f"{key}/{what}/{before}-{before + row.amount}", row.key)
            report.holds("when the end of a contract is booked", entry, row.at >= end, f"not before {show(end)}", show(row.at))
            if row.cause == "forfeiture":
                report.holds("whose package is forfeited", entry, has_package, "a package or a capped grant", terms["kind"])
                report.equal("what a forfeiture leaves", entry, max(given_back, 0) if row.unit == MONEY else 0, left[row.unit])
                by_people = contract.state == "terminated" and row.unit == MONEY
                report.holds("money that is forfeited", entry, not by_people, "of a term that ended by itself", "people ended it")
            else:
                report.holds("whose fee is due no more", entry, contract.state == "terminated", "a contract that people ended", contract.state)
    is_over = contract.state in ("expired", "terminated") and end < books.known_until - slack(books) and contract.id not in books.busy
    if not is_over or not books.activation(contract):
        return
    if has_package:
        report.holds("card time of a package after its end", key, left[CARDS] <= 0, "none", left[CARDS])
        if contract.state == "expired":
            most = max(given_back, 0)
            report.holds("money of a package after its term, but what corrections gave back", key, left[MONEY] <= most, f"at most {most}", left[MONEY])
    if contract.state == "terminated" and terms.get("fee"):
        fee, paid, cancelled, _ = open_fees(books)[contract.id]
        open_fee = fee - paid - cancelled
        report.holds("what is open of a fee that was not earned when people ended the contract", key, min(open_fee, left[MONEY]) <= 0, "none", open_fee)


def check(books, report):
    books.balances = balances(books)
    books.busy = {run.contract for run in books.runs if run.ended_at is None}
    books.moved = {}
    for row in books.transfers:
        for contract in {row.debit_contract, row.credit_contract} - {None}:
            books.moved.setdefault(contract, []).append(row)
    check_accounts(books, report)
    check_closed(books, report)
    check_payments(books, report)
    check_fees(books, report)
    for contract in books.contracts:
        check_contract(books, contract, report)
        check_term(books, contract, report)
        check_end(books, contract, report)
