#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Searches the green splits of nine traffic lights, standard library only.

THE STREETS AND THE TRAFFIC ARE SYNTHETIC: a grid of 3 x 3 crossings of one-way
streets, three towards the east and three towards the south, with invented arrival
rates. No real city was measured.

Each crossing has a fixed cycle of 60 s: first green towards the east for some
seconds, then all red, then green towards the south, then all red. Cars arrive at
the edges at random, wait in line, pass at one car per two seconds of green, and
need 15 s to the next crossing. The search changes one crossing at a time (more or
less green towards the east, an earlier or later start) and keeps what lowers the
mean delay over six days of 20 simulated minutes each. Then the plan is compared
with an even split on ten other days, which the search has not seen.
"""

import argparse
import json
import random
import sys

SIDE = 3
CYCLE = 60
ALL_RED = 3
TRAVEL = 15
HEADWAY = 2
SECONDS = 1200
DAYS = 6
OTHER_DAYS = 10
# Cars per second entering each street.
EAST = (0.26, 0.14, 0.20)
SOUTH = (0.12, 0.22, 0.10)
LEAST_GREEN = 9
MOST_GREEN = CYCLE - 2 * ALL_RED - LEAST_GREEN


def traffic(chance):
    """A day: the seconds in which cars enter, one list for each of the six streets."""
    return [
        [second for second in range(SECONDS) if chance.random() < rate]
        for rate in EAST + SOUTH
    ]


def mean_delay(plan, days):
    """Mean seconds a car loses in the grid. `plan` has (green east, start) of each crossing.

    The streets are one-way and cars do not turn, so each street can be followed
    crossing by crossing: the cars that leave one are those that reach the next.
    """
    lost = cars = 0
    for street, entering in [pair for day in days for pair in enumerate(day)]:
        towards_east = street < SIDE
        reach = entering
        for step in range(SIDE):
            at = street * SIDE + step if towards_east else step * SIDE + street - SIDE
            green, start = plan[at]
            if towards_east:
                begin, length = start, green
            else:
                begin, length = start + green + ALL_RED, CYCLE - green - 2 * ALL_RED
            free = 0
            leave = []
            for second in reach:
                now = second if second > free else free
                into = (now - begin) % CYCLE
                if into >= length:
                    now += CYCLE - into
                leave.append(now)
                lost += now - second
                free = now + HEADWAY
            reach = [second + TRAVEL for second in leave]
        cars += len(entering)
    return lost / cars


def search(plan, days, rounds):
    best = mean_delay(plan, days)
    tried = 1
    for number in range(1, rounds + 1):
        before = best
        size = max(1, 12 // number)
        for at in range(SIDE * SIDE):
            for more, later in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, -1), (-1, 1)):
                green, start = plan[at]
                green = min(MOST_GREEN, max(LEAST_GREEN, green + more * size))
                trial = plan[:at] + [(green, (start + later * size) % CYCLE)] + plan[at + 1 :]
                delay = mean_delay(trial, days)
                tried += 1
                if delay < best:
                    plan, best = trial, delay
        print("round %d/%d delay %.2f s a car" % (number, rounds, best), flush=True)
        if size == 1 and best == before:
            break
    return plan, tried


def main():
    parser = argparse.ArgumentParser(description="Search green splits on a synthetic grid.")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    half = (CYCLE - 2 * ALL_RED) // 2
    even = [(half, 0)] * (SIDE * SIDE)
    print("city: a synthetic grid of %d crossings" % len(even), flush=True)
    chance = random.Random(options.seed)
    plan, tried = search(even, [traffic(chance) for _ in range(DAYS)], options.rounds)
    print("%d plans tried; green towards the east / start of the cycle:" % tried, flush=True)
    for first in range(0, len(plan), SIDE):
        print("  ".join("%2d s / %2d s" % crossing for crossing in plan[first : first + SIDE]))
    days = [traffic(chance) for _ in range(OTHER_DAYS)]
    delay_even = mean_delay(even, days)
    delay = mean_delay(plan, days)
    with open("result.json", "w", encoding="ascii") as out:
        json.dump(
            {
                "delay_even_split_s": round(delay_even, 2),
                "delay_s": round(delay, 2),
                "plans_tried": tried,
                "plan": plan,
            },
            out,
        )
        out.write("\n")
    print("even split %.2f s a car on ten other days" % delay_even, flush=True)
    print("delay %.2f" % delay, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
