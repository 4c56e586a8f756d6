"""What an answer rests on: where what was read of one world is in the other the same, so is the answer, and it need not be made again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from sqlalchemy import event

from core.testkit.leaks.questions import Question
from core.testkit.leaks.world import World
from sdk import links

_READS = ("SELECT", "WITH")
_FRAMES = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")
_WRITES = "BEGIN IMMEDIATE"
_NOBODYS = ("(tenant)", "(tenant)", "(name)", "(token)")
type_answers: TypeAlias = "Callable[[Question, World, World], tuple[bytes, bytes]]"


def both(question: Question, one: World, other: World) -> tuple[bytes, bytes]:
    """What both say, each asked."""
    return question.ask(one), question.ask(other)


@contextmanager
def rereading(one: World, other: World, *, whole: bool = False) -> Iterator[type_answers]:
    """Asks the second of two worlds where it could answer otherwise than the first; both always where all is wanted, or none of this can be known."""
    database = one.platform.database
    if whole or not database.is_sqlite:
        yield both
        return
    connection = database.engine.raw_connection()
    reading = _Rereading(one, other, connection.driver_connection)
    event.listen(database.engine, "checkout", reading.listen)
    try:
        yield reading.answers
    finally:
        event.remove(database.engine, "checkout", reading.listen)
        connection.close()


class _Rereading:
    """The code is the same, so two answers differ by what was read for them.

    SQLite tells each statement with its values, whoever has sent it; those of the first answer are sent again for either tenant, past all code of
    ours. Of an answer for which something was written, or could have been, nothing is known.
    """

    def __init__(self, one: World, other: World, driver: Any) -> None:
        self._names, self._driver = (_names(one), _names(other)), driver
        self._heard: list[str] | None = None
        self._alike: dict[str, bool] = {}
        self._keeps = False
        """Whether all that is kept of the tenants was made of what is alike."""

    def answers(self, question: Question, one: World, other: World) -> tuple[bytes, bytes]:
        """What both say."""
        if not self._keeps:  # what is kept of a tenant is read without a word
            one.platform.kept.clear()
        first, mine = self._listening(question, one)
        if _reads_alone(mine) and all(self._is_alike(statement) for statement in mine):
            self._keeps = True
            return first, first
        self._keeps = False
        second, theirs = self._listening(question, other)
        if not (_reads_alone(mine) and _reads_alone(theirs)):
            self._alike.clear()  # what either wrote may stay, such as that somebody tried
        return first, second

    def _listening(self, question: Question, world: World) -> tuple[bytes, Sequence[str]]:
        """An answer, and each statement that was sent for it."""
        self._heard = heard = list[str]()
        try:
            answer = question.ask(world)
        finally:
            self._heard = None
        asked = (statement for statement in heard if statement == _WRITES or not statement.startswith(_FRAMES))
        return answer, list(dict.fromkeys(asked))

    def listen(self, driver: Any, _record: object, _proxy: object) -> None:
        """A connection is taken."""
        driver.set_trace_callback(self._hear)

    def _hear(self, statement: str) -> None:
        if self._heard is not None:
            self._heard.append(statement)

    def _is_alike(self, statement: str) -> bool:
        if statement not in self._alike:
            mine, theirs = self._names
            self._alike[statement] = self._rows(statement, mine) == self._rows(_put(statement, mine, theirs), theirs)
        return self._alike[statement]

    def _rows(self, statement: str, names: Sequence[str]) -> object:
        try:
            return _put(repr(self._driver.execute(statement).fetchall()), names, _NOBODYS)
        except self._driver.Error:  # too long to be told with its values, say: it is like no other
            return object()


def _reads_alone(statements: Sequence[str]) -> bool:
    return all(statement.startswith(_READS) for statement in statements)


def _names(world: World) -> Sequence[str]:
    """By what a tenant and its token are told from others."""
    return world.tenant.hex, str(world.tenant), world.system.tenant.name, links.digest_of(world.token)


def _put(text: str, names: Sequence[str], others: Sequence[str]) -> str:
    for name, other in zip(names, others, strict=True):
        text = text.replace(name, other)
    return text
