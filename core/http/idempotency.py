"""`Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07): a write that is sent again is not done again."""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import sleep
from typing import TYPE_CHECKING

import orjson
import sqlalchemy as sa

from core import secrets
from sdk import BadRequest, Conflict, Invalid, _, links
from sdk.columns import UtcDateTime, key
from sdk.entities import Record

if TYPE_CHECKING:
    from core.context import Work

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
"""Says that an answer is that of an earlier request: the draft names no header for this, and this one is the usual."""
KEPT = timedelta(hours=24)
CLAIMED = timedelta(minutes=10)
"""For how long a request that does something elsewhere holds its key at most: longer than any server is waited for."""
MOST = 255
FORM = r"^[!-~]([ -~]*[!-~])?$"
_PART, _READ = 5_000, 200
_LOOKS, _PAUSE = 100, 0.05
"""How often somebody who waits for a twin looks again, and after how many seconds each time."""

answers = sa.Table(
    "core_idempotency",
    Record.metadata,
    sa.Column("tenant_id", key(), primary_key=True),
    sa.Column("name", sa.String(64), primary_key=True),  # a digest of who asked and of the key
    sa.Column("request", sa.String(64), nullable=False),  # a digest of what was asked
    sa.Column(
        "answer", sa.Text(), nullable=False, info={"secret": True}
    ),  # sealed: an answer may show what is stored nowhere else, such as a new token; nothing: it was erased
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Index("ix_core_idempotency_created_at", "tenant_id", "created_at"),
)


@dataclass(frozen=True)
class Answer:
    """An answer as it was sent."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


def read_key(sent: str) -> str:
    """The key in a header: a string of RFC 8941 or, as most send it, a bare word. Raises BadRequest."""
    word = sent.strip()
    if len(word) > 2 and word[0] == word[-1] == '"':
        word = word[1:-1]
    if len(word) > MOST or not re.fullmatch("[ -~]+", word):
        raise BadRequest(_("Idempotency-Key takes 1 to {most} printable ASCII characters; a UUID is recommended"), code="malformed_idempotency_key",
                         most=MOST)  # fmt: skip
    return word


class Once:
    """One write by one caller under one key, inside the transaction of the write: a crash leaves neither effect nor key."""

    def __init__(self, work: Work, caller: str, sent: str, request: str, *, waits: bool = False) -> None:
        self._work, self._request, self._waits = work, request, waits
        self._name = links.digest_of(f"{caller}\0{sent}")
        self._claim = links.digest_of(f"{self._name} in progress")
        self._mine = (answers.c.tenant_id == work.tenant.id, answers.c.name == self._name)

    def earlier(self) -> Answer | None:
        """What the first request was answered. Raises Conflict while that is being made, and Invalid where it asked for something else."""
        self._enter()
        row = self._work.connection.execute(sa.select(answers).where(*self._mine)).one_or_none()
        if row is None:
            return None
        if row.created_at <= self._work.now() - KEPT:
            self._work.connection.execute(answers.delete().where(*self._mine))
            return None
        if row.request != self._request:
            raise Invalid(_("this Idempotency-Key was sent with a different request; use a new key for each operation"),
                          code="idempotency_key_reused")  # fmt: skip
        if not row.answer:
            raise Conflict(_("this request was carried out, and its answer has been erased; don’t send it again"), code="answer_erased")
        status, headers, body = orjson.loads(_unsealed(self._work, row))
        return Answer(status, [(name, value) for name, value in headers], base64.b64decode(body))

    def claim(self) -> None:
        """Say that this one is at it, in a transaction of its own; `release` takes that back. Raises Conflict where a twin is.

        Who dies meanwhile holds it for some minutes: what he has done elsewhere nobody knows.
        """
        connection, mine = self._work.connection, (answers.c.tenant_id == self._work.tenant.id, answers.c.name == self._claim)
        connection.execute(answers.delete().where(*mine, answers.c.created_at <= self._work.now() - CLAIMED))
        if connection.execute(sa.select(answers.c.name).where(*mine)).first() is not None:
            raise _in_use()
        self._keep(self._claim, "")

    def release(self) -> None:
        """This one is through, whatever came of it."""
        tenant = self._work.tenant.id
        with self._work.platform.database.begin(write=True, tenant=tenant) as connection:
            connection.execute(answers.delete().where(answers.c.tenant_id == tenant, answers.c.name == self._claim))

    def _enter(self) -> None:
        """One at a time. On SQLite writers are, so a twin waits; on PostgreSQL it would hold a thread, and is told to come back: a program
        at once, a browser, which shows the answer to the last click alone, after a while."""
        if self._work.platform.database.is_sqlite:
            return
        number = int.from_bytes(bytes.fromhex(links.digest_of(f"{self._work.tenant.id}:{self._name}"))[:8], signed=True)
        lock, left = sa.select(sa.func.pg_try_advisory_xact_lock(number)), _LOOKS if self._waits else 0
        while not (mine := self._work.connection.execute(lock).scalar_one()) and left:
            left -= 1
            sleep(_PAUSE)
        if not mine:
            raise _in_use()

    def keep(self, answer: Answer) -> None:
        """Remember the answer, to be committed with what was done."""
        told = orjson.dumps([answer.status, list(answer.headers), base64.b64encode(answer.body).decode()]).decode()
        self._keep(self._name, secrets.seal(self._work.platform.config.key(), _purpose(self._work, self._name), told))

    def _keep(self, name: str, sealed: str) -> None:
        row = {"tenant_id": self._work.tenant.id, "name": name, "request": self._request, "answer": sealed, "created_at": self._work.now()}
        self._work.connection.execute(answers.insert().values(**row))


def _in_use() -> Conflict:
    refusal = Conflict(_("the first request with this Idempotency-Key is still in progress; send it again in a second"),
                       code="idempotency_key_in_use")  # fmt: skip
    refusal.retry_after = 1
    return refusal


def _purpose(work: Work, name: str) -> str:
    return f"{work.tenant.id}:core.idempotency:{name}"


def _unsealed(work: Work, row: sa.Row[tuple[str, ...]]) -> str:
    return secrets.unseal(work.platform.config.key(), _purpose(work, row.name), row.answer)


def kept(work: Work) -> Iterator[tuple[str, str]]:
    """The tenant's answers that are kept, by name: headers and body as they were sent."""
    last = ""
    while True:
        some = (answers.c.tenant_id == work.tenant.id, answers.c.name > last, answers.c.answer != "")
        rows = work.connection.execute(sa.select(answers).where(*some).order_by(answers.c.name).limit(_READ)).all()
        for row in rows:
            _status, headers, body = orjson.loads(_unsealed(work, row))
            yield row.name, f"{headers}\n{base64.b64decode(body).decode(errors='replace')}"
        if len(rows) < _READ:
            return
        last = rows[-1].name


def erase(work: Work, names: Collection[str]) -> None:
    """Of some answers only that there was one stays: what is sent again is refused, and not done again."""
    work.connection.execute(answers.update().where(answers.c.tenant_id == work.tenant.id, answers.c.name.in_(names)).values(answer=""))


def forget(work: Work) -> None:
    """Answers older than a day."""
    old = sa.select(answers.c.name).where(answers.c.tenant_id == work.tenant.id, answers.c.created_at <= work.now() - KEPT).limit(_PART)
    gone = answers.delete().where(answers.c.tenant_id == work.tenant.id, answers.c.name.in_(old))
    count = _PART
    while count == _PART:
        with work.transaction(write=True):
            count = work.connection.execute(gone).rowcount
