#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The digit reader of ../digits/train.py in MindSpore: same data, same split.

The network has the same shape (64 pixels, 32 tanh units, 10 classes) and is trained
with the same batch size, learning rates, momentum and label smoothing. It starts
from other random weights and counts in 32-bit floats, so the accuracy is close to
that of train.py, not equal.

With several processes (WORLD_SIZE or MS_WORKER_NUM above 1) it trains data-parallel
by way of mindspore.communication, each process on its share of every batch.
MindSpore finds the other processes as its launcher (msrun) tells it, or from a
rank table. Run by the authors: --device CPU, in one process and in two under msrun
(see ../README.md). NOT run: --device Ascend, for want of an Ascend card.

Needs the packages mindspore and numpy. Run with mindspore 2.10.0 on the CPU; there
numpy below 2 is the one to install ("numpy<2"), since with numpy 2 it trains but
fills stderr with a warning of its own.

Exit status: 0 trained; 2 the data or the options are wrong; 4 MindSpore is not
installed or can not use the device.
"""

import argparse
import json
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir, "digits"))
import train as plain  # noqa: E402


def fail(status, text):
    print("train_digits.py: %s" % text, file=sys.stderr, flush=True)
    sys.exit(status)


try:
    import numpy as np
    import mindspore as ms
    from mindspore import nn, ops
except ImportError as error:
    fail(4, "MindSpore is not installed: %s" % error)


class Reader(nn.Cell):
    def __init__(self):
        super().__init__()
        self.first = nn.Dense(plain.PIXELS, plain.HIDDEN)
        self.tanh = nn.Tanh()
        self.second = nn.Dense(plain.HIDDEN, plain.CLASSES)

    def construct(self, images):
        return self.second(self.tanh(self.first(images)))


def prepare(device):
    """Chooses the device; returns (rank, number of processes)."""
    # MS_WORKER_NUM comes from msrun, MindSpore's own launcher.
    text = os.environ.get("MS_WORKER_NUM") or os.environ.get("WORLD_SIZE") or "1"
    if not text.isdigit() or int(text) < 1:
        fail(2, "the number of processes, %r, is not a whole number above 0" % text)
    try:
        ms.set_context(mode=ms.PYNATIVE_MODE)
        ms.set_device(device)
        if int(text) == 1:
            return 0, 1
        if not os.environ.get("MS_ROLE") and not os.environ.get("RANK_TABLE_FILE"):
            fail(2, "several processes must be started by msrun or with RANK_TABLE_FILE")
        from mindspore import communication

        communication.init()
        ms.set_auto_parallel_context(
            parallel_mode=ms.ParallelMode.DATA_PARALLEL, gradients_mean=False
        )
        return communication.get_rank(), communication.get_group_size()
    except (RuntimeError, ValueError, ImportError) as error:
        fail(4, "can not use %s: %s" % (device, str(error).strip().splitlines()[0]))


def main():
    parser = argparse.ArgumentParser(description="Train a reader of digits in MindSpore.")
    parser.add_argument("--data", help="the CSV file, or the folder it is in")
    parser.add_argument("--epochs", type=plain.positive, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=plain.positive, default=32, help="of all processes")
    parser.add_argument("--lr", type=plain.rate, default=0.3, help="the first learning rate")
    parser.add_argument(
        "--device",
        choices=("CPU", "Ascend"),
        default=os.environ.get("DEVICE_TARGET") or "CPU",
    )
    options = parser.parse_args()
    if options.device not in ("CPU", "Ascend"):
        parser.error("DEVICE_TARGET=%s is neither CPU nor Ascend" % options.device)
    try:
        images, labels = plain.load(plain.data_path(options.data))
    except plain.DataError as error:
        fail(2, error)
    rank, world = prepare(options.device)
    ms.set_seed(options.seed)

    # Dense has a bias of its own, so the constant 1 at the end of each image goes.
    pixels = np.array(images, dtype=np.float32)[:, : plain.PIXELS]
    answers = np.array(labels, dtype=np.int32)
    train_images, test_images = plain.split(pixels)
    train_answers, test_answers = plain.split(answers)

    network = Reader()
    weights = network.trainable_params()
    parameters = sum(int(np.prod(w.shape)) for w in weights)
    loss_of = nn.CrossEntropyLoss(reduction="sum", label_smoothing=plain.SMOOTHING)
    steps = -(-len(train_images) // options.batch)
    # One learning rate for each step, as the optimiser wants it; the same within an epoch.
    rates = [
        options.lr * (1.0 - 0.9 * epoch / max(1, options.epochs - 1))
        for epoch in range(options.epochs)
        for _ in range(steps)
    ]
    optimiser = nn.Momentum(weights, learning_rate=rates, momentum=plain.MOMENTUM)

    def forward(batch, truth, share):
        # `share` is 1 / the size of the whole batch, so that the ranks' gradients add up.
        return loss_of(network(batch), truth) * share

    gradient = ms.jit(ms.value_and_grad(forward, None, weights))
    if world > 1:
        reducer = nn.DistributedGradReducer(weights, mean=False)
        add_up = ops.AllReduce()
        # All ranks start from the weights of rank 0.
        for weight in weights:
            weight.set_data(ops.Broadcast(0)((ms.Tensor(weight.asnumpy()),))[0])
    print(
        "digits: %d to train on, %d held back, %d parameters, %s, MindSpore %s, rank %d of %d"
        % (
            len(train_images),
            len(test_images),
            parameters,
            options.device,
            ms.__version__,
            rank,
            world,
        ),
        flush=True,
    )

    chance = random.Random(options.seed)
    held_back = ms.Tensor(test_images)
    accuracy = 0.0
    for epoch in range(1, options.epochs + 1):
        order = plain.shuffled(len(train_images), chance)
        total = 0.0
        for start in range(0, len(order), options.batch):
            batch = order[start : start + options.batch]
            mine = batch[rank::world]
            share = 1.0 / len(batch)
            if not mine:
                # The last batch can be smaller than the number of ranks.
                mine, share = batch[:1], 0.0
            loss, slopes = gradient(
                ms.Tensor(train_images[mine]),
                ms.Tensor(train_answers[mine]),
                ms.Tensor(share, ms.float32),
            )
            if world > 1:
                slopes = reducer(slopes)
                loss = add_up(loss)
            optimiser(slopes)
            total += float(loss.asnumpy()) * len(batch)
        guesses = network(held_back).asnumpy().argmax(axis=1)
        accuracy = float((guesses == test_answers).mean())
        # With label smoothing in it, unlike the loss that train.py prints.
        print(
            "epoch %d/%d loss %.3f accuracy %.3f"
            % (epoch, options.epochs, total / len(order), accuracy),
            flush=True,
        )

    if rank == 0:
        ms.save_checkpoint(network, "model.ckpt")
        plain.write_json(
            "result.json",
            {
                "accuracy": round(accuracy, 4),
                "train": len(train_images),
                "held_back": len(test_images),
                "epochs": options.epochs,
                "parameters": parameters,
            },
        )
    print("accuracy %.4f" % accuracy, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
