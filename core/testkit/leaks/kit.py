"""The kit: two copies of one world that differ in nothing that a user sees, asked the same; the answers must be the same to the byte."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import EntryPoint
from pathlib import Path
from random import Random
from time import process_time

from core.config import Config
from core.testkit.leaks import offered
from core.testkit.leaks import rights as random_rights
from core.testkit.leaks.asker import Asker
from core.testkit.leaks.changes import Changed, Changer
from core.testkit.leaks.filler import Filler
from core.testkit.leaks.oracle import Oracle
from core.testkit.leaks.pages import pages
from core.testkit.leaks.questions import REFUSED, WRONG, Question, described
from core.testkit.leaks.rereading import both, rereading, type_answers
from core.testkit.leaks.rights import type_rights, type_worked_out
from core.testkit.leaks.routes import routes
from core.testkit.leaks.world import NOW, Maker, World
from core.testkit.platforms import Platforms
from core.testkit.templates import Content, Templates

OTHERS = 100_001
"""Where the values begin that no cell has before."""
VALIDITY = "a rule of validity looks at the whole record, also at what its writer does not see"
type_more = Callable[[World, Oracle], Iterable[Question]]
"""Further questions: of what a plugin offers beside the registry."""


@dataclass(frozen=True)
class Leak:
    """A question that two worlds answer differently although the user sees the same of both."""

    question: Question
    one: bytes
    other: bytes

    def __str__(self) -> str:
        at = next(
            (n for n, pair in enumerate(zip(self.one, self.other, strict=False)) if pair[0] != pair[1]), min(len(self.one), len(self.other))
        )
        start = max(at - 60, 0)
        parts = (part[start : start + 240].decode(errors="replace") for part in (self.one, self.other))
        return "\n    ".join((f"{self.question.kind} of {self.question.entity}: {self.question.words[:300]}", *parts))


@dataclass
class Report:
    """What was asked and what came of it."""

    entities: set[str] = field(default_factory=set)
    kinds: Counter[str] = field(default_factory=Counter)
    users: int = 0
    tokens: int = 0
    """How many of these asked by a token with an allow-list."""
    seconds: float = 0.0
    leaks: list[Leak] = field(default_factory=list)
    waived: Counter[str] = field(default_factory=Counter)
    changed: list[Changed] = field(default_factory=list)

    def __str__(self) -> str:
        asked = ", ".join(f"{kind} {n}" for kind, n in sorted(self.kinds.items()))
        head = f"{len(self.entities)} entities, {self.kinds.total()} questions ({asked}), {self.users} users ({self.tokens} by tokens), {self.seconds:.1f} s"
        return "\n".join([head, *(f"waived {n}: {reason}" for reason, n in self.waived.items()), *map(str, self.leaks[:20])])


@dataclass(frozen=True)
class Control:
    """Which kinds of questions notice what a user may notice, and the entities whose lists notice nothing."""

    noticed: set[str]
    deaf: set[str]


@dataclass(frozen=True)
class Kit:
    """The worlds of a set of plugins (None: all that are installed), made in `folder` from `templates`."""

    templates: Templates
    folder: Path
    points: Sequence[EntryPoint] | None = None
    waivers: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Reasons why answers of a kind about an entity ("" for any) may differ."""
    more: type_more = lambda _world, _oracle: ()
    worked_out: type_worked_out = field(default_factory=dict)
    """By entity and field the fields of the same record that it is worked out of, and so tells to whoever is granted it: they are drawn together."""
    deep: bool = False
    whole: bool = False
    """Whether both worlds are asked all, also what has one answer by all that was read for it (see `core.testkit.leaks.rereading`)."""
    pages: int = 0
    """How many pages are asked, of many hundreds: each takes as long as several lists. A deep run asks all, where this is not 0."""
    filler: Filler = field(default_factory=Filler)
    platforms: Platforms = field(default_factory=Platforms)

    @contextmanager
    def worlds(self) -> Iterator[tuple[World, World]]:
        """A fresh copy of both."""
        content = Content(self.filler, NOW)
        with self.templates.copy(self.points, content) as url:
            platform = self.platforms.boot(Config(self.folder, url), content.clock, self.points, alone=True)
            try:
                one = World(platform, self.filler.cast, 0)
                yield one, World(platform, self.filler.cast, 1, one.app)
            finally:
                platform.close()

    @contextmanager
    def twins(
        self, rights: Callable[[World], type_rights], allows: Callable[[World, type_rights], Sequence[str]] | None = None
    ) -> Iterator[tuple[World, World, Oracle, Changed]]:
        """Two worlds, the second with another value in every place that the user does not see, nor the token that `allows` no more than it says."""
        with self.worlds() as (one, other):
            given = rights(one)
            listed = None if allows is None else allows(one, given)
            for world in (one, other):
                world.give(given, listed)
            oracle = Oracle(one, given, one.rows())
            changed = Changer(other, Oracle(other, given, other.rows()), Maker(other, OTHERS)).hide()
            yield one, other, oracle, changed

    def questions(
        self, world: World, oracle: Oracle, seed: int, entities: Sequence[str] | None = None, *, beside: bool | None = None
    ) -> Iterator[Question]:
        """All that is to be asked about some entities, or about all; routes, pages and reports are asked of
        these entities and their plugins; `beside`: of everybody's, and `more` as well, or not at all."""
        yield from described(oracle)
        random = Random(seed)
        for name in sorted(world.shapes) if entities is None else entities:
            yield from Asker(world, oracle, name, random, deep=self.deep).all()
            yield from offered.of_entity(world, oracle, name, random)
        if beside is not False:
            only = None if beside or entities is None else (*entities,)
            yield from routes(world, oracle, only)
            if self.pages:
                yield from pages(world, oracle, Random(seed), None if self.deep else self.pages, only)
            yield from offered.besides(world, only)
            yield from self.more(world, oracle) if only is None else ()

    def run(
        self,
        seeds: Iterable[int],
        entities: Sequence[str] | None = None,
        *,
        beside: bool | None = None,
        into: Report | None = None,
        by_token: bool = False,
        kinds: Collection[str] | None = None,
    ) -> Report:
        """Ask as one user for each seed, or by a token of that user with an allow-list; `into` adds to a report that there is, `kinds` are of questions.
        See `questions`."""
        report, began = into or Report(), process_time()
        for seed in seeds:
            allows = partial(_allowed, seed, worked_out=self.worked_out) if by_token else None
            with self.twins(partial(_drawn, seed, worked_out=self.worked_out), allows) as (one, other, oracle, changed):
                report.users += 1
                report.tokens += allows is not None
                report.changed.append(changed)
                with rereading(one, other, whole=self.whole) as answers:
                    for question in self.questions(one, oracle, seed, entities, beside=beside):
                        if kinds is not None and question.kind not in kinds:
                            continue
                        report.kinds[question.kind] += 1
                        report.entities.add(question.entity)
                        leak = compare(question, one, other, answers)
                        if leak is not None:
                            self._count(report, leak)
        report.entities.discard("")
        report.seconds += process_time() - began
        return report

    def _count(self, report: Report, leak: Leak) -> None:
        kind, entity = leak.question.kind, leak.question.entity
        reason = self.waivers.get((kind, entity)) or self.waivers.get((kind, ""))
        if kind == "write" and REFUSED in (leak.one[: len(REFUSED)], leak.other[: len(REFUSED)]):
            reason = VALIDITY
        if reason and WRONG not in (leak.one[: len(WRONG)], leak.other[: len(WRONG)]):
            report.waived[reason] += 1
        else:
            report.leaks.append(leak)

    def control(self, seed: int, entities: Sequence[str] | None = None, kinds: Collection[str] | None = None) -> Control:
        """The same questions of two worlds that differ in what the user does see: who notices nothing now would notice no leak. `kinds`: these and
        lists alone, and of these all that there is to ask until one notices."""
        noticed, deaf = set[str](), set[str]()
        with self.worlds() as (one, other):
            given = _drawn(seed, one, self.worked_out)
            for world in (one, other):
                world.give(given)
            oracle = Oracle(one, given, one.rows())
            changed = Changer(other, Oracle(other, given, other.rows()), Maker(other, OTHERS)).show()
            with rereading(one, other, whole=self.whole) as answers:
                for name in sorted(one.shapes) if entities is None else entities:
                    listed = False
                    for question in Asker(one, oracle, name, Random(seed), deep=kinds is not None).all():
                        lists = question.kind == "list"
                        if kinds is not None and not lists and question.kind not in kinds:
                            continue
                        if listed if lists else question.kind in noticed:  # one that notices is enough
                            continue
                        if len({*answers(question, one, other)}) > 1:
                            noticed.add(question.kind)
                            listed = listed or lists
                    if not listed and name in changed.entities:
                        deaf.add(name)
        return Control(noticed, deaf)


def _drawn(seed: int, world: World, worked_out: type_worked_out) -> type_rights:
    """Random rights, the same for the same seed."""
    return random_rights.draw(world, Random(seed), worked_out)


def _allowed(seed: int, world: World, given: type_rights, worked_out: type_worked_out) -> Sequence[str]:
    """A random allow-list over such rights."""
    return random_rights.allow(world, given, Random(seed), worked_out)


def compare(question: Question, one: World, other: World, answers: type_answers = both) -> Leak | None:
    """Ask both. An answer that is wrong by itself, or is a failure of the server, is a finding as well."""
    first, second = answers(question, one, other)
    wrong = first.startswith((b"5", WRONG))
    return Leak(question, first, second) if question.differ(first, second) or wrong else None


def users(default: int) -> int:
    """How many users to ask as: `DEALWRIGHT_LEAK_USERS` of them, where that is set."""
    return int(os.environ.get("DEALWRIGHT_LEAK_USERS", default))
