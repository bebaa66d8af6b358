"""Invoices: each over statements of closed months, with what they bill, and no statement in two of them."""

import json

from reading import name

FEN = 10_000
WHOLE_BP = 10_000
LIVE = ("requested", "issued")
RED = ("credit_note", "allowance")
OF_USE = ("use", "refund", "waiver")
OF_FEES = ("fee", "fee_cancelled")


def billed(body):
    """The part of a statement that is billed: use where one pays by use, fees where one pays a fee, less what was given back."""
    total = 0
    for line in body["lines"]:
        if line["cause"] in RED or (line["cause"] in OF_USE and body["kind"] == "metered"):
            total -= line["micro_cny"]
        elif line["cause"] in OF_FEES and body["kind"] in ("prepaid", "reserved"):
            total += line["micro_cny"]
    return total


def amounts(total, rate_bp):
    """The amount with tax and the tax in it, in fen, half a fen up."""
    fen = (total + FEN // 2) // FEN
    whole = WHOLE_BP + rate_bp
    return fen, (2 * fen * rate_bp + whole) // (2 * whole)


def check(books, report):
    statements = {row.number: row for row in books.statements}
    lines, in_force = {}, {}
    for line in books.invoice_lines:
        lines.setdefault(line.invoice, []).append(line)
    for invoice in books.invoices:
        key = name("invoices", invoice.id)
        is_live = invoice.state in LIVE
        for line in lines.get(invoice.id, []):
            where = f"{key} {line.statement}"
            statement = statements.get(line.statement)
            report.holds("the statement of an invoice", where, statement is not None, "is there", line.statement)
            if statement is None:
                continue
            contract = books.contracts_by_id[statement.contract]
            report.equal("the tenant of an invoice's statement", where, name("tenants", invoice.tenant), name("tenants", contract.tenant))
            try:
                report.equal("what a statement bills", where, billed(json.loads(statement.body)), line.billed_micro_cny)
            except (ValueError, KeyError, TypeError) as error:
                report.differ("the JSON of a statement", where, "as the page describes it", repr(error))
            report.equal("whether an invoice keeps its statement", where, int(is_live), line.is_live)
            if is_live:
                in_force.setdefault(line.statement, []).append(key)
        total = sum(line.billed_micro_cny for line in lines.get(invoice.id, []))
        report.equal("the sum of an invoice's statements", key, total, invoice.billed_micro_cny)
        report.equal("amount and tax of an invoice, in fen", key, amounts(total, invoice.rate_bp), (invoice.amount_fen, invoice.tax_fen))
        is_issued = invoice.state in ("issued", "reversed")
        report.holds("the number of an issued invoice", key, (len(invoice.number) == 20) == is_issued, "20 digits once it is issued", invoice.number)
    for statement, keys in in_force.items():
        report.equal("invoices over a statement", statement, 1, len(keys))
