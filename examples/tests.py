#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the examples, standard library only: python3 examples/tests.py"""

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TRAIN = os.path.join(HERE, "digits", "train.py")
SHA256 = "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8"
OURS = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "SLURM_ARRAY_TASK_ID")


def environment(**more):
    clean = {
        k: v for k, v in os.environ.items() if k not in OURS and not k.startswith("QIANTANG_")
    }
    clean.update({k: str(v) for k, v in more.items()}, PYTHONDONTWRITEBYTECODE="1")
    return clean


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Case(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name

    def start(self, command, name="one", **more):
        folder = os.path.join(self.folder, name)
        os.makedirs(folder, exist_ok=True)
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(**more),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
        )
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()

    def run_one(self, command, **more):
        process = self.start(command, **more)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def rank(self, rank, port, *options, world=2, **more):
        return self.start(
            [sys.executable, TRAIN] + list(options),
            "rank%d" % rank,
            RANK=rank,
            WORLD_SIZE=world,
            MASTER_ADDR="127.0.0.1",
            MASTER_PORT=port,
            **more
        )

    def read(self, name, file):
        with open(os.path.join(self.folder, name, file), encoding="ascii") as source:
            return json.load(source)


class Data(unittest.TestCase):
    def test_the_file_is_the_one_named(self):
        folder = os.path.join(HERE, "data", "digits")
        with open(os.path.join(folder, "digits.csv"), "rb") as source:
            body = source.read()
        self.assertEqual(hashlib.sha256(body).hexdigest(), SHA256)
        self.assertEqual(body.count(b"\n"), 1797)
        with open(os.path.join(folder, "SOURCE.md"), encoding="utf-8") as source:
            self.assertIn(SHA256, source.read())


class Digits(Case):
    def test_two_processes_equal_one(self):
        options = ("--epochs", "4")
        status, out, err = self.run_one([sys.executable, TRAIN] + list(options))
        self.assertEqual((status, err), (0, ""))
        lines = out.splitlines()
        self.assertRegex(lines[-2], r"^epoch 4/4 loss \d+\.\d{3} accuracy 0\.\d{3}$")
        self.assertRegex(lines[-1], r"^accuracy 0\.\d{4}$")
        result = self.read("one", "result.json")
        self.assertGreaterEqual(result["accuracy"], 0.85)
        self.assertEqual(
            (result["train"], result["held_back"], result["epochs"], result["parameters"]),
            (1415, 382, 4, 2410),
        )

        port = free_port()
        # The second comes first: it has to wait for the one that listens.
        second = self.rank(1, port, *options)
        time.sleep(0.3)
        first = self.rank(0, port, *options)
        ends = [p.communicate(timeout=60) for p in (first, second)]
        for process, (text, errors) in zip((first, second), ends):
            self.assertEqual((process.returncode, errors), (0, ""))
            self.assertEqual(text.splitlines()[1:], lines[1:])
        self.assertEqual(self.read("rank0", "result.json"), result)
        self.assertEqual(os.listdir(os.path.join(self.folder, "rank1")), [])
        alone = self.read("one", "model.json")["weights"]
        together = self.read("rank0", "model.json")["weights"]
        self.assertEqual(len(alone), 2410)
        self.assertLess(max(abs(a - b) for a, b in zip(alone, together)), 1e-9)

    def test_three_processes_and_a_stranger(self):
        port = free_port()
        options = ("--epochs", "1", "--batch", "50")
        first = self.rank(0, port, *options, world=3)
        for _ in range(100):
            try:
                stranger = socket.create_connection(("127.0.0.1", port), 1)
                break
            except OSError:
                time.sleep(0.1)
        else:
            self.fail("rank 0 does not listen")
        with stranger:
            stranger.sendall(b"GET / HTTP/1.0\r\n\r\n")
            others = [self.rank(r, port, *options, world=3) for r in (1, 2)]
            texts = [p.communicate(timeout=60) for p in [first] + others]
        self.assertEqual([p.returncode for p in [first] + others], [0, 0, 0], texts)
        self.assertEqual(len({out.splitlines()[-1] for out, _ in texts}), 1)

    def lose(self, lost, how, **more):
        """Starts two ranks, stops one in the midst; the end of the other."""
        port = free_port()
        ranks = [self.rank(r, port, "--epochs", "500", **more) for r in (0, 1)]
        for process in ranks:
            for _ in range(2):  # past the heading and the first epoch
                process.stdout.readline()
        ranks[lost].send_signal(how)
        since = time.monotonic()
        left = ranks[1 - lost]
        _, err = left.communicate(timeout=20)
        return left.returncode, err, time.monotonic() - since

    def test_a_dead_second_ends_the_first(self):
        status, err, took = self.lose(1, signal.SIGKILL)
        self.assertEqual(status, 3)
        self.assertIn("rank 0 stops: lost rank 1", err)
        self.assertLess(took, 5)

    def test_a_dead_first_ends_the_second(self):
        status, err, took = self.lose(0, signal.SIGKILL)
        self.assertEqual(status, 3)
        self.assertIn("rank 1 stops: lost rank 0", err)
        self.assertLess(took, 5)

    def test_a_stalled_peer_ends_the_other(self):
        status, err, took = self.lose(1, signal.SIGSTOP, QIANTANG_PEER_SECONDS=1.5)
        self.assertEqual(status, 3)
        self.assertIn("rank 1 did not answer in time", err)
        self.assertLess(took, 8)

    def test_a_peer_that_never_comes(self):
        port = free_port()
        first = self.rank(0, port, QIANTANG_JOIN_SECONDS=1)
        _, err = first.communicate(timeout=20)
        self.assertEqual(first.returncode, 3)
        self.assertIn("rank(s) 1 did not join within 1 s", err)
        second = self.rank(1, port, QIANTANG_JOIN_SECONDS=1)
        _, err = second.communicate(timeout=20)
        self.assertEqual(second.returncode, 3)
        self.assertIn("can not reach rank 0", err)

    def test_ranks_with_other_options_are_refused(self):
        port = free_port()
        ranks = [self.rank(0, port, "--seed", "1"), self.rank(1, port, "--seed", "2")]
        for process in ranks:
            _, err = process.communicate(timeout=20)
            self.assertEqual(process.returncode, 3)
            self.assertIn("other data, code or options", err)

    def test_bad_settings(self):
        for more in (
            {"WORLD_SIZE": "two"},
            {"WORLD_SIZE": 2, "RANK": 2},
            {"WORLD_SIZE": 2, "RANK": 0},
        ):
            status, _, err = self.run_one([sys.executable, TRAIN], **more)
            self.assertEqual(status, 3, more)
            self.assertNotIn("Traceback", err)

    def test_bad_data(self):
        bad = os.path.join(self.folder, "bad.csv")
        with open(bad, "w", encoding="ascii") as out:
            out.write("1,2,3\n")
        status, _, err = self.run_one([sys.executable, TRAIN], QIANTANG_DATA=bad)
        self.assertEqual(status, 2)
        self.assertIn("line 1 has 3 fields", err)
        self.assertNotIn("Traceback", err)


class Scripts(Case):
    def script(self, name, as_platform=True, **more):
        """Runs a script as the platform does (a copy) or as a person does (in place)."""
        path = os.path.join(HERE, name)
        if as_platform:
            copy = os.path.join(self.folder, "job.sh")
            with open(path, encoding="utf-8") as source, open(copy, "w", encoding="utf-8") as out:
                out.write(source.read())
            path = copy
            more["QIANTANG_EXAMPLES"] = HERE
        return self.run_one(["bash", path], **more)

    def test_headers(self):
        scripts = [n for n in os.listdir(HERE) if n.endswith(".sh")]
        self.assertEqual(len(scripts), 8)
        for name in scripts + ["mindspore/digits-mindspore.sh"]:
            with open(os.path.join(HERE, name), encoding="utf-8") as source:
                text = source.read()
            self.assertTrue(text.startswith("#!/bin/bash\n"), name)
            for option in ("job-name=", "nodes=", "gres=npu:", r"time=\d\d:\d\d:\d\d\n"):
                self.assertTrue(re.search(r"(?m)^#SBATCH --" + option, text), (name, option))
            self.assertTrue(os.access(os.path.join(HERE, name), os.X_OK), name)

    def test_fails(self):
        for as_platform in (True, False):
            status, _, err = self.script("fails.sh", as_platform)
            self.assertEqual(status, 2)
            self.assertIn("cannot read the data file digits-of-this-month.csv", err)

    def test_sweep(self):
        status, out, _ = self.script("sweep-array.sh", SLURM_ARRAY_TASK_ID=5)
        self.assertEqual(status, 0)
        self.assertIn("task 5 learning rate 0.3\n", out)
        self.assertGreaterEqual(self.read("one", "task-5/result.json")["accuracy"], 0.85)
        self.assertEqual(self.script("sweep-array.sh", SLURM_ARRAY_TASK_ID=8)[0], 2)

    def test_overruns(self):
        process = self.start(["bash", os.path.join(HERE, "overruns.sh")])
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=10)
        self.assertEqual(process.returncode, 143)
        self.assertIn("told to stop (SIGTERM)", out)

    def test_voice(self):
        status, out, err = self.script("voice-keywords.sh")
        self.assertEqual((status, err), (0, ""))
        self.assertRegex(out.splitlines()[-1], r"^accuracy [01]\.\d{4}$")
        self.assertGreaterEqual(self.read("one", "result.json")["accuracy"], 0.9)

    def test_building(self):
        status, out, err = self.script("building-load.sh", as_platform=False)
        self.assertEqual((status, err), (0, ""))
        self.assertRegex(out.splitlines()[-1], r"^cv_rmse 0\.\d{4}$")
        result = self.read("one", "result.json")
        self.assertLess(result["cv_rmse"], 0.6 * result["cv_rmse_hour_before"])

    def test_traffic(self):
        status, out, err = self.script("city-traffic.sh", as_platform=False)
        self.assertEqual((status, err), (0, ""))
        self.assertRegex(out.splitlines()[-1], r"^delay \d+\.\d\d$")
        result = self.read("one", "result.json")
        self.assertLess(result["delay_s"], 0.8 * result["delay_even_split_s"])


if __name__ == "__main__":
    unittest.main()
