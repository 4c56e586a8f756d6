"""The process in which templates run: no secrets in its environment, no network, bounded memory and time.

It reads requests from standard input and writes answers to standard output, each eight bytes of length and then JSON; it ends with its
input. Templates are other people's programs: what one does to this process is cut off with the process.
"""

from __future__ import annotations

import base64
import json
import os
import resource
import struct
import sys
from typing import Any, BinaryIO

MOST_MEMORY = 1 << 30
MOST_WRITTEN = 32 << 20
MOST_OUTPUT = 20 << 20
LENGTH = struct.Struct(">Q")


def main() -> None:
    """Serve until the input ends."""
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not come between the answers
    _limit()
    while (request := read(source)) is not None:
        write(sink, answer(request))


def _limit() -> None:
    for kind, most in ((resource.RLIMIT_AS, MOST_MEMORY), (resource.RLIMIT_FSIZE, MOST_WRITTEN), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(kind, (most, most))


def _allow(seconds: int) -> None:
    """So much more processor time: should nobody be left to stop this process, the kernel does."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = int(used.ru_utime + used.ru_stime) + seconds * (os.cpu_count() or 1) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """The document, or why there is none."""
    from plugins.documents import typesetting, word  # noqa: PLC0415 (loaded under the limits)
    from plugins.documents.archive import RefusedError  # noqa: PLC0415

    if request["format"] == "ready":
        return {"ready": True}
    _allow(request["seconds"])
    try:
        files = {name: base64.b64decode(part) for name, part in request["files"].items()}
        content = next(iter(files.values())) if len(files) == 1 else files
        if request["format"] != "docx" and request.get("show"):
            return {"pages": [base64.b64encode(page).decode() for page in typesetting.pictures(content, request["values"])]}
        if request["format"] == "docx":
            assert isinstance(content, bytes)
            made = word.fill(content, request["values"], check=request["check"])
        else:
            made = typesetting.compose(content, request["values"], request["made_at"])
        if len(made) > MOST_OUTPUT:
            raise RefusedError("too_much")
        if request.get("show"):
            return {"blocks": word.blocks(made)}
    except RefusedError as reason:
        return {"code": reason.code, "name": reason.name, "detail": reason.detail, "line": reason.line, "file": reason.file}
    except (MemoryError, RecursionError):
        return {"code": "too_much", "name": "", "detail": "", "line": 0, "file": ""}
    return {"content": base64.b64encode(made).decode()}


def read(source: BinaryIO) -> dict[str, Any] | None:
    """The next message; None at the end."""
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    message = json.loads(source.read(length))
    assert isinstance(message, dict)
    return message


def write(sink: BinaryIO, message: dict[str, Any]) -> None:
    """One message."""
    body = json.dumps(message).encode()
    sink.write(LENGTH.pack(len(body)) + body)
    sink.flush()
