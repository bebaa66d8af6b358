"""Where the cards' time went: capacity = sold + granted + preempted + lost + idle + drained + failed."""

import bisect

from reading import ms, name, show

FREE = {"up": "idle", "drained": "drained", "failed": "failed"}
HOUR = 3_600_000_000
PARTS = ("sold", "granted", "preempted", "lost", "idle", "drained", "failed")


def spans(books, run):
    """A run's time on its cards in milliseconds: what is charged, and what is not, each with its part."""
    if run.started_at is None:
        return []
    end = ms(books.known_until if run.ended_at is None else run.ended_at)
    begin = ms(run.started_at)
    until = end if run.ended_at is None or run.charged_until is None else min(end, ms(run.charged_until))
    after = "preempted" if run.stop_cause == "preempted" and run.outcome != "succeeded" else "lost"
    charged = "granted" if run.is_granted else "sold"
    return [(begin, until, charged), (until, max(end, until), after)]


def pieces(books):
    """All that adds to a part, in milliseconds: (begin, end, part, cards). What a run has of a stretch is taken from what is free of it."""
    index(books)
    for node, stretches in books.stretches.items():
        until = ms(books.known_until)
        begins = [ms(stretch.from_at) for stretch in stretches]
        ends = [until if stretch.until_at is None else ms(stretch.until_at) for stretch in stretches]
        for begin, end, stretch in zip(begins, ends, stretches):
            yield begin, end, "capacity", stretch.cards
            yield begin, end, FREE.get(stretch.condition, "failed"), stretch.cards
        for begin, end, _, cards in books.taken.get(node, []):
            at = max(bisect.bisect_right(begins, begin) - 1, 0)
            while at < len(stretches) and begins[at] < end:
                from_ms, until_ms = max(begin, begins[at]), min(end, ends[at])
                if from_ms < until_ms:
                    yield from_ms, until_ms, FREE.get(stretches[at].condition, "failed"), -cards
                at += 1
    for spans_of_node in books.taken.values():
        yield from spans_of_node


def balances(books, bounds):
    """The parts of each interval between two bounds, which are in milliseconds and in order."""
    sums = [dict.fromkeys(("capacity", *PARTS), 0) for _ in bounds[1:]]
    for begin, end, part, cards in pieces(books):
        at = max(bisect.bisect_right(bounds, begin) - 1, 0)
        while at < len(sums) and bounds[at] < end:
            sums[at][part] += cards * max(0, min(end, bounds[at + 1]) - max(begin, bounds[at]))
            at += 1
    return sums


def index(books):
    books.stretches, books.taken = {}, {}
    for stretch in books.node_stretches:
        books.stretches.setdefault(stretch.node, []).append(stretch)
    for run in books.runs:
        for begin, end, part in spans(books, run):
            if end > begin:
                for node, bits in run.places:
                    books.taken.setdefault(node, []).append((begin, end, part, bits.bit_count()))


def check_stretches(books, report):
    """A node's stretches follow one another without gap, and the last one is open."""
    for node in books.nodes:
        key = name("nodes", node.id)
        stretches = books.stretches.get(node.id, [])
        if not report.holds("stretches of a node", key, stretches, "one at least", 0):
            continue
        report.equal("a node's stretches begin with it", key, show(node.since), show(stretches[0].from_at))
        for one, other in zip(stretches, stretches[1:]):
            report.equal("a node's stretches follow one another", f"{key} from {show(one.from_at)}", show(other.from_at), show(one.until_at))
        report.equal("a node's last stretch is open", key, "nothing", show(stretches[-1].until_at))
        report.equal("the condition of a node's last stretch", key, node.state, stretches[-1].condition)
        for stretch in stretches:
            report.equal("cards of a stretch", f"{key} from {show(stretch.from_at)}", node.cards, stretch.cards)
            report.holds("the condition of a stretch", f"{key} from {show(stretch.from_at)}", stretch.condition in FREE, "up, drained or failed", stretch.condition)


def check_cards(books, report):
    """No card is two runs' at a time, and no run is on a card that is not there."""
    held = {}
    for run in books.runs:
        key = name("runs", run.id)
        for node, bits in run.places:
            known = books.nodes_by_id[node]
            report.holds("the cards of a run", key, 0 < bits < 1 << known.cards, f"some of {known.cards}", f"{bits:b}")
            if run.started_at is not None:
                report.holds("a run begins after its node", key, run.started_at >= known.since, f"not before {show(known.since)}", show(run.started_at))
                end = books.known_until if run.ended_at is None else run.ended_at
                for card in range(bits.bit_length()):
                    if bits >> card & 1:
                        held.setdefault((node, card), []).append((run.started_at, end, run))
    for (node, card), spans_of_card in held.items():
        spans_of_card.sort(key=lambda span: span[:2])
        latest, before = spans_of_card[0][1:]
        for begin, end, run in spans_of_card[1:]:
            key = f"card {card} of {name('nodes', node)}"
            found = f"{show(begin)}, while {name('runs', before.id)} was there"
            is_free = ms(begin) >= ms(latest)
            report.holds("a card has one run at a time", key, is_free, f"{name('runs', run.id)} not before {show(latest)}", found)
            if end > latest:
                latest, before = end, run


def bounds_of(books):
    """The hours of the books in milliseconds, and the beginnings of all days; the last one as far as they are known."""
    at = min((stretch.from_at for stretch in books.node_stretches), default=books.known_until)
    bounds = []
    while at < books.known_until:
        bounds.append(ms(at))
        at = min((at // HOUR + 1) * HOUR, books.zone.next_day(at))
    return [*bounds, ms(books.known_until)]


def check(books, report):
    index(books)
    check_stretches(books, report)
    check_cards(books, report)
    bounds = bounds_of(books)
    for begin, end, sums in zip(bounds, bounds[1:], balances(books, bounds)):
        key = f"{show(begin * 1000)} to {show(end * 1000)}"
        report.equal("capacity is the sum of its parts", key, sums["capacity"], sum(sums[part] for part in PARTS))
        for part in PARTS:
            report.holds(f"{part}, a part of capacity", key, sums[part] >= 0, "not below 0", sums[part])
