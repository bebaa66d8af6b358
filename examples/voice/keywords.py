#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Learns to tell six spoken-command-like sounds apart, standard library only.

THE SOUNDS ARE SYNTHETIC. No person was recorded. Each "word" is a glide between
two vowels, made by a source-filter model: a train of pulses at the pitch of an
invented speaker, passed through two resonators whose centres (the formants) move
from the first vowel to the second, with noise added. The figures say how well
this toy recogniser does on this toy speech, and nothing about real speech.

The recogniser: the energy in 14 bands of each of 6 stretches of the sound, found
with Goertzel filters, as logarithms with the mean taken out; then the nearest of
the six class centroids, each feature weighed by its spread within the classes.
"""

import argparse
import json
import math
import random
import sys

RATE = 8000
SAMPLES = 1920  # 0.24 s
STRETCHES = 6
BANDS = [250, 350, 450, 560, 680, 820, 980, 1160, 1370, 1620, 1900, 2230, 2600, 3050]
# First and second formant in Hz, round textbook-like values of an adult.
VOWELS = {"a": (800, 1250), "i": (300, 2300), "u": (330, 800), "e": (520, 1850), "o": (500, 900)}
WORDS = {"on": "oe", "off": "ou", "open": "ai", "close": "ia", "up": "ua", "down": "au"}
SPEAKERS_TRAIN = 60
SPEAKERS_TEST = 60


def resonator(frequency, width):
    radius = math.exp(-math.pi * width / RATE)
    return 2.0 * radius * math.cos(2.0 * math.pi * frequency / RATE), -radius * radius


def utter(vowels, speaker, chance):
    """One synthetic word as a list of samples."""
    pitch, tract, noise = speaker
    (from_1, from_2), (to_1, to_2) = (VOWELS[v] for v in vowels)
    pitch *= chance.uniform(0.93, 1.07)
    sway = [chance.gauss(1.0, 0.07) for _ in range(2)]
    turn = chance.uniform(0.35, 0.65)
    sound = []
    phase = 0.0
    y1 = y2 = z1 = z2 = 0.0
    p1 = p2 = q1 = q2 = 0.0
    for at in range(SAMPLES):
        if at % 40 == 0:
            part = 1.0 / (1.0 + math.exp(-14.0 * (at / SAMPLES - turn)))
            p1, p2 = resonator((from_1 + part * (to_1 - from_1)) * tract * sway[0], 90.0)
            q1, q2 = resonator((from_2 + part * (to_2 - from_2)) * tract * sway[1], 140.0)
        phase += pitch / RATE
        drive = noise * (chance.random() - 0.5)
        if phase >= 1.0:
            phase -= 1.0
            drive += 1.0
        y1, y2 = drive + p1 * y1 + p2 * y2, y1
        z1, z2 = y1 + q1 * z1 + q2 * z2, z1
        sound.append(z1)
    loudest = max(map(abs, sound)) or 1.0
    hiss = noise * 0.12
    return [s / loudest + hiss * (chance.random() - 0.5) for s in sound]


def goertzel(samples, frequency):
    """The energy of one frequency in the samples."""
    c = 2.0 * math.cos(2.0 * math.pi * frequency / RATE)
    a = b = 0.0
    for sample in samples:
        a, b = sample + c * a - b, a
    return a * a + b * b - c * a * b


def features(sound):
    size = len(sound) // STRETCHES
    found = []
    for number in range(STRETCHES):
        stretch = sound[number * size : (number + 1) * size]
        found += [math.log(goertzel(stretch, band) + 1e-4) for band in BANDS]
    mean = sum(found) / len(found)
    return [value - mean for value in found]


def record(speakers, chance):
    """Every speaker says every word once: a list of (word, features)."""
    said = []
    for _ in range(speakers):
        speaker = (chance.uniform(90, 260), chance.uniform(0.82, 1.2), chance.uniform(0.2, 2.0))
        for word in WORDS:
            said.append((word, features(utter(WORDS[word], speaker, chance))))
    return said


def centroids(said):
    """Each word's mean features, and the weight of each feature."""
    middle = {}
    for word in WORDS:
        rows = [f for w, f in said if w == word]
        middle[word] = [sum(column) / len(rows) for column in zip(*rows)]
    spread = [
        sum((f[i] - middle[w][i]) ** 2 for w, f in said) / len(said) + 1e-6
        for i in range(len(BANDS) * STRETCHES)
    ]
    return middle, [1.0 / s for s in spread]


def nearest(middle, weights, found):
    def distance(word):
        return sum(w * (a - b) ** 2 for w, a, b in zip(weights, middle[word], found))

    return min(middle, key=distance)


def main():
    parser = argparse.ArgumentParser(description="Learn six synthetic voice commands.")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    print("voice: synthetic speech, %d words, nobody was recorded" % len(WORDS), flush=True)
    known = record(SPEAKERS_TRAIN, chance)
    print("%d sounds of %d speakers to learn from" % (len(known), SPEAKERS_TRAIN), flush=True)
    middle, weights = centroids(known)
    unknown = record(SPEAKERS_TEST, chance)
    print("%d sounds of %d other speakers held back" % (len(unknown), SPEAKERS_TEST), flush=True)
    right = dict.fromkeys(WORDS, 0)
    for word, found in unknown:
        right[word] += nearest(middle, weights, found) == word
    for word in WORDS:
        print("%-5s %d of %d" % (word, right[word], SPEAKERS_TEST), flush=True)
    accuracy = sum(right.values()) / len(unknown)
    with open("result.json", "w", encoding="ascii") as out:
        json.dump(
            {"accuracy": round(accuracy, 4), "train": len(known), "held_back": len(unknown)}, out
        )
        out.write("\n")
    print("accuracy %.4f" % accuracy, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
