"""Vouchers: the money of pots, faces, the shares that vouchers pay of charges, entry by entry, and claims."""

import json

from ledger import MONEY, posted_at, slack
from reading import ms, name

WHOLE_BP = 10_000
PAYS = ("redemption", "redemption_reversal")
GIVES_BACK = ("credit_note", "allowance")
OF_RUNS = ("use", "refund", "waiver")


def share_of(amount, rate_bp):
    """A share of an amount, rounded down; nothing of what is below 0."""
    return max(amount, 0) * rate_bp // WHOLE_BP


def due(vouchers):
    """What each voucher of a contract has to have paid, by the order in which they pay."""
    own = [share_of(one["base"], one["rate_bp"]) for one in vouchers]
    paid = [min(one["redeemed"], share) for one, share in zip(vouchers, own)]
    combined = min((one["combined_bp"] for one in vouchers), default=0)
    for at, one in enumerate(vouchers):
        if one["is_over"]:
            continue
        room = share_of(one["base"], combined) - sum(paid)
        paid[at] += max(min(min(own[at], one["face"]) - paid[at], room), 0)
    return paid


def rule_of(terms, voucher):
    """The number of the first rule that fits, and its rate."""
    for number, rule in enumerate(terms["rules"], 1):
        when = rule.get("when", {})
        fits = all(when.get(part) in (None, voucher[part]) for part in ("facility_kind", "usage", "tenant_size"))
        most = when.get("year_total_le_micro_cny")
        if fits and (most is None or voucher.year_total_micro_cny <= most):
            return number, rule["rate_bp"]
    return None, None


def counts(books, voucher, run):
    """Whether charges of a run are among those of which a voucher pays a share."""
    pools = [f"pool_{bytes.fromhex(pool[5:]).hex()}" for pool in json.loads(voucher.pools)]
    is_in_time = voucher.from_at is not None and voucher.from_at <= run.planned_at < voucher.until_at
    return voucher.mode == "deduct" and run.contract == voucher.contract and is_in_time and name("pools", books.pool_of(run)) in pools


def check_accounts(books, report):
    """No pot and no voucher ever has less than nothing."""
    left = {}
    for row in books.transfers:
        for account, amount in ((row.debit, -row.amount), (row.credit, row.amount)):
            if account.startswith(("pot:", "voucher:")):
                left[account] = left.get(account, 0) + amount
                report.holds("what an entry leaves in a pot or on a voucher", f"transfer {row.seq}, {account}", left[account] >= 0, "at least 0", left[account])
    return left


def check_pots(books, report):
    entries = {row.key: row for row in books.transfers if row.cause == "funding"}
    put_in = {}
    for funding in books.fundings:
        key = name("fundings", funding.id)
        entry = entries.pop(key, None)
        pot = f"pot:{name('programmes', funding.programme)}"
        expected = (pot, funding.amount_micro_cny, funding.decided_at) if funding.state == "booked" else None
        report.equal("the entry of money for a pot", key, expected, entry and (entry.credit, entry.amount, entry.at))
        if funding.state == "booked":
            put_in[funding.programme] = put_in.get(funding.programme, 0) + funding.amount_micro_cny
            duties = [row.value for row in books.settings_in_force if row.key == "books.separate_duties" and row.at <= funding.decided_at]
            if duties and duties[-1] == "true":
                report.holds("two persons for money of a pot", key, funding.proposed_by != funding.decided_by, "two", "one")
    for entry in entries.values():
        report.differ("the funding of an entry", f"transfer {entry.seq}", "is there", entry.key)
    for programme in books.programmes:
        most, found = programme.pot_micro_cny, put_in.get(programme.id, 0)
        report.holds("what was put into a pot", name("programmes", programme.id), found <= most, f"at most {most}", found)


def check_voucher(books, voucher, left, report):
    """Its rule, its face, and what became of that."""
    key = name("vouchers", voucher.id)
    programme = books.programmes_by_id[voucher.programme]
    terms = json.loads(programme.terms)
    report.equal("the mode of a voucher", key, programme.mode, voucher.mode)
    report.equal("the rule of a voucher, and its share", key, rule_of(terms, voucher), (voucher.rule, voucher.rate_bp))
    most = share_of(voucher.amount_micro_cny, voucher.rate_bp)
    cap = terms.get("cap_per_tenant_micro_cny")
    most = most if cap is None else min(most, cap)
    report.holds("the face of a voucher", key, 0 < voucher.face_micro_cny <= most, f"at most {most}", voucher.face_micro_cny)
    own = [row for row in books.transfers if row.key.startswith(key + "/")]
    issued = [(row.debit, row.credit, row.amount, row.at) for row in own if row.cause == "issue"]
    account, pot = f"voucher:{key}", f"pot:{name('programmes', programme.id)}"
    expected = [] if voucher.from_at is None else [(pot, account, voucher.face_micro_cny, voucher.from_at)]
    report.equal("the entry of a voucher's face", key, expected, issued)
    held = sum(row.amount_micro_cny for row in books.claims if row.voucher == voucher.id and row.state in ("submitted", "verified", "audited"))
    has = left.get(account, 0)
    if voucher.state in ("expired", "revoked"):
        report.equal("what a voucher that is over has, but what claims keep", key, held, has)
    else:
        report.holds("what claims keep of a voucher", key, held <= has, f"at most {has}", held)
        is_late = voucher.closes_at < books.known_until - slack(books)
        report.holds("a voucher whose time is over", key, not is_late, "ended", voucher.state)


def check_shares(books, report):
    """Follows the charges of each contract with vouchers, and what its vouchers pay of them."""
    of_contract = {}
    for voucher in sorted(books.vouchers, key=lambda one: (one.until_at, one.id)):
        if voucher.mode != "deduct":
            continue
        of_contract.setdefault(voucher.contract, []).append(voucher)
    corrections = {name("corrections", row.id): row for row in books.corrections}
    base, paid, number = {}, {}, {}
    for contract, vouchers in of_contract.items():
        expected = None
        for row in books.moved.get(contract, []):
            if row.unit != MONEY:
                continue
            if row.cause in PAYS:
                key = row.key.split("/")[0]
                paid[key] = paid.get(key, 0) + (row.amount if row.cause == "redemption" else -row.amount)
                number[key] = number.get(key, 0) + 1
                report.equal("key of what a voucher pays", f"transfer {row.seq}", f"{key}/redemption/{number[key]}", "/".join(row.key.split("/")[:3]))
                continue
            counted = charged(books, row, vouchers, corrections, base)
            if not counted:
                continue
            told(report, expected, paid)
            for key, more in counted.items():
                base[key] = base.get(key, 0) + more
            expected = expect(row, vouchers, base, paid)
        told(report, expected, paid)
    kept = {name("vouchers", row.voucher): (row.base_micro_cny, row.redeemed_micro_cny, row.entries) for row in books.voucher_bases}
    for voucher in books.vouchers:
        key = name("vouchers", voucher.id)
        found = (base.get(key, 0), paid.get(key, 0), number.get(key, 0))
        report.equal("charges, payments and entries of a voucher in voucher_bases", key, found, kept.get(key, (0, 0, 0)))


def charged(books, row, vouchers, corrections, base):
    """What an entry adds to the charges of each voucher that pays a share of it."""
    if row.cause in OF_RUNS:
        amount = row.amount if row.debit == "contract" else -row.amount
        return {name("vouchers", one.id): amount for one in vouchers if counts(books, one, books.runs_by_id[row.run])}
    if row.cause not in GIVES_BACK or row.key not in corrections:
        return {}
    subject, found = corrections[row.key].corrects, []
    entry = books.transfers_by_seq.get(subject)
    run = next((one for one in books.runs if name("runs", one.id) == subject), None) or books.runs_by_id.get(entry and entry.run)
    if run is not None:
        found = [one for one in vouchers if counts(books, one, run)]
    elif entry is None and len(subject) == 7:
        begin, end = books.zone.bounds(subject)
        found = [one for one in vouchers if one.from_at is not None and one.from_at < end and begin < one.until_at and one.granted_at // 1000 <= posted_at(row)]
    keys = [name("vouchers", one.id) for one in found]
    return {key: -min(row.amount, max(base.get(key, 0), 0)) for key in keys}


def expect(row, vouchers, base, paid):
    """What each voucher has to have paid after an entry."""
    at = posted_at(row)
    there = [one for one in vouchers if ms(one.granted_at) <= at]
    standings = []
    for one in there:
        key = name("vouchers", one.id)
        is_on = one.from_at is not None and ms(one.from_at) <= at and (one.ended_at is None or at < ms(one.ended_at))
        standings.append({
            "rate_bp": one.rate_bp,
            "face": one.face_micro_cny,
            "base": base.get(key, 0),
            "redeemed": paid.get(key, 0),
            "is_over": not is_on or row.at >= one.until_at,
            "combined_bp": one.combined_bp,
        })
    return row, {name("vouchers", one.id): share for one, share in zip(there, due(standings))}


def told(report, expected, paid):
    if expected is None:
        return
    row, shares = expected
    for key, share in shares.items():
        report.equal("what a voucher has paid after a charge", f"{key} after transfer {row.seq}", share, paid.get(key, 0))


def check_claim(books, claim, report):
    key, voucher = claim.number, books.vouchers_by_id[claim.voucher]
    own, evidence = name("vouchers", voucher.id), json.loads(claim.evidence)
    acts = [row for row in books.claim_acts if row.claim == claim.id]
    report.equal("the state of a claim, by its acts", key, acts[-1].state if acts else None, claim.state)
    statement = next((row for row in books.statements if row.number == claim.statement), None)
    if not report.holds("the statement of a claim", key, statement and statement.contract == voucher.contract and statement.month == claim.month, "of its contract and month", claim.statement):
        return
    report.equal("SHA-256 of a claim's statement", key, statement.sha256.hex(), evidence["statement_sha256"])
    pools = {bytes.fromhex(pool[5:]) for pool in json.loads(voucher.pools)}
    models = {books.pools_by_id[pool].name: json.loads(books.pools_by_id[pool].model) for pool in pools}
    eligible, used = 0, {}
    for line in json.loads(statement.body)["lines"]:
        model = models.get(line["pool"])
        if line["cause"] in OF_RUNS and model:
            eligible -= line["micro_cny"]
            used[model["name"]] = used.get(model["name"], 0) - line["card_ms"]
        elif line["cause"] in ("term", *GIVES_BACK):
            eligible -= line["micro_cny"]
    eligible = max(eligible, 0)
    report.equal("the charges of a claim's month", key, eligible, claim.eligible_micro_cny)
    report.equal("use of cards in a claim", key, used, {one["card_model"]: one["card_ms"] for one in evidence["used"]})
    most = share_of(eligible, voucher.rate_bp)
    report.holds("the amount of a claim", key, 0 < claim.amount_micro_cny <= most, f"at most {most}", claim.amount_micro_cny)
    for part, states in (("claim", ("paid", "recovered")), ("recovery", ("recovered",))):
        found = [row.amount for row in books.transfers if row.key == f"{own}/{part}/{claim.number}"]
        expected = [claim.amount_micro_cny] if claim.state in states else []
        report.equal(f"the entry of a claim, {part}", key, expected, found)


def check(books, report):
    left = check_accounts(books, report)
    check_pots(books, report)
    for voucher in books.vouchers:
        check_voucher(books, voucher, left, report)
    check_shares(books, report)
    for claim in books.claims:
        check_claim(books, claim, report)
