# SPDX-License-Identifier: Apache-2.0
"""A small all-reduce over TCP for the data-parallel examples, standard library only.

The processes form a star. Rank 0 listens on MASTER_ADDR:MASTER_PORT and the
others connect to it. In an all-reduce every rank sends its vector to rank 0,
rank 0 adds them up in the order of the ranks and sends the one sum back, so all
ranks go on with the very same bits.

Every frame is a fixed header (magic, kind, length) and a body of at most
MAX_BODY bytes. Every wait has a deadline: a peer that dies, stalls or never
comes ends in a CollectiveError with the reason, never in a hang.

The frames are neither encrypted nor signed: use it on a network between the
nodes of one job, as with other collective libraries.
"""

import hashlib
import math
import os
import socket
import struct
import sys
import time
from array import array

MAGIC = b"QTC1"
HEADER = struct.Struct("<4sBI")
HELLO = struct.Struct("<II32s")
MAX_BODY = 16 * 1024 * 1024
MAX_WORLD = 1024
HANDSHAKE_SECONDS = 5.0

KIND_HELLO = 1
KIND_WELCOME = 2
KIND_VECTOR = 3
KIND_DIGEST = 4
KIND_ABORT = 9


class CollectiveError(Exception):
    """The ranks can not go on together; the text says why."""


def whole_number(name, default, low, high):
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    try:
        value = int(text)
    except ValueError:
        value = None
    if value is None or not low <= value <= high:
        raise CollectiveError(
            "%s=%r is not a whole number from %d to %d" % (name, text, low, high)
        )
    return value


def seconds(name, default):
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= 86400:
        raise CollectiveError("%s=%r is not a number of seconds above 0" % (name, text))
    return value


def to_bytes(values):
    data = array("d", values)
    if sys.byteorder == "big":
        data.byteswap()
    return data.tobytes()


def from_bytes(body):
    data = array("d")
    data.frombytes(body)
    if sys.byteorder == "big":
        data.byteswap()
    return data


def fingerprint(values):
    """SHA-256 of a list of numbers, the same on every machine."""
    return hashlib.sha256(to_bytes(values)).digest()


class _Peer:
    """One connection, with a deadline on every whole frame."""

    def __init__(self, sock, name):
        self.sock = sock
        self.name = name
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _left(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise CollectiveError("%s did not answer in time" % self.name)
        return left

    def send(self, kind, body, timeout):
        self.sock.settimeout(timeout)
        try:
            self.sock.sendall(HEADER.pack(MAGIC, kind, len(body)) + body)
        except socket.timeout:
            raise CollectiveError("%s did not take our data within %g s" % (self.name, timeout))
        except OSError as error:
            # It may have said why before it closed.
            self._raise_pending_abort()
            raise CollectiveError("lost %s while sending: %s" % (self.name, error))

    def _raise_pending_abort(self):
        try:
            self.receive(None, 1.0)
        except CollectiveError as error:
            if error.args[0].startswith("%s gave up" % self.name):
                raise

    def _exactly(self, size, deadline):
        buffer = bytearray(size)
        view = memoryview(buffer)
        have = 0
        while have < size:
            self.sock.settimeout(self._left(deadline))
            try:
                got = self.sock.recv_into(view[have:])
            except socket.timeout:
                raise CollectiveError("%s did not answer in time" % self.name)
            except OSError as error:
                raise CollectiveError("lost %s: %s" % (self.name, error))
            if got == 0:
                raise CollectiveError("lost %s: it closed the connection" % self.name)
            have += got
        return bytes(buffer)

    def receive(self, kind, timeout):
        deadline = time.monotonic() + timeout
        magic, got_kind, length = HEADER.unpack(self._exactly(HEADER.size, deadline))
        if magic != MAGIC:
            raise CollectiveError("%s does not speak this protocol" % self.name)
        if length > MAX_BODY:
            raise CollectiveError("%s announced a frame of %d bytes" % (self.name, length))
        body = self._exactly(length, deadline)
        if got_kind == KIND_ABORT:
            reason = body[:500].decode("utf-8", "replace")
            raise CollectiveError("%s gave up: %s" % (self.name, reason))
        if got_kind != kind:
            raise CollectiveError(
                "%s sent a frame of kind %d where %s was due" % (self.name, got_kind, kind)
            )
        return body

    def close(self):
        try:
            self.sock.close()
        except OSError:
            pass


class Collective:
    """The group of processes of one job. With WORLD_SIZE 1 it opens no socket."""

    def __init__(self, rank, world, address, port, join_seconds, peer_seconds):
        self.rank = rank
        self.world = world
        self.address = address
        self.port = port
        self.join_seconds = join_seconds
        self.peer_seconds = peer_seconds
        self.peers = []

    @classmethod
    def from_environment(cls):
        """Reads RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT."""
        world = whole_number("WORLD_SIZE", 1, 1, MAX_WORLD)
        rank = whole_number("RANK", 0, 0, MAX_WORLD - 1)
        if rank >= world:
            raise CollectiveError("RANK=%d does not fit WORLD_SIZE=%d" % (rank, world))
        address = os.environ.get("MASTER_ADDR", "").strip()
        port = whole_number("MASTER_PORT", 0, 1, 65535)
        if world > 1 and (not address or not port):
            raise CollectiveError("WORLD_SIZE=%d needs MASTER_ADDR and MASTER_PORT" % world)
        return cls(
            rank,
            world,
            address,
            port,
            seconds("QIANTANG_JOIN_SECONDS", 60.0),
            seconds("QIANTANG_PEER_SECONDS", 60.0),
        )

    def join(self, settings):
        """Waits until all ranks are connected. `settings` (text) must be the same on all."""
        if self.world == 1:
            return
        digest = hashlib.sha256(settings.encode("utf-8")).digest()
        try:
            if self.rank == 0:
                self._listen(digest)
            else:
                self._connect(digest)
        except CollectiveError as error:
            self.abort(str(error))
            raise

    def _addresses(self, flags):
        try:
            return socket.getaddrinfo(
                self.address, self.port, type=socket.SOCK_STREAM, flags=flags
            )
        except OSError as error:
            raise CollectiveError("can not resolve MASTER_ADDR=%s: %s" % (self.address, error))

    def _listen(self, digest):
        deadline = time.monotonic() + self.join_seconds
        family, kind, protocol, _, where = self._addresses(socket.AI_PASSIVE)[0]
        try:
            listener = socket.socket(family, kind, protocol)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(where)
            listener.listen(self.world)
        except OSError as error:
            raise CollectiveError(
                "rank 0 can not listen on %s:%d: %s" % (self.address, self.port, error)
            )
        joined = {}
        try:
            while len(joined) < self.world - 1:
                left = deadline - time.monotonic()
                if left > 0:
                    listener.settimeout(left)
                    try:
                        sock, origin = listener.accept()
                    except socket.timeout:
                        left = 0
                if left <= 0:
                    missing = [r for r in range(1, self.world) if r not in joined]
                    raise CollectiveError(
                        "rank(s) %s did not join within %g s"
                        % (", ".join(map(str, missing)), self.join_seconds)
                    )
                peer = _Peer(sock, "the caller at %s" % (origin[0],))
                try:
                    hello = peer.receive(KIND_HELLO, min(HANDSHAKE_SECONDS, max(left, 0.1)))
                    rank, world, theirs = HELLO.unpack(hello)
                except (CollectiveError, struct.error):
                    # A stranger at the door (a port scan, a health check) must not end the job.
                    peer.close()
                    continue
                peer.name = "rank %d" % rank
                problem = None
                if world != self.world or not 1 <= rank < self.world:
                    problem = "rank %d of %d does not belong to a job of %d" % (
                        rank,
                        world,
                        self.world,
                    )
                elif rank in joined:
                    problem = "rank %d joined twice" % rank
                elif theirs != digest:
                    problem = "rank %d runs with other data, code or options than rank 0" % rank
                if problem:
                    self._tell(peer, problem)
                    peer.close()
                    raise CollectiveError(problem)
                joined[rank] = peer
        finally:
            listener.close()
            self.peers = [joined[r] for r in sorted(joined)]
        for peer in self.peers:
            peer.send(KIND_WELCOME, b"", self.peer_seconds)

    def _connect(self, digest):
        deadline = time.monotonic() + self.join_seconds
        pause = 0.05
        last = "no attempt was made"
        sock = None
        while sock is None:
            for family, kind, protocol, _, where in self._addresses(0):
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                attempt = socket.socket(family, kind, protocol)
                attempt.settimeout(min(left, HANDSHAKE_SECONDS))
                try:
                    attempt.connect(where)
                    # Towards a free local port a socket can meet itself.
                    if attempt.getsockname() == attempt.getpeername():
                        raise OSError("nobody listens there yet")
                    sock = attempt
                    break
                except OSError as error:
                    last = str(error)
                    attempt.close()
            if sock is None:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise CollectiveError(
                        "can not reach rank 0 at %s:%d within %g s: %s"
                        % (self.address, self.port, self.join_seconds, last)
                    )
                time.sleep(min(pause, left))
                pause = min(pause * 1.5, 1.0)
        peer = _Peer(sock, "rank 0")
        self.peers = [peer]
        peer.send(KIND_HELLO, HELLO.pack(self.rank, self.world, digest), HANDSHAKE_SECONDS)
        # Rank 0 may itself be waiting for further ranks.
        peer.receive(KIND_WELCOME, self.join_seconds + HANDSHAKE_SECONDS)

    def all_reduce(self, values):
        """The sum over all ranks of equally long lists of numbers."""
        if self.world == 1:
            return values
        body = to_bytes(values)
        if len(body) > MAX_BODY:
            raise CollectiveError("a vector of %d bytes is over the limit" % len(body))
        try:
            if self.rank:
                self.peers[0].send(KIND_VECTOR, body, self.peer_seconds)
                answer = self.peers[0].receive(KIND_VECTOR, self.peer_seconds)
                self._same_length(answer, body, self.peers[0])
                return list(from_bytes(answer))
            total = values
            for peer in self.peers:
                theirs = peer.receive(KIND_VECTOR, self.peer_seconds)
                self._same_length(theirs, body, peer)
                total = [a + b for a, b in zip(total, from_bytes(theirs))]
            answer = to_bytes(total)
            for peer in self.peers:
                peer.send(KIND_VECTOR, answer, self.peer_seconds)
            return total
        except CollectiveError as error:
            self.abort(str(error))
            raise

    @staticmethod
    def _same_length(theirs, ours, peer):
        if len(theirs) != len(ours):
            raise CollectiveError(
                "%s sent %d bytes where %d were due" % (peer.name, len(theirs), len(ours))
            )

    def check_in_step(self, digest):
        """Fails on every rank unless all ranks hold the same 32-byte digest."""
        if self.world == 1:
            return
        try:
            if self.rank:
                self.peers[0].send(KIND_DIGEST, digest, self.peer_seconds)
                everyone = self.peers[0].receive(KIND_DIGEST, self.peer_seconds)
            else:
                everyone = digest
                for peer in self.peers:
                    everyone += peer.receive(KIND_DIGEST, self.peer_seconds)
                for peer in self.peers:
                    peer.send(KIND_DIGEST, everyone, self.peer_seconds)
        except CollectiveError as error:
            self.abort(str(error))
            raise
        if everyone != digest * self.world:
            raise CollectiveError("the ranks hold different weights at the end")

    def _tell(self, peer, reason):
        try:
            peer.send(KIND_ABORT, reason.encode("utf-8")[:500], 1.0)
        except CollectiveError:
            pass

    def abort(self, reason):
        """Tells the connected peers why this rank gives up."""
        peers, self.peers = self.peers, []
        for peer in peers:
            self._tell(peer, reason)
            peer.close()

    def close(self):
        for peer in self.peers:
            peer.close()
        self.peers = []
