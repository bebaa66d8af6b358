#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Predicts a building's hourly heat load by least squares, standard library only.

THE WEATHER AND THE BUILDING ARE SYNTHETIC. A year of outdoor temperature, sun and
wind is drawn from a simple random model of a place with cold winters; the heat
load comes from heat flow through a wall of five layers, solved by explicit finite
differences in steps of 45 seconds, plus ventilation, sun through the windows and
the people at work. Meter noise of 3 % is added. No real building was measured.

The regression then sees only what a building operator sees (the hour, the weather
and the meter of past hours) and predicts the next hour. Three of four weeks of
the heating season are for fitting, every fourth week is held back. CV(RMSE) is
the root mean square error as a share of the mean load, the usual figure for such
models; the simple rule "as in the hour before" is given for comparison.
"""

import argparse
import json
import math
import random
import sys

HOURS = 8760
STEPS = 80  # in an hour, 45 seconds each
LAYERS = 5
INDOOR = 20.0
AREA = 1800.0  # m2 of wall
LAYER_R = 0.42  # m2 K / W between two layers
LAYER_C = 90000.0  # J / m2 K of a layer
SURFACE_R = 0.08  # m2 K / W on either side


def weather(chance):
    """Hourly (outdoor temperature in C, sun in W/m2, wind in m/s)."""
    hours = []
    drift = cloud = gust = 0.0
    for hour in range(HOURS):
        day, clock = hour / 24.0, hour % 24
        drift = 0.985 * drift + chance.gauss(0.0, 0.55)
        cloud = 0.97 * cloud + chance.gauss(0.0, 0.24)
        gust = 0.92 * gust + chance.gauss(0.0, 0.4)
        season = -math.cos(2.0 * math.pi * (day - 20.0) / 365.0)
        height = math.sin(math.pi * (clock - 6.0) / 12.0) * (0.65 + 0.3 * season)
        sun = max(0.0, 850.0 * height) / (1.0 + math.exp(1.4 * cloud))
        swing = 3.5 * math.sin(2.0 * math.pi * (clock - 9.0) / 24.0)
        hours.append((10.0 + 14.0 * season + swing + drift, sun, abs(2.5 + gust)))
    return hours


def at_work(hour):
    day, clock = (hour // 24) % 7, hour % 24
    return 1.0 if day < 5 and 8 <= clock < 18 else 0.0


def heat_load(hours, chance):
    """The heat in kW that keeps the building at 20 C in each hour, with meter noise."""
    step = 3600.0 / STEPS
    change = step / LAYER_C
    wall = [INDOOR - (INDOOR - hours[0][0]) * (i + 0.5) / LAYERS for i in range(LAYERS)]
    loads = []
    for hour, (outdoor, sun, wind) in enumerate(hours):
        # The sun warms the outer face, the wind cools it.
        face = outdoor + 0.025 * sun / (1.0 + 0.2 * wind)
        used = 0.0
        for _ in range(STEPS):
            flows = [(INDOOR - wall[0]) / SURFACE_R]
            flows += [(a - b) / LAYER_R for a, b in zip(wall, wall[1:])]
            flows.append((wall[-1] - face) / SURFACE_R)
            wall = [t + change * (i - o) for t, i, o in zip(wall, flows, flows[1:])]
            used += flows[0] * AREA
        people = at_work(hour)
        air = (350.0 + 900.0 * people + 45.0 * wind) * (INDOOR - outdoor)
        watts = used / STEPS + air - 55.0 * sun - 9000.0 * people
        loads.append(max(0.0, watts / 1000.0) * (1.0 + chance.gauss(0.0, 0.03)))
    return loads


def row(hours, loads, hour):
    """What is known at the start of an hour, and the weather forecast for it."""
    outdoor, sun, wind = hours[hour]
    cold = INDOOR - outdoor
    people = at_work(hour)
    return [
        1.0,
        cold,
        cold * people,
        cold * wind,
        sun,
        people,
        loads[hour - 1],
        loads[hour - 24],
        INDOOR - hours[hour - 1][0],
        at_work(hour - 1) * (INDOOR - hours[hour - 1][0]),
        hours[hour - 1][1],
        at_work(hour - 1),
        INDOOR - sum(h[0] for h in hours[hour - 24 : hour]) / 24.0,
    ]


def solve(matrix, right):
    """Gaussian elimination with the largest pivot."""
    size = len(right)
    rows = [list(line) + [value] for line, value in zip(matrix, right)]
    for at in range(size):
        best = max(range(at, size), key=lambda r: abs(rows[r][at]))
        rows[at], rows[best] = rows[best], rows[at]
        if abs(rows[at][at]) < 1e-12:
            raise ValueError("the inputs are linearly dependent")
        for below in range(at + 1, size):
            share = rows[below][at] / rows[at][at]
            rows[below] = [b - share * a for a, b in zip(rows[at], rows[below])]
    answer = [0.0] * size
    for at in range(size - 1, -1, -1):
        rest = sum(rows[at][i] * answer[i] for i in range(at + 1, size))
        answer[at] = (rows[at][size] - rest) / rows[at][at]
    return answer


def fit(inputs, outputs):
    """Least squares by the normal equations, with columns brought to a like scale."""
    scale = [math.sqrt(sum(v * v for v in c) / len(c)) or 1.0 for c in zip(*inputs)]
    columns = [[v / s for v in c] for c, s in zip(zip(*inputs), scale)]
    matrix = [[sum(a * b for a, b in zip(p, q)) for q in columns] for p in columns]
    right = [sum(a * b for a, b in zip(p, outputs)) for p in columns]
    return [w / s for w, s in zip(solve(matrix, right), scale)]


def cv_rmse(guesses, outputs):
    errors = [(g - o) ** 2 for g, o in zip(guesses, outputs)]
    return math.sqrt(sum(errors) / len(errors)) / (sum(outputs) / len(outputs))


def main():
    parser = argparse.ArgumentParser(description="Predict a synthetic building's heat load.")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    print("building: synthetic weather and a synthetic building", flush=True)
    hours = weather(chance)
    loads = heat_load(hours, chance)
    print("a year simulated: %.0f MWh of heat" % (sum(loads) / 1000.0), flush=True)

    season = [h for h in range(24, HOURS) if h < 105 * 24 or h >= 288 * 24]
    held = [h for h in season if (h // 168) % 4 == 3]
    used = [h for h in season if (h // 168) % 4 != 3]
    weights = fit([row(hours, loads, h) for h in used], [loads[h] for h in used])
    truth = [loads[h] for h in held]
    guesses = [
        max(0.0, sum(w * v for w, v in zip(weights, row(hours, loads, h)))) for h in held
    ]
    error = cv_rmse(guesses, truth)
    before = cv_rmse([loads[h - 1] for h in held], truth)
    print("%d hours to fit, %d hours held back" % (len(used), len(held)), flush=True)
    print("the hour before as a guess: CV(RMSE) %.4f" % before, flush=True)
    with open("result.json", "w", encoding="ascii") as out:
        json.dump(
            {
                "cv_rmse": round(error, 4),
                "cv_rmse_hour_before": round(before, 4),
                "train": len(used),
                "held_back": len(held),
            },
            out,
        )
        out.write("\n")
    print("cv_rmse %.4f" % error, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
