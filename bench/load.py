"""A load generator in a process of its own: a few clients with kept connections, each sending as soon as it has its answer.

It parses as little as it can: on two cores, what it uses is taken from the server.
"""

from __future__ import annotations

import itertools
import json
import selectors
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from statistics import median, quantiles

CLIENTS = 8
NUMBER = "000000000000"
"""Stands in a body for a number that no other request has: a second record of the same name is refused as a likely double."""
_numbers = itertools.count(time.time_ns() // 1000 % 10 ** (len(NUMBER) - 1))


@dataclass
class Load:
    """What came of it: answers a second, milliseconds of the middle and of the slow ones, answers that were no success."""

    rate: float
    middle: float
    slow: float
    failed: int
    first_failure: str = ""


def request(port: int, path: str, token: str = "", body: object = None) -> bytes:
    """A request as it goes over the wire."""
    lines = [f"{'GET' if body is None else 'POST'} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Accept: application/json"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    content = b"" if body is None else json.dumps(body).encode()
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode() + content


def drive(port: int, sent: bytes, seconds: float, clients: int = CLIENTS) -> Load:
    """Load a server from another process."""
    command = [sys.executable, "-m", "bench.load", str(port), str(clients), str(seconds)]
    done = subprocess.run(command, input=sent, capture_output=True, check=True)
    return Load(**json.loads(done.stdout))


class Client:
    """One connection with at most one request under way."""

    def __init__(self, port: int, sent: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.parts, self.got, self.length = sent.split(NUMBER.encode()), b"", 0
        self.begun = 0.0

    def send(self) -> None:
        """The next request."""
        self.got, self.length, self.begun = b"", 0, time.perf_counter()
        first, *others = self.parts
        self.socket.sendall(first if not others else first + f"{next(_numbers):0{len(NUMBER)}}".encode() + others[0])

    def complete(self) -> bool:
        """Read what has come; whether the answer is whole."""
        part = self.socket.recv(262_144)
        if not part:
            raise ConnectionError("the server closed the connection")
        self.got += part
        if not self.length:
            end = self.got.find(b"\r\n\r\n")
            if end < 0:
                return False
            head = self.got[:end].lower()
            at = head.find(b"content-length:")
            self.length = end + 4 + int(head[at + 15 :].split(b"\r\n", 1)[0])
        return len(self.got) >= self.length


def run(port: int, clients: int, seconds: float, sent: bytes) -> Load:
    """The load, in this process."""
    selector = selectors.DefaultSelector()
    for _number in range(clients):
        client = Client(port, sent)
        selector.register(client.socket, selectors.EVENT_READ, client)
        client.send()
    times: list[float] = []
    failed, first = 0, ""
    started = time.perf_counter()
    now = started
    while now - started < seconds:
        for key, _events in selector.select(timeout=10):
            client = key.data
            if client.complete():
                now = time.perf_counter()
                times.append(now - client.begun)
                if client.got[9:10] != b"2":
                    failed += 1
                    first = first or client.got[:2000].decode(errors="replace")
                client.send()
    slow = quantiles(times, n=100)[98] if len(times) > 1 else 0.0
    return Load(len(times) / (now - started), median(times) * 1000, slow * 1000, failed, first)


if __name__ == "__main__":
    print(json.dumps(asdict(run(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.stdin.buffer.read()))))
