"""A client of the HTTP API for programs: it waits where it is told to, sends nothing twice, and reads lists page by page.

The standard library is enough for that, so a script needs this file and no more.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping
from email.message import Message
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

_BUSY = frozenset({409, 429, 503})
"""With `Retry-After`: the same is to be asked again. A 409 has it while the first of two equal requests is still at work."""
_TRIES = 5
_ONCE = frozenset({"POST", "PATCH", "DELETE"})
_MOVED = 308


class ApiError(Exception):
    """The platform refused: `status`, `code` and `problem`, the whole document of RFC 9457."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status, self.problem = status, problem
        self.code = str(problem.get("code", ""))
        fields = "; ".join(f"{one.get('field')}: {one.get('message')}" for one in problem.get("errors") or ())
        super().__init__(f"{status} {self.code}: {problem.get('detail') or problem.get('title') or ''}{f' ({fields})' if fields else ''}")


class Client:
    """`Client("https://crm.example", "dw_…").all("customers/accounts", city="Berlin")`. For one thread at a time.

    Where there are too many requests (429), the platform is away (503) or still at work on the same request (409), it waits as long as
    `Retry-After` says, at most `patience` seconds for one request, and asks again. What changes something bears a key, by which the
    platform does it once however often it is sent. Raises ApiError for what is refused and for an address that leads elsewhere, OSError
    where nobody answers.
    """

    def __init__(
        self, address: str, token: str, *, patience: float = 300, timeout: float = 60, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{address!r}: expected an address such as https://crm.example")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=timeout)
        self._root = parts.path.rstrip("/")
        self._token, self._patience, self._sleep = token, patience, sleep

    def get(self, path: str, **query: object) -> Any:
        """One answer, such as `get("customers/accounts/ID")`; names with brackets as `**{"amount[gte]": 5}`."""
        return self.request("GET", path + (f"?{urlencode(query, doseq=True)}" if query else ""))

    def all(self, path: str, **query: object) -> Iterator[dict[str, Any]]:
        """Every record of a list, each once while others write."""
        asked: dict[str, object] = {"limit": 500, **query}
        while True:
            page = self.get(path, **asked)
            yield from page["data"]
            if page["page"]["next"] is None:
                return
            asked["cursor"] = page["page"]["next"]

    def post(self, path: str, body: object) -> Any:
        """Make a record, or carry out an act."""
        return self.request("POST", path, body)

    def patch(self, path: str, body: object, *, version: int | None = None) -> Any:
        """Change a record; with the `version` that it had when it was read, only if it is still that one (412)."""
        return self.request("PATCH", path, body, {} if version is None else {"If-Match": f'"v{version}"'})

    def delete(self, path: str) -> None:
        """Put a record into the recycle bin."""
        self.request("DELETE", path)

    def request(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Any:
        """Any request below /api/v1; the decoded answer, or the text of one that is no JSON."""
        sent = {"Authorization": f"Bearer {self._token}", "Accept": "application/json", **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        if method in _ONCE:
            sent.setdefault("Idempotency-Key", str(uuid4()))
        address, content = f"{self._root}/api/v1/{path.lstrip('/')}", None if body is None else json.dumps(body).encode()
        patience = self._patience
        for attempt in range(1, _TRIES + 1):
            try:
                status, said, told = self._ask(method, address, content, sent)
            except (OSError, http.client.HTTPException) as failure:
                self._connection.close()
                if attempt == _TRIES or patience < attempt:
                    raise OSError(f"{self._connection.host}: {failure or type(failure).__name__}") from failure
                patience -= attempt
                self._sleep(attempt)
                continue
            if status == _MOVED:  # the record has become part of another
                address = self._root + urlsplit(told["Location"]).path
                continue
            pause = told["Retry-After"] or ""
            if status not in _BUSY or not pause.isdigit() or float(pause) > patience:
                break
            patience -= float(pause)
            self._sleep(float(pause))
        answer = _decoded(said)
        if 300 <= status < 400:
            raise ApiError(status, {"title": f"{address} has moved to {told['Location']}: give the client the address that answers"})
        if status >= 400:
            raise ApiError(status, answer if isinstance(answer, dict) else {"title": str(answer)[:200]})
        return answer

    def _ask(self, method: str, address: str, content: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes, Message]:
        self._connection.request(method, address, content, dict(headers))
        answer = self._connection.getresponse()
        return answer.status, answer.read(), answer.headers


def _decoded(said: bytes) -> Any:
    try:
        return json.loads(said) if said else None
    except ValueError:
        return said.decode(errors="replace")
