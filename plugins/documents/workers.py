"""The renderer's processes: a few, warm, each killed when a template takes too long."""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from plugins.documents.renderer import LENGTH, MOST_OUTPUT
from sdk import Invalid, Problem, Text, Unavailable, _

SECONDS = 4
"""What one document may take. Less than the five seconds for which SQLite lets a writer wait for another one."""
STARTING = 30
MOST_PROCESSES = 2
MOST_ANSWER = 2 * MOST_OUTPUT
MOST_TURNS = 500
"""After so many documents a process is replaced: what leaks in a library goes with it."""
_ROOT = Path(__file__).parents[2]
_PROGRAM = f"import sys; sys.path.append({str(_ROOT)!r}); from plugins.documents.renderer import main; main()"
_NOWHERE = "http://127.0.0.1:9"

_REASONS: Mapping[str, Text] = {
    "missing_variable": _("{template}: variable {name!r} does not exist{place}; GET /documents/offers lists what is available"),
    "template_error": _("{template}: {detail}{place}"),
    "no_packages": _("{template}: packages are not available; include what you need in the template{place}"),
    "too_much": _("{template}: produces too large a document or needs too much memory; shorten its loops"),
    "too_long": _("{template}: takes longer than {seconds} seconds; shorten its loops"),
    "archive_too_large": _("{template}: the unpacked file is larger than allowed; {detail}"),
    "archive_malformed": _("{template}: the file can’t be read as expected: {name} {detail}"),
    "no_word_document": _("{template}: the file is not a Word document (.docx)"),
    "no_text": _("{template}: the file is neither UTF-8 text nor an archive containing main.typ"),
    "active_content": _("{template}: contains macros or embedded programs ({name}); save it as .docx without them"),
    "external_link": _("{template}: refers to something outside the file ({detail} in {name}); include it in the file"),
    "xml_entities": _("{template}: {name} declares XML entities, which Word files never do"),
}


class _LateError(Exception):
    """The process did not answer in time."""


class _GoneError(Exception):
    """The process has ended."""


class Process:
    """One process, for one document at a time."""

    def __init__(self) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", "SYSTEMROOT") if name in os.environ}
        proxies = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), _NOWHERE)
        quiet = {"LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "2", "RAYON_NUM_THREADS": "2"}
        self._process = subprocess.Popen(  # noqa: S603 (our own interpreter and program)
            [sys.executable, "-I", "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**kept, **proxies, **quiet}, cwd="/",
        )  # fmt: skip
        self.turns = 0
        self.ask({"format": "ready"}, STARTING)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def ask(self, request: Mapping[str, object], seconds: float) -> dict[str, object]:
        """The answer; raises _LateError or _GoneError, after which the process is of no more use."""
        self.turns += 1
        deadline = time.monotonic() + seconds
        body = json.dumps(request).encode()
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(LENGTH.pack(len(body)) + body)
            stdin.flush()
        except OSError as failure:
            raise _GoneError from failure
        (length,) = LENGTH.unpack(self._read(LENGTH.size, deadline))
        if length > MOST_ANSWER:
            raise _GoneError
        answer = json.loads(self._read(length, deadline))
        assert isinstance(answer, dict)
        return answer

    def _read(self, length: int, deadline: float) -> bytes:
        stdout, got = self._process.stdout, bytearray()
        assert stdout is not None
        while len(got) < length:
            ready, _write, _error = select.select([stdout], [], [], max(deadline - time.monotonic(), 0))
            if not ready:
                raise _LateError
            part = os.read(stdout.fileno(), length - len(got))
            if not part:
                raise _GoneError
            got += part
        return bytes(got)

    def end(self) -> None:
        """Stop it, whatever it does."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was still to be written has no reader any more
                    pipe.close()
        self._process.wait()


def start() -> Process:
    """A process that is ready; raises Unavailable."""
    try:
        return Process()
    except (_LateError, _GoneError, OSError) as failure:
        raise Unavailable(_("documents can’t be created right now: the renderer doesn’t start"), code="renderer_down") from failure


class Pool:
    """Processes that wait for work; made when they are needed, at most `MOST_PROCESSES`, and ended with this process."""

    def __init__(self) -> None:
        self._idle: list[Process] = []
        self._room = threading.BoundedSemaphore(MOST_PROCESSES)
        self._lock = threading.Lock()

    def ask(self, request: Mapping[str, object]) -> dict[str, object]:
        """One document. A process that is late or gone is replaced at the next one."""
        with self._room:
            process = self._taken()
            try:
                answer = process.ask(request, SECONDS)
            except _LateError:
                process.end()
                return {"code": "too_long"}
            except _GoneError:
                process.end()
                return {"code": "too_much"}
            except BaseException:
                process.end()
                raise
            if process.turns < MOST_TURNS:
                with self._lock:
                    self._idle.append(process)
            else:
                process.end()
            return answer

    def _taken(self) -> Process:
        with self._lock:
            while self._idle:
                process = self._idle.pop()
                if process.alive:
                    return process
                process.end()  # somebody else has ended it while it waited
        return start()

    def close(self) -> None:
        """End the processes that wait."""
        with self._lock:
            while self._idle:
                self._idle.pop().end()


_pools: dict[int, Pool] = {}


def pool() -> Pool:
    """This process's own: after a fork the parent's pipes are not ours to use."""
    return _pools.setdefault(os.getpid(), Pool())


def rendered(name: str, format: str, files: Mapping[str, bytes], values: Mapping[str, object], made_at: datetime, *,
             check: bool = False) -> bytes:  # fmt: skip
    """The document of a template called `name`; raises Invalid, which says what is wrong with the template and where."""
    return base64.b64decode(str(_asked(name, _request(format, files, values, made_at) | {"check": check})["content"]))


def shown(name: str, format: str, files: Mapping[str, bytes], values: Mapping[str, object], made_at: datetime) -> dict[str, object]:
    """The same to look at: of PDF the first `pages` as PNG in base64, of Word what it says as `blocks` (see `word.blocks`)."""
    return _asked(name, _request(format, files, values, made_at) | {"check": True, "show": True})


def _request(format: str, files: Mapping[str, bytes], values: Mapping[str, object], made_at: datetime) -> dict[str, object]:
    return {
        "format": format, "files": {file: base64.b64encode(part).decode() for file, part in files.items()}, "values": values,
        "made_at": int(made_at.timestamp()), "seconds": SECONDS,
    }  # fmt: skip


def _asked(name: str, request: Mapping[str, object]) -> dict[str, object]:
    answer = pool().ask(request)
    if "code" not in answer:
        return answer
    code, line, file = str(answer["code"]), answer.get("line") or 0, str(answer.get("file") or "")
    place = f" ({file}:{line})" if line and file else f" ({file})" if file else f" ({line})" if line else ""
    detail, said = str(answer.get("detail", "")), str(answer.get("name", ""))
    text = _REASONS[code]
    params = {"template": name, "name": said, "detail": detail, "place": place, "seconds": SECONDS, "file": file, "line": line}
    raise Invalid(_("the document can’t be created"), problems=[Problem("template", code, text, params)])
