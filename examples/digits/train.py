#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains a small neural network to read handwritten digits, standard library only.

The network is a perceptron with one hidden layer (64 pixels, 32 tanh units,
10 classes), trained by mini-batch gradient descent with momentum, written out by
hand. The data are real: see ../data/digits/SOURCE.md.

The last 382 rows of the data file are held back and never trained on. The order
of the labels shows that the file is made of 14 filled-in forms, one after the
other; the 382 rows are the last three forms whole, so the accuracy is measured on
forms that the network has seen no digit of. (Held-back digits drawn at random
would give a figure some points higher.) The options' defaults were chosen on the
other forms alone.

With WORLD_SIZE > 1 the processes train one model together. Each computes the
gradient on its share of every batch and the gradients are summed over TCP (see
collective.py), so the model is the one that a single process would get, up to
rounding.

Exit status: 0 trained; 2 the data can not be read or the options are wrong;
3 the processes could not go on together.
"""

import argparse
import hashlib
import json
import math
import os
import random
import sys
from operator import mul

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import collective  # noqa: E402

PIXELS = 64
HIDDEN = 32
CLASSES = 10
HELD_BACK = 382
INPUTS = PIXELS + 1  # and a constant 1 for the bias
FEATURES = HIDDEN + 1
FIRST = HIDDEN * INPUTS  # where the second layer's weights begin
PARAMETERS = FIRST + CLASSES * FEATURES
MOMENTUM = 0.9
SMOOTHING = 0.1  # the share of the target that is spread over all classes
MAX_ROWS = 100000


class DataError(Exception):
    pass


def data_path(given):
    path = given or os.environ.get("QIANTANG_DATA") or os.path.join(
        HERE, os.pardir, "data", "digits", "digits.csv"
    )
    if os.path.isdir(path):
        path = os.path.join(path, "digits.csv")
    return os.path.normpath(path)


def load(path):
    """The images (65 numbers each: 64 pixels in -0.5..0.5 and the 1) and their labels."""
    images, labels = [], []
    try:
        with open(path, "r", encoding="ascii") as lines:
            for number, line in enumerate(lines, 1):
                if number > MAX_ROWS:
                    raise DataError("%s has more than %d rows" % (path, MAX_ROWS))
                try:
                    row = [int(field) for field in line.split(",")]
                except ValueError:
                    raise DataError("%s line %d is not a row of whole numbers" % (path, number))
                if len(row) != PIXELS + 1:
                    raise DataError("%s line %d has %d fields, not 65" % (path, number, len(row)))
                if not (0 <= min(row) and max(row) <= 16 and row[-1] < CLASSES):
                    raise DataError("%s line %d has a value out of range" % (path, number))
                images.append([pixel / 16.0 - 0.5 for pixel in row[:PIXELS]] + [1.0])
                labels.append(row[-1])
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError("cannot read the data file %s: %s" % (path, reason))
    if len(images) <= HELD_BACK:
        raise DataError("%s has only %d rows" % (path, len(images)))
    return images, labels


def split(rows):
    """(training part, held-back part) of a list of rows in the file's order."""
    return rows[:-HELD_BACK], rows[-HELD_BACK:]


def first_weights(chance):
    def layer(count, fan_in):
        reach = math.sqrt(3.0 / fan_in)
        return [(2.0 * chance.random() - 1.0) * reach for _ in range(count)]

    return layer(FIRST, INPUTS) + layer(CLASSES * FEATURES, FEATURES)


def shuffled(count, chance):
    """A permutation built on random() alone, which is the same in every Python."""
    order = list(range(count))
    for last in range(count - 1, 0, -1):
        other = int(chance.random() * (last + 1))
        order[last], order[other] = order[other], order[last]
    return order


def rows_of(weights):
    """The two layers as lists of rows."""
    first = [weights[at : at + INPUTS] for at in range(0, FIRST, INPUTS)]
    second = [weights[at : at + FEATURES] for at in range(FIRST, PARAMETERS, FEATURES)]
    return first, second


def forward(image, first, second):
    hidden = [math.tanh(sum(map(mul, row, image))) for row in first]
    hidden.append(1.0)
    return hidden, [sum(map(mul, row, hidden)) for row in second]


def gradient(images, labels, weights, batch_size):
    """The share of these images in the batch's mean gradient, and their summed loss."""
    first, second = rows_of(weights)
    hiddens, outs, loss = [], [], 0.0
    for image, label in zip(images, labels):
        hidden, scores = forward(image, first, second)
        top = max(scores)
        powers = [math.exp(score - top) for score in scores]
        total = sum(powers)
        loss += math.log(total) + top - scores[label]
        out = [power / total - SMOOTHING / CLASSES for power in powers]
        out[label] -= 1.0 - SMOOTHING
        hiddens.append(hidden)
        outs.append(out)
    if not images:
        return [0.0] * PARAMETERS + [0.0]

    scale = 1.0 / batch_size
    back_rows = list(zip(*second))[:HIDDEN]
    backs = [
        [sum(map(mul, out, column)) * (1.0 - h * h) for column, h in zip(back_rows, hidden)]
        for out, hidden in zip(outs, hiddens)
    ]
    image_columns = list(zip(*images))
    hidden_columns = list(zip(*hiddens))
    flat = []
    for errors in zip(*backs):
        flat += [sum(map(mul, errors, column)) * scale for column in image_columns]
    for errors in zip(*outs):
        flat += [sum(map(mul, errors, column)) * scale for column in hidden_columns]
    flat.append(loss)
    return flat


def count_right(images, labels, weights):
    first, second = rows_of(weights)
    right = 0
    for image, label in zip(images, labels):
        scores = forward(image, first, second)[1]
        right += scores.index(max(scores)) == label
    return right


def write_json(name, value):
    part = name + ".part"
    with open(part, "w", encoding="ascii") as out:
        json.dump(value, out)
        out.write("\n")
    os.replace(part, name)


def say(text):
    print(text, flush=True)


def train(options, group):
    images, labels = load(data_path(options.data))
    content = hashlib.sha256(repr((images, labels)).encode("ascii")).hexdigest()
    group.join(
        "digits 1 data=%s epochs=%d seed=%d batch=%d lr=%r fixed=%r"
        % (
            content,
            options.epochs,
            options.seed,
            options.batch,
            options.lr,
            (HIDDEN, HELD_BACK, MOMENTUM, SMOOTHING),
        )
    )
    train_images, test_images = split(images)
    train_labels, test_labels = split(labels)
    my_tests = test_images[group.rank :: group.world]
    my_answers = test_labels[group.rank :: group.world]
    chance = random.Random(options.seed)
    weights = first_weights(chance)
    speed = [0.0] * PARAMETERS
    say(
        "digits: %d to train on, %d held back, %d parameters, rank %d of %d"
        % (len(train_images), len(test_images), PARAMETERS, group.rank, group.world)
    )

    accuracy = 0.0
    for epoch in range(1, options.epochs + 1):
        order = shuffled(len(train_images), chance)
        # The step shrinks in a straight line to a tenth.
        lr = options.lr * (1.0 - 0.9 * (epoch - 1) / max(1, options.epochs - 1))
        loss = 0.0
        for start in range(0, len(order), options.batch):
            batch = order[start : start + options.batch]
            mine = batch[group.rank :: group.world]
            total = group.all_reduce(
                gradient(
                    [train_images[i] for i in mine],
                    [train_labels[i] for i in mine],
                    weights,
                    len(batch),
                )
            )
            loss += total[PARAMETERS]
            speed = [MOMENTUM * s - lr * g for s, g in zip(speed, total)]
            weights = [w + s for w, s in zip(weights, speed)]
        right = group.all_reduce([float(count_right(my_tests, my_answers, weights))])[0]
        accuracy = right / len(test_images)
        say(
            "epoch %d/%d loss %.3f accuracy %.3f"
            % (epoch, options.epochs, loss / len(train_images), accuracy)
        )

    group.check_in_step(collective.fingerprint(weights))
    if group.rank == 0:
        write_json(
            "model.json",
            {
                "layers": [PIXELS, HIDDEN, CLASSES],
                "hidden": "tanh",
                "input": "pixel / 16 - 0.5, then the constant 1",
                "weights": weights,
            },
        )
        write_json(
            "result.json",
            {
                "accuracy": round(accuracy, 4),
                "train": len(train_images),
                "held_back": len(test_images),
                "epochs": options.epochs,
                "parameters": PARAMETERS,
            },
        )
    say("accuracy %.4f" % accuracy)


def positive(text):
    value = int(text)
    if not 1 <= value <= 1000000:
        raise argparse.ArgumentTypeError("%s is not from 1 to 1000000" % text)
    return value


def rate(text):
    value = float(text)
    if not 0.0 < value <= 100.0:
        raise argparse.ArgumentTypeError("%s is not above 0 and at most 100" % text)
    return value


def main():
    parser = argparse.ArgumentParser(description="Train a reader of handwritten digits.")
    parser.add_argument("--data", help="the CSV file, or the folder it is in")
    parser.add_argument("--epochs", type=positive, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=positive, default=32, help="of all processes together")
    parser.add_argument("--lr", type=rate, default=0.3, help="the first learning rate")
    options = parser.parse_args()
    group = None
    try:
        group = collective.Collective.from_environment()
        train(options, group)
    except DataError as error:
        print("train.py: %s" % error, file=sys.stderr, flush=True)
        return 2
    except collective.CollectiveError as error:
        rank = os.environ.get("RANK", "0")
        print("train.py: rank %s stops: %s" % (rank, error), file=sys.stderr, flush=True)
        return 3
    finally:
        if group:
            group.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
