"""Reads the tables of a center's database, and knows its ids, days and months. It only reads."""

import datetime
import json
import sqlite3
import zoneinfo
from pathlib import Path
from urllib.parse import quote

TABLES = {
    "transfers": "seq",
    "contracts": "id",
    "contract_events": "seq",
    "price_books": "id",
    "payments": "reference",
    "corrections": "id",
    "periods": "month",
    "statements": "number",
    "runs": "id",
    "jobs": "id",
    "nodes": "id",
    "node_stretches": "node, from_at",
    "tenants": "id",
    "projects": "id",
    "pools": "id",
    "use_by_day": "day, tenant, project",
    "ledger_sums": "account, contract, unit",
    "settings_in_force": "seq",
}

# Tables that centers of before this version lack.
LATER_TABLES = {
    "amendments": "id",
    "contract_versions": "contract, number",
    "programmes": "id",
    "fundings": "id",
    "vouchers": "id",
    "voucher_bases": "voucher",
    "claims": "id",
    "claim_acts": "claim, seq",
    "invoices": "serial",
    "invoice_lines": "invoice, place",
}

# What an id of a table begins with, in keys and in JSON.
PREFIXES = {
    "contracts": "con",
    "runs": "run",
    "jobs": "job",
    "nodes": "node",
    "tenants": "ten",
    "projects": "prj",
    "pools": "pool",
    "corrections": "cor",
    "invoices": "ivc",
    "amendments": "amd",
    "price_books": "pb",
    "programmes": "prg",
    "fundings": "fnd",
    "vouchers": "vou",
}

LAST_MICROSECOND = 1
HOUR_MS = 3_600_000


class Unreadable(Exception):
    """The file is no database of a center, or not one that this program knows."""


class Row(dict):
    """A row whose columns are also its attributes."""

    __getattr__ = dict.__getitem__


def name(table, key):
    """The id as texts have it: a prefix and 32 digits."""
    return f"{PREFIXES[table]}_{key.hex()}" if isinstance(key, bytes) else str(key)


def ms(instant):
    """An instant in whole milliseconds, rounded down."""
    return instant // 1000


def show(instant):
    """An instant for people, in UTC."""
    if instant is None:
        return "nothing"
    whole = datetime.datetime.fromtimestamp(instant // 1_000_000, datetime.timezone.utc)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{instant % 1_000_000:06d}Z"


class Zone:
    """The center's days and months."""

    def __init__(self, key):
        try:
            self.zone = zoneinfo.ZoneInfo(key)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
            raise Unreadable(f"this machine does not know the time zone {key}") from error

    def date(self, instant):
        return datetime.datetime.fromtimestamp(instant // 1_000_000, self.zone).date()

    def day(self, instant):
        """Days since 1970-01-01."""
        return self.date(instant).toordinal() - datetime.date(1970, 1, 1).toordinal()

    def begins(self, date):
        """The first instant of a day."""
        local = datetime.datetime(date.year, date.month, date.day, tzinfo=self.zone)
        return int(local.timestamp()) * 1_000_000

    def next_day(self, instant):
        """The first instant of the day after that of an instant."""
        return self.begins(self.date(instant) + datetime.timedelta(days=1))

    def month(self, instant):
        return f"{self.date(instant):%Y-%m}"

    def bounds(self, month):
        """The first instant of a month, and that of the next."""
        year, number = (int(part) for part in month.split("-"))
        after = datetime.date(year + number // 12, number % 12 + 1, 1)
        return self.begins(datetime.date(year, number, 1)), self.begins(after)

    def meters_to(self, at):
        """The instant up to which an entry meters: the last instant before a day stands for the day's beginning."""
        return at + LAST_MICROSECOND if self.day(at + LAST_MICROSECOND) != self.day(at) else at


class Books:
    """All that is audited, from one snapshot."""

    def __init__(self, path):
        if not Path(path).is_file():
            raise Unreadable(f"{path} is no file")
        try:
            database = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None)
            database.execute("BEGIN")
            for table, order in TABLES.items():
                setattr(self, table, self.rows(database, f"SELECT * FROM {table} ORDER BY {order}"))
            there = {row.name for row in self.rows(database, "SELECT name FROM sqlite_master WHERE type = 'table'")}
            for table, order in LATER_TABLES.items():
                setattr(self, table, self.rows(database, f"SELECT * FROM {table} ORDER BY {order}") if table in there else [])
            self.summed_to = (database.execute("SELECT max(upto_seq) FROM ledger_checkpoint").fetchone() or (0,))[0] or 0
            link = database.execute("SELECT max(at) FROM chain").fetchone()[0] or 0
            database.close()
            zones = [row.value for row in self.settings_in_force if row.key == "time_zone"]
            if not zones:
                raise Unreadable("the time zone is not among the settings in force")
            self.zone = Zone(zones[-1])
            ends = [run.ended_at or run.started_at or run.planned_at for run in self.runs]
            self.known_until = max([link, *(row.at for row in self.transfers), *(row.at for row in self.contract_events), *ends])
            self.index()
        except (sqlite3.Error, KeyError, ValueError, TypeError) as error:
            raise Unreadable(f"{path}: {error}") from error

    @staticmethod
    def rows(database, query):
        cursor = database.execute(query)
        columns = [column[0] for column in cursor.description]
        return [Row(zip(columns, row)) for row in cursor]

    def index(self):
        for table in ("contracts", "runs", "jobs", "nodes", "tenants", "projects", "pools", "price_books", "corrections", "programmes", "vouchers"):
            setattr(self, table + "_by_id", {row.id: row for row in getattr(self, table)})
        for contract in self.contracts:
            contract["terms"] = json.loads(contract.kind)
        for version in self.contract_versions:
            version["terms"] = json.loads(version.kind)
        for book in self.price_books:
            book["waived"] = json.loads(book.waivers)
            book["rates"] = {(price["pool"], price["class"], price["domain"]): price["rate"] for price in json.loads(book.prices)}
        for run in self.runs:
            run["places"] = places(run.placement)
            run["cards"] = sum(bits.bit_count() for _, bits in run.places)
        self.by_run = {}
        for transfer in self.transfers:
            if transfer.run is not None:
                self.by_run.setdefault(transfer.run, []).append(transfer)
        self.history = {}
        for event in self.contract_events:
            self.history.setdefault(event.contract, []).append(event)

    def terms_over_time(self, contract):
        """The terms of a contract from its activation on, each with the instant from which it holds, its end and its amendment."""
        versions = [row for row in self.contract_versions if row.contract == contract.id]
        event = self.activation(contract)
        if versions or event is None:
            return versions
        return [Row(from_at=event.at, terms=contract.terms, ends_at=contract.ends_at, amendment=None)]

    def activation(self, contract):
        """When a contract became active for the first time: the event, or nothing."""
        return next((event for event in self.history.get(contract.id, []) if event.action == "activate"), None)

    def pool_of(self, run):
        """The pool of a run's first node."""
        node = self.nodes_by_id.get(run.places[0][0]) if run.places else None
        return node.pool if node else None


def places(placement):
    """For each node of a run its id and the bits of its cards."""
    if len(placement) % 24:
        raise ValueError(f"a placement has {len(placement)} bytes")
    return [(placement[i : i + 16], int.from_bytes(placement[i + 16 : i + 24], "big")) for i in range(0, len(placement), 24)]


class Report:
    """The differences, in the order in which they are found."""

    def __init__(self):
        self.differences = []

    def differ(self, what, key, expected, found):
        self.differences.append({"what": what, "id": str(key), "expected": expected, "found": found})

    def equal(self, what, key, expected, found):
        if expected != found:
            self.differ(what, key, expected, found)
        return expected == found

    def holds(self, what, key, condition, expected, found):
        if not condition:
            self.differ(what, key, expected, found)
        return condition
