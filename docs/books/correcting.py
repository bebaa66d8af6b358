"""Corrections: their entries, what they put right, and that none moves more than there is."""

from ledger import CARDS, GIVEN, MONEY, OF_RUNS
from reading import name, show

LEAVES = ("pay_out", "transfer")
GIVES_BACK = ("credit_note", "allowance")


def payment_of(books, correction):
    """The payment that a correction names, where it names one of its contract."""
    payment = books.payments_by_reference.get(correction.corrects.strip().lower())
    return payment if payment and payment.contract == correction.contract else None


def run_of(books, correction):
    """The run that a correction names, or whose entry it names."""
    run = books.runs_by_name.get(correction.corrects)
    entry = books.transfers_by_seq.get(correction.corrects)
    run = books.runs_by_id.get(entry.run) if run is None and entry is not None else run
    return run if run and run.contract == correction.contract else None


def month_of(books, correction):
    """The month to which that belongs what a correction names, or nothing where it is the contract; and whether it names anything."""
    if correction.kind not in GIVES_BACK:
        payment = payment_of(books, correction)
        if payment or correction.kind == "reversal":
            return payment and books.zone.month(payment.booked_at), payment is not None
        contract = books.contracts_by_id[correction.contract]
        if correction.corrects in (contract.number, name("contracts", contract.id)):
            return None, True
    entry = books.transfers_by_seq.get(correction.corrects)
    if entry is not None:
        is_own = correction.contract in (entry.debit_contract, entry.credit_contract)
        run = books.runs_by_id.get(entry.run)
        at = entry.at if run is None else run.ended_at
        return entry.corrects or (at and books.zone.month(at)), is_own
    run = run_of(books, correction)
    if run is not None:
        return run.ended_at and books.zone.month(run.ended_at), True
    is_month = len(correction.corrects) == 7 and correction.corrects <= books.zone.month(correction.decided_at)
    return (correction.corrects, True) if is_month else (None, False)


def check_entries(books, report):
    """Each booked correction has its entries, and no other has one."""
    entries = {row.key: row for row in books.transfers if row.cause in GIVEN}
    for correction in books.corrections:
        key = name("corrections", correction.id)
        is_booked = correction.state == "booked"
        payment = payment_of(books, correction) if correction.kind == "reversal" else None
        is_fee = payment is not None and payment.purpose == "fee"
        own, other = correction.contract, correction.other_contract
        ways = {
            "reversal": (("receivable", None) if is_fee else ("contract", own), ("cash", None)),
            "pay_out": (("contract", own), ("cash", None)),
            "transfer": (("contract", own), ("contract", other)),
            "credit_note": ((revenue_of(books, own), None), ("contract", own)),
            "allowance": (("waived", None), ("contract", own)),
            "write_off": (("written_off", None), ("contract", own)),
        }
        expected = {}
        if is_booked and correction.amount_micro_cny:
            expected[key] = (MONEY, *ways[correction.kind], correction.amount_micro_cny, correction.decided_at)
        if is_booked and payment and payment.card_ms:
            expected[key + "/time"] = (CARDS, ("contract", own), ("capacity", None), payment.card_ms, correction.decided_at)
        for entry_key in (key, key + "/time"):
            entry = entries.pop(entry_key, None)
            found = entry and (entry.unit, (entry.debit, entry.debit_contract), (entry.credit, entry.credit_contract), entry.amount, entry.at)
            report.equal("the entry of a correction: unit, debit, credit, amount, instant", entry_key, told(expected.get(entry_key)), told(found))
            if entry is not None:
                report.equal("the cause of a correction's entry", entry_key, correction.kind, entry.cause)
                check_month(books, correction, entry, report)
    for entry in entries.values():
        report.differ("the correction of an entry", f"transfer {entry.seq}", "is there", entry.key)


def told(moved):
    """What an entry moves, for people."""
    if moved is None:
        return None
    unit, debit, credit, amount, at = moved
    accounts = [f"{kind} {name('contracts', contract)}" if contract else kind for kind, contract in (debit, credit)]
    return f"{amount} {unit} from {accounts[0]} to {accounts[1]} at {show(at)}"


def revenue_of(books, contract):
    return "term_revenue" if books.contracts_by_id[contract].terms["kind"] == "reserved" else "revenue"


def check_month(books, correction, entry, report):
    """A correction names something of its contract, and its entry the month of that, if it is closed."""
    month, is_named = month_of(books, correction)
    key = name("corrections", correction.id)
    report.holds("what a correction names", key, is_named, "something of its contract", correction.corrects)
    closed = {period.month for period in books.periods if period.closed_at <= correction.decided_at}
    report.equal("the closed month that a correction's entry names", key, month if month in closed else None, entry.corrects)


def check_decisions(books, report):
    """Two persons decide where duties are separate; payments are reversed once and whole; a bank's reference pays out once."""
    duties = [row for row in books.settings_in_force if row.key == "books.separate_duties"]
    reversals, references = {}, {}
    for correction in books.corrections:
        key = name("corrections", correction.id)
        if correction.state == "refused":
            continue
        if correction.kind == "pay_out":
            references.setdefault(correction.reference, []).append(key)
        if correction.kind == "reversal":
            payment = payment_of(books, correction)
            reversals.setdefault(correction.corrects, []).append(key)
            report.equal("the payment that is reversed, whole", key, payment and payment.amount_micro_cny, correction.amount_micro_cny)
        if correction.state == "booked":
            in_force = [row.value for row in duties if row.at <= correction.decided_at]
            if in_force and in_force[-1] == "true":
                report.holds("two persons for a correction", key, correction.proposed_by != correction.decided_by, "two", "one")
    for what, found in (("reversals of a payment", reversals), ("pay-outs under a bank's reference", references)):
        for subject, keys in found.items():
            report.equal(what, subject, 1, len(keys))


def charge_named(books, correction, given, upto):
    """What was charged for that which a credit note or allowance names, before its entry, less what was given back of it."""
    run = run_of(books, correction)
    entry = books.transfers_by_seq.get(correction.corrects)
    if run is not None:
        charged = sum(
            row.amount if row.debit == "contract" else -row.amount
            for row in books.by_run.get(run.id, [])
            if row.unit == MONEY and row.seq < upto
        )
        left = charged - given.get(("run", run.id), 0)
        return left if entry is None else min(left, entry.amount)
    if entry is not None:
        return entry.amount - given.get((correction.contract, correction.corrects), 0)
    charged = 0
    for row in books.moved.get(correction.contract, []):
        month = row.corrects or books.zone.month(row.at)
        if row.unit == MONEY and row.seq < upto and month == correction.corrects and row.cause in (*OF_RUNS, "term", *GIVES_BACK):
            charged += row.amount if row.debit_contract == correction.contract else -row.amount
    return charged


def check_limits(books, report):
    """No correction moves more than there is, by what was posted before it."""
    left, charged, unpaid, given = {}, {}, {}, {}
    paid = {f"{name('contracts', row.contract)}/top-up/money/{row.reference}": row.contract for row in books.payments if row.purpose == "fee"}
    corrected = {name("corrections", row.id): row for row in books.corrections}
    for row in books.transfers:
        if row.unit != MONEY:
            continue
        key = f"transfer {row.seq}, {row.key}"
        correction = corrected.get(row.key)
        if row.cause in LEAVES:
            most = left.get(row.debit_contract, 0) - max(unpaid.get(row.debit_contract, 0), 0)
            report.holds("what leaves a contract: what it has, but what nobody paid of its fee", key, row.amount <= most, f"at most {max(most, 0)}", row.amount)
        if row.cause == "write_off":
            owed = max(-left.get(row.credit_contract, 0), 0)
            report.holds("a debt that is given up", key, row.amount <= owed, f"at most {owed}", row.amount)
        if row.cause in GIVES_BACK:
            most = charged.get(row.credit_contract, 0)
            if correction is not None:
                most = min(most, charge_named(books, correction, given, row.seq))
                run = run_of(books, correction)
                thing = ("run", run.id) if run is not None else (correction.contract, correction.corrects)
                given[thing] = given.get(thing, 0) + row.amount
            report.holds("a charge that is given back", key, row.amount <= most, f"at most {max(most, 0)}", row.amount)
        for contract, sign in ((row.debit_contract, -1), (row.credit_contract, 1)):
            if contract is not None:
                left[contract] = left.get(contract, 0) + sign * row.amount
                if row.cause in (*OF_RUNS, "term", *GIVES_BACK):
                    charged[contract] = charged.get(contract, 0) - sign * row.amount
        if row.cause == "fee" and row.debit == "receivable":
            unpaid[row.credit_contract] = unpaid.get(row.credit_contract, 0) + row.amount
        if row.cause == "top_up" and row.key in paid:
            unpaid[paid[row.key]] = unpaid.get(paid[row.key], 0) - row.amount
        if row.cause == "fee_cancelled":
            unpaid[row.debit_contract] = unpaid.get(row.debit_contract, 0) - row.amount
        if row.cause == "reversal" and row.debit == "receivable" and correction is not None:
            unpaid[correction.contract] = unpaid.get(correction.contract, 0) + row.amount


def check(books, report):
    books.payments_by_reference = {row.reference: row for row in books.payments}
    books.runs_by_name = {name("runs", row.id): row for row in books.runs}
    books.transfers_by_seq = {str(row.seq): row for row in books.transfers}
    check_entries(books, report)
    check_decisions(books, report)
    check_limits(books, report)
