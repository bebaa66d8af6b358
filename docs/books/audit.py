#!/usr/bin/env python3
"""Recomputes the books of a Qiantang center from its database, and prints where they differ from what is recorded.

    python3 docs/books/audit.py center.db

It needs Python 3.11 or later and nothing else. It shares nothing with the center's program, and follows docs/books.md. It reads one snapshot and changes nothing.
Exit code: 0 nothing differs, 1 something differs, 2 the file can't be read."""

import argparse
import datetime
import json
import sys

sys.dont_write_bytecode = True  # Nothing is left beside the program.

import capacity
import closing
import correcting
import invoicing
import ledger
import metering
import vouchers
from reading import Books, Report, Unreadable, name, show


def audit(books):
    """All differences of the books, in the order in which they are found."""
    report = Report()
    if metering.check_references(books, report):
        metering.check(books, report)
        metering.check_days(books, report)
        ledger.check(books, report)
        correcting.check(books, report)
        closing.check(books, report)
        vouchers.check(books, report)
        invoicing.check(books, report)
        capacity.check(books, report)
    return report.differences


def instant(text):
    """An instant of the command line, in milliseconds."""
    given = datetime.datetime.fromisoformat(text)
    if given.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text} has no offset from UTC, such as Z")
    return int(given.timestamp() * 1000 + 0.5)


def tables(books, interval):
    """What was recomputed: balances of all accounts, fees, and the parts of capacity."""
    bounds = interval or capacity.bounds_of(books)
    return {
        "balances": {ledger.label(account): amount for account, amount in sorted(ledger.balances(books).items())},
        "fees": {
            name("contracts", contract): {"fee": fee, "paid": paid, "cancelled": cancelled, "open": fee - paid - cancelled, "is_due": is_due}
            for contract, (fee, paid, cancelled, is_due) in ledger.open_fees(books).items()
        },
        "capacity": [
            {"from": show(begin * 1000), "to": show(end * 1000), **parts}
            for begin, end, parts in zip(bounds, bounds[1:], capacity.balances(books, bounds))
        ],
    }


def main():
    parser = argparse.ArgumentParser(description="Recomputes the books of a Qiantang center from its database, and prints where they differ.")
    parser.add_argument("file", help="the database: center.db, or a backup of it")
    parser.add_argument("--json", action="store_true", help="print one JSON object, with what was recomputed: balances, fees, capacity")
    parser.add_argument("--capacity", nargs=2, type=instant, metavar=("FROM", "TO"), help="print the capacity of this interval, such as 2026-11-23T00:00Z 2026-11-24T00:00Z")
    chosen = parser.parse_args()
    try:
        books = Books(chosen.file)
    except Unreadable as error:
        print(f"can't be read: {error}", file=sys.stderr)
        return 2
    differences = audit(books)
    if chosen.json:
        recomputed = tables(books, chosen.capacity) if books.is_whole else {}
        print(json.dumps({"differences": differences, **recomputed}, default=str, ensure_ascii=False, indent=1))
        return 1 if differences else 0
    for difference in differences:
        print(f"{difference['id']}: {difference['what']}: expected {difference['expected']}, found {difference['found']}")
    if chosen.capacity and books.is_whole:
        for part, card_ms in capacity.balances(books, chosen.capacity)[0].items():
            print(f"{part}: {card_ms} card-milliseconds")
    counted = f"{len(books.transfers)} transfers, {len(books.runs)} runs, {len(books.contracts)} contracts, {len(books.statements)} statements"
    print(f"{counted}, up to {show(books.known_until)}: {len(differences) or 'no'} difference{'' if len(differences) == 1 else 's'}")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
