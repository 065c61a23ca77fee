"""A load that costs the sender next to nothing: keep-alive connections with many requests under way on each.

A client that waits for each answer spends more on it than the server does; then one measures the client. Here
requests are sent and answers are counted a batch at a time.
"""

import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

BATCH = 16


@dataclass(frozen=True)
class Load:
    """How many answers came, in how many seconds, and how many seconds of processor the sender took."""

    answers: int
    seconds: float
    sender_s: float

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds


class Connection:
    """One keep-alive connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def exchange(self, requests: bytes, count: int) -> None:
        """Send some requests at once and read as many answers. May raise RuntimeError."""
        self.socket.sendall(requests)
        for _ in range(count):
            self._read_one()

    def _read_one(self) -> None:
        while (end := self.rest.find(b"\r\n\r\n")) < 0:
            self._more()
        head = self.rest[:end]
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode("latin-1")[:300])
        lower = head.lower()
        at = lower.index(b"content-length:") + 15
        whole = end + 4 + int(lower[at:].split(b"\r\n", 1)[0])
        while len(self.rest) < whole:
            self._more()
        self.rest = self.rest[whole:]

    def _more(self) -> None:
        got = self.socket.recv(1 << 18)
        if not got:
            raise RuntimeError("the server closed the connection")
        self.rest += got


def batches(targets: Sequence[str]) -> list[bytes]:
    """Write requests for all targets in batches."""
    lines = [f"GET {one} HTTP/1.1\r\nHost: bench\r\n\r\n".encode() for one in targets]
    return [b"".join(lines[at : at + BATCH]) for at in range(0, len(lines) - BATCH + 1, BATCH)]


def run(port: int, targets: Sequence[str], *, connections: int, seconds: float) -> Load:
    """Ask for the targets round and round on several connections for some seconds."""
    prepared = batches(targets)
    counts = [0] * connections
    begun, processor = time.monotonic(), time.process_time()

    def ask(number: int) -> None:
        connection = Connection(port)
        turn = number * len(prepared) // connections
        while time.monotonic() < begun + seconds:
            connection.exchange(prepared[turn % len(prepared)], BATCH)
            counts[number] += BATCH
            turn += 1
        connection.socket.close()

    _at_once(ask, connections)
    return Load(sum(counts), time.monotonic() - begun, time.process_time() - processor)


def latencies(port: int, targets: Sequence[str], *, connections: int, seconds: float) -> list[float]:
    """Ask for one target at a time on each of several connections; seconds of every answer."""
    lines = [f"GET {one} HTTP/1.1\r\nHost: bench\r\n\r\n".encode() for one in targets]
    taken: list[list[float]] = [[] for _ in range(connections)]
    end = time.monotonic() + seconds

    def ask(number: int) -> None:
        connection = Connection(port)
        turn = number * len(lines) // connections
        while (begun := time.monotonic()) < end:
            connection.exchange(lines[turn % len(lines)], 1)
            taken[number].append(time.monotonic() - begun)
            turn += 1
        connection.socket.close()

    _at_once(ask, connections)
    return [one for each in taken for one in each]


def _at_once(ask: Callable[[int], None], connections: int) -> None:
    """Run one thread a connection; what goes wrong in one is raised here."""
    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(ask, range(connections)))
