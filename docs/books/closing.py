"""The statements of closed months, from the transfers alone."""

import hashlib
import json

from reading import name, show

UNITS = ("card_ms", "micro_cny")
OF_RUNS = ("use", "refund", "waiver")


def amount_for(row, contract):
    """What an entry adds to a contract."""
    return (row.amount if row.credit_contract == contract else 0) - (row.amount if row.debit_contract == contract else 0)


def line_of_run(books, run):
    """What the lines about runs are by: project, pool, class and rate."""
    job = books.jobs_by_id[run.job]
    pool = books.pools_by_id.get(books.pool_of(run))
    return books.projects_by_id[job.project].slug, pool and pool.name, job["class"], run.rate_micro_cny


def recompute(books, contract, period):
    """Opening, lines and closing of a contract's month."""
    opening, closing = dict.fromkeys(UNITS, 0), dict.fromkeys(UNITS, 0)
    lines = {}
    for row in books.moved.get(contract, []):
        amount = amount_for(row, contract)
        if row.at < period.from_at:
            opening[row.unit] += amount
        if row.at < period.until_at:
            closing[row.unit] += amount
        if period.from_at <= row.at < period.until_at:
            run = books.runs_by_id.get(row.run)
            by = line_of_run(books, run) if run is not None else (None, None, None, None)
            line = lines.setdefault((row.cause, row.corrects, *by), {"ended_runs": 0, **dict.fromkeys(UNITS, 0)})
            line[row.unit] += amount
    for run in books.runs_of.get(contract, []):
        if run.started_at is not None and run.ended_at is not None and period.from_at <= run.ended_at < period.until_at:
            line = lines.setdefault(("use", None, *line_of_run(books, run)), {"ended_runs": 0, **dict.fromkeys(UNITS, 0)})
            line["ended_runs"] += 1
    return opening, lines, closing


def check_statement(books, statement, period, report):
    key = statement.number
    digest = hashlib.sha256(statement.body.encode()).digest()
    report.equal("SHA-256 of a statement", key, digest.hex(), statement.sha256.hex())
    try:
        body = json.loads(statement.body)
        given = {
            (line["cause"], line["corrects"], line["project"], line["pool"], line["service_class"], line["rate_micro_cny_per_card_hour"]): {
                part: line[part] for part in ("ended_runs", *UNITS)
            }
            for line in body["lines"]
        }
        report.equal("lines of a statement that are alike", key, len(body["lines"]), len(given))
        contract = books.contracts_by_id[statement.contract]
        head = {
            "number": statement.number,
            "contract_id": name("contracts", statement.contract),
            "contract": contract.number,
            "kind": contract.terms["kind"],
            "month": statement.month,
            "is_final": True,
            "from": show(period.from_at)[:-4] + "Z",
            "to": show(period.until_at)[:-4] + "Z",
        }
        report.equal("head of a statement", key, head, {part: body[part] for part in head})
        opening, lines, closing = recompute(books, statement.contract, period)
        report.equal("opening balance of a statement", key, opening, body["opening"])
        report.equal("closing balance of a statement", key, closing, body["closing"])
        for by in sorted(lines.keys() | given.keys(), key=str):
            report.equal("line of a statement", f"{key} {by}", lines.get(by), given.get(by))
        for unit in UNITS:
            total = body["opening"][unit] + sum(line[unit] for line in body["lines"])
            report.equal("opening and lines of a statement are its closing balance", f"{key} {unit}", total, body["closing"][unit])
    except (ValueError, KeyError, TypeError) as error:
        report.differ("the JSON of a statement", key, "as the page describes it", repr(error))


def is_due(books, contract, period):
    """Whether a contract gets a statement: something was posted, it had a balance, or it was in force."""
    opening, lines, closing = recompute(books, contract.id, period)
    event = books.activation(contract)
    in_force = event and event.at < period.until_at and contract.starts_at < period.until_at and contract.ends_at > period.from_at
    return bool(lines or any(opening.values()) or any(closing.values()) or in_force)


def check(books, report):
    books.runs_of = {}
    for run in books.runs:
        books.runs_of.setdefault(run.contract, []).append(run)
    for period in books.periods:
        statements = [row for row in books.statements if row.month == period.month]
        for statement in statements:
            check_statement(books, statement, period, report)
        numbers = [f"{period.month}-{number:04}" for number in range(1, len(statements) + 1)]
        report.equal("numbers of a month's statements", period.month, numbers, [row.number for row in statements])
        due = sorted(contract.number for contract in books.contracts if is_due(books, contract, period))
        given = [books.contracts_by_id[row.contract].number for row in statements]
        report.equal("contracts with a statement, in the order of their numbers", period.month, due, given)
    months = {period.month for period in books.periods}
    for statement in books.statements:
        report.holds("the month of a statement", statement.number, statement.month in months, "is closed", statement.month)
