"""What runs used and were charged, from their times, their cards, their contract and the price books."""

from reading import HOUR_MS, ms, name, show

FORWARD = ("use",)
BACK = ("refund", "waiver")


def charge(rate, card_ms):
    return rate * card_ms // HOUR_MS


def waived(amount, percent):
    """The share of an amount that is waived, rounded up."""
    return -(-amount * percent // 100)


def priced_at(run):
    """The instant whose price book the run has: its plan, or the end of that second where Slurm's start moved the plan back to it."""
    is_moved_back = run.planned_at == run.started_at and run.planned_at % 1_000_000 == 0
    return run.planned_at + 999_999 if is_moved_back else run.planned_at


def book_in_force(books, instant):
    """The price book of an instant: the latest, and of two of one instant the one with the higher id."""
    in_force = [book for book in books.price_books if book.effective_from <= instant]
    return max(in_force, key=lambda book: (book.effective_from, book.id), default=None)


def package_rate(terms):
    return terms["fee"] * HOUR_MS // terms["package"]


def expected_rate(books, run):
    """The rate by the contract's kind, or by the price book in force when the run was planned; nothing where there is no price."""
    terms = books.contracts_by_id[run.contract].terms
    if terms["kind"] in ("reserved", "grant"):
        return 0
    if terms["kind"] == "prepaid":
        held = [one.terms for one in books.terms_over_time(books.contracts_by_id[run.contract]) if one.from_at <= run.planned_at]
        return package_rate(held[-1] if held else terms)
    book = book_in_force(books, priced_at(run))
    pool = name("pools", books.pool_of(run))
    job = books.jobs_by_id[run.job]
    return book and book.rates.get((pool, job["class"], books.tenants_by_id[run.tenant].domain))


def waived_percent(books, run):
    """The share of a run's use that the center does without."""
    if run.outcome not in ("lost", "preempted"):
        return 0
    book = books.price_books_by_id.get(run.price_book)
    return book.waived[run.outcome + "_percent"] if book else 100


def charged_until(run):
    """Up to where a run is charged, in microseconds, as far as the page tells: the last instant at which a lost run lived is taken as it stands."""
    until = run.ended_at
    if run.outcome == "lost" and run.charged_until is not None:
        until = min(until, run.charged_until)
    if run.stop_cause == "preempted" and run.outcome != "succeeded" and run.stop_at is not None:
        until = min(until, max(run.stop_at, run.started_at))
    if run.charged_at_most_ms is not None:
        until = min(until, run.started_at + run.charged_at_most_ms * 1000)
    return until


def use_of(run):
    """The use of a run that has ended, in card-milliseconds, before anything is waived."""
    if run.started_at is None or run.outcome == "failed_to_start":
        return 0
    until = run.ended_at if run.charged_until is None else run.charged_until
    return run.cards * (ms(until) - ms(run.started_at))


def posted(transfers):
    """What entries moved off a contract, in each unit."""
    sums = {"card_ms": 0, "micro_cny": 0}
    for transfer in transfers:
        sums[transfer.unit] += transfer.amount if transfer.debit == "contract" else -transfer.amount
    return sums


def check_references(books, report):
    """Rows name rows that are there; without that nothing else can be computed."""
    references = (
        ("runs", "job", "jobs"),
        ("runs", "contract", "contracts"),
        ("runs", "tenant", "tenants"),
        ("jobs", "project", "projects"),
        ("nodes", "pool", "pools"),
        ("payments", "contract", "contracts"),
        ("corrections", "contract", "contracts"),
        ("statements", "contract", "contracts"),
        ("transfers", "run", "runs"),
        ("transfers", "debit_contract", "contracts"),
        ("transfers", "credit_contract", "contracts"),
    )
    for table, column, other in references:
        there = getattr(books, other + "_by_id")
        for row in getattr(books, table):
            if row[column] is not None and row[column] not in there:
                key = row.get("seq") or row.get("reference") or row.get("number") or name(table, row.id)
                report.differ(f"the row that {column} names", f"{table} {key}", f"in {other}", name(other, row[column]))
    for run in books.runs:
        for node, _ in run.places:
            report.holds("the node of a run", name("runs", run.id), node in books.nodes_by_id, "is there", name("nodes", node))
    books.is_whole = not report.differences
    return books.is_whole


def check_run(books, run, report):
    key = name("runs", run.id)
    contract, job = books.contracts_by_id[run.contract], books.jobs_by_id[run.job]
    report.equal("the contract of a run is that of its job", key, name("contracts", job.contract), name("contracts", run.contract))
    report.equal("the tenant of a run is that of its job", key, name("tenants", job.tenant), name("tenants", run.tenant))
    report.equal("a run is granted", key, int(contract.terms["kind"] == "grant"), run.is_granted)
    in_force = book_in_force(books, priced_at(run))
    report.equal("the price book of a run", key, in_force and name("price_books", in_force.id), run.price_book and name("price_books", run.price_book))
    report.equal("the rate of a run", key, expected_rate(books, run), run.rate_micro_cny)
    transfers = books.by_run.get(run.id, [])
    sums = posted(transfers)
    report.equal("card-milliseconds of a run, by its entries", key, sums["card_ms"], run.used_card_ms)
    report.equal("micro-CNY of a run, by its entries", key, sums["micro_cny"], run.charged_micro_cny)
    check_entries(books, run, transfers, report)
    if run.ended_at is None:
        check_alive(books, run, report)
        return
    if run.started_at is not None:
        until = charged_until(run)
        found = run.ended_at if run.charged_until is None else run.charged_until
        report.holds("charged_until of a run", key, until == found, show(until), show(found))
    use = use_of(run)
    whole = charge(run.rate_micro_cny, use)
    percent = waived_percent(books, run)
    report.equal("use of a run in card-milliseconds", key, use - waived(use, percent), run.used_card_ms)
    report.equal("charge of a run in micro-CNY", key, whole - waived(whole, percent), run.charged_micro_cny)


def check_alive(books, run, report):
    """A run that goes on is posted as far as it was metered: no further than the books know, and its money follows from its card time."""
    key = name("runs", run.id)
    report.equal("charge of a run that goes on", key, charge(run.rate_micro_cny, run.used_card_ms), run.charged_micro_cny)
    if run.started_at is None:
        report.equal("use of a run that has not begun", key, 0, run.used_card_ms)
        return
    most = run.cards * max(0, ms(books.known_until) - ms(run.started_at))
    report.holds("use of a run that goes on", key, run.used_card_ms <= most, f"at most {most}", run.used_card_ms)


def posted_by(books, run, transfer, charged_until):
    """What is posted of a run with an entry, in its unit: up to its instant, and no further than the run is charged."""
    bounds = [books.zone.meters_to(transfer.at)]
    if charged_until is not None:
        bounds.append(charged_until)
    if run.charged_at_most_ms is not None:
        bounds.append(run.started_at + run.charged_at_most_ms * 1000)
    card_ms = run.cards * max(0, ms(min(bounds)) - ms(run.started_at))
    return charge(run.rate_micro_cny, card_ms) if transfer.unit == "micro_cny" else card_ms


def left_by(books, run, transfer):
    """What a waiver leaves of a run, in the unit of its entry: one that corrects a month waives the share of the use up to its end."""
    whole, until = use_of(run), ms(run.ended_at if run.charged_until is None else run.charged_until)
    part = whole
    if transfer.corrects is not None:
        until = min(until, ms(books.zone.bounds(transfer.corrects)[1]))
        part = run.cards * max(0, until - ms(run.started_at))
    if transfer.unit == "micro_cny":
        whole, part = charge(run.rate_micro_cny, whole), charge(run.rate_micro_cny, part)
    return whole - waived(part, waived_percent(books, run))


def check_entries(books, run, transfers, report):
    """The entries of a run follow one another by the sums in their keys, and each belongs to the instant to which it meters."""
    sums = {"card_ms": 0, "micro_cny": 0}
    words = {"card_ms": "use", "micro_cny": "fee"}
    metered = {}
    for transfer in transfers:
        before = sums[transfer.unit]
        forward = transfer.cause in FORWARD
        after = before + transfer.amount if forward else before - transfer.amount
        sums[transfer.unit] = after
        key = f"transfer {transfer.seq}"
        report.equal("key of an entry", key, f"{name('runs', run.id)}/{words[transfer.unit]}/{before}-{after}", transfer.key)
        side = transfer.debit_contract if forward else transfer.credit_contract
        report.equal("the contract of a run's entry", key, name("contracts", run.contract), side and name("contracts", side))
        if transfer.cause == "waiver":
            report.equal("what a waiver leaves", key, left_by(books, run, transfer), after)
            continue
        if transfer.corrects is None and run.started_at is not None:
            # Use was metered beyond the end of a run that nobody had seen; a refund follows.
            unseen = posted_by(books, run, transfer, None) if forward else None
            seen = posted_by(books, run, transfer, run.charged_until or run.ended_at)
            report.holds(f"posted up to the instant of an entry, {transfer.unit}", key, after in (seen, unseen), seen, after)
        if transfer.unit == "card_ms":
            metered[transfer.at] = after
        elif transfer.at in metered:
            report.equal("charge at an entry", key, charge(run.rate_micro_cny, metered[transfer.at]), after)


def check(books, report):
    for run in books.runs:
        check_run(books, run, report)
    for job in books.jobs:
        job["sums"] = [0, 0]
    for run in books.runs:
        job = books.jobs_by_id[run.job]
        job.sums[0] += run.used_card_ms
        job.sums[1] += run.charged_micro_cny
    for job in books.jobs:
        key = name("jobs", job.id)
        report.equal("card-milliseconds of a job, by its runs", key, job.sums[0], job.used_card_ms)
        report.equal("micro-CNY of a job, by its runs", key, job.sums[1], job.charged_micro_cny)


def check_days(books, report):
    """use_by_day from the entries of runs and the ends of runs."""
    days = {}
    for transfer in books.transfers:
        run = books.runs_by_id.get(transfer.run)
        if run is not None:
            row = days.setdefault((books.zone.day(transfer.at), run.tenant, books.jobs_by_id[run.job].project), [0, 0, 0])
            amount = transfer.amount if transfer.debit == "contract" else -transfer.amount
            row[1 if transfer.unit == "card_ms" else 2] += amount
    for run in books.runs:
        if run.ended_at is not None and run.started_at is not None:
            days.setdefault((books.zone.day(run.ended_at), run.tenant, books.jobs_by_id[run.job].project), [0, 0, 0])[0] += 1
    found = {(row.day, row.tenant, row.project): [row.runs, row.used_card_ms, row.charged_micro_cny] for row in books.use_by_day}
    for day, tenant, project in sorted(days.keys() | found.keys()):
        key = f"day {day}, {name('tenants', tenant)}, {name('projects', project)}"
        report.equal("runs, card-milliseconds and micro-CNY of a day", key, days.get((day, tenant, project), [0, 0, 0]), found.get((day, tenant, project), [0, 0, 0]))
