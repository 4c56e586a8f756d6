"""What somebody may have meant who wrote a name that no record bears."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from core.data.bulk import Words
from core.policy.grants import including
from sdk import Entity, Verb
from sdk.fields import TextField

if TYPE_CHECKING:
    from core.context import Work

_BESIDE, _CANDIDATES = 20, 1000
"""Titles that are looked at on either side of a word that names none, and those that start as it does."""
_LIKELY = 20
"""Of the latter those that have most pairs of signs in common with it, which alone are compared sign by sign."""
_STARTS = 50
"""Signs with which titles start that are looked at for one batch: of Chinese names hardly two start alike."""
_VERY, _AT_ALL = 0.85, 0.6
"""How like a title must be to look no further, and to be named at all (difflib: 1 is the same)."""
MOST = 500
"""Words for which one piece of work, such as an import, looks: a file with more of them names another kind of record, and nobody reads on."""


class Nearest:
    """The titles most like some words among those that the actor sees, or, where titles name nothing, the natural keys.

    First a word's neighbours in the order of titles are looked at, which are as good as it gets where many differ in a few signs; then those
    that start with the same sign.
    """

    def __init__(self, work: Work, target: Entity) -> None:
        self._work, self._target = work, target
        self._name = target.title if target.title in target.match_fields or not target.match_fields else target.match_fields[0]
        self._title = target.record.table().c[target.record.__fields__[self._name].attribute]

    def to(self, words: Iterable[str]) -> dict[str, str]:
        """By word what is like it; a word that is like nothing is left out, and so are those beyond what this piece of work may ask for."""
        if not isinstance(self._target.record.__fields__[self._name], TextField):
            return {}  # a word is like no amount
        asked = list(dict.fromkeys(words))
        told = self._work.hints.setdefault(self._target.full_name, {})
        if fresh := list(islice((word for word in asked if word not in told), MOST - len(told))):
            told |= self._look_for(fresh)
        return {word: near for word in asked if (near := told.get(word)) is not None}

    def _look_for(self, words: Sequence[str]) -> dict[str, str | None]:
        beside = self._beside(words)
        found = {word: _closest(word, beside[word], _VERY) for word in words}
        left = sorted((word for word in words if found[word] is None), key=_start)
        for started, (sign, group) in enumerate(groupby(left, key=_start)):
            alike = _Alike(self._starting(sign) if started < _STARTS else ())
            for word in group:
                found[word] = _closest(word, [*beside[word], *alike.to(word)], _AT_ALL)
        return found

    def _beside(self, words: Sequence[str]) -> dict[str, list[str]]:
        """The titles before and behind each word in their order, by one question."""
        asked = self._table(words)
        behind = self._neighbours(asked, self._title >= asked.c.value, self._title)
        before = self._neighbours(asked, self._title < asked.c.value, self._title.desc())
        found = self._work.connection.execute(sa.select(asked.c.value, behind, before))
        return {word: [*_listed(one), *_listed(other)] for word, one, other in found}

    def _table(self, words: Sequence[str]) -> sa.TableValuedAlias:
        if self._on_postgresql:
            return sa.func.unnest(sa.literal(list(words), Words())).table_valued("value").render_derived()
        return sa.func.json_each(json.dumps(list(words))).table_valued(sa.column("value", sa.String()))

    def _neighbours(self, asked: sa.TableValuedAlias, which: sa.ColumnElement[bool], order: sa.ColumnElement[Any]) -> sa.ScalarSelect[Any]:
        near = self._select(which).order_by(order).limit(_BESIDE).correlate(asked).subquery()
        together = sa.func.json_agg if self._on_postgresql else sa.func.json_group_array
        return sa.select(together(near.c[0], type_=sa.JSON())).scalar_subquery()

    def _starting(self, sign: str) -> list[str]:
        query = self._select(self._title.istartswith(sign, autoescape=True)).order_by(self._title).limit(_CANDIDATES)
        return [str(title) for title in self._work.connection.execute(query).scalars()]

    def _select(self, which: sa.ColumnElement[bool]) -> sa.Select[Any]:
        work, target = self._work, self._target
        grants = including(work.scopes.grants_of(target, Verb.READ), self._name)
        table = target.record.table()
        clauses, clause = work.scopes.live(target, table, grants), work.scopes.clause(target, table, grants, Verb.READ)
        return sa.select(self._title).where(*clauses, *([] if clause is None else [clause]), which)

    @property
    def _on_postgresql(self) -> bool:
        return self._work.connection.dialect.name == "postgresql"


class _Alike:
    """Titles by the pairs of signs in them: which of a thousand have most in common with a word is told without comparing each."""

    def __init__(self, titles: Sequence[str]) -> None:
        self._titles = titles
        self._holding: Mapping[str, list[int]] = defaultdict(list)
        for place, title in enumerate(titles):
            for pair in _pairs(title):
                self._holding[pair].append(place)

    def to(self, word: str) -> list[str]:
        """Those with most in common."""
        common = Counter(place for pair in _pairs(word) for place in self._holding.get(pair, ()))
        return [self._titles[place] for place, _count in common.most_common(_LIKELY)]


def _pairs(word: str) -> set[str]:
    said = f" {word.casefold()}"
    return {said[place : place + 2] for place in range(len(said) - 1)}


def _start(word: str) -> str:
    return word[:1].casefold()


def _closest(word: str, titles: Sequence[str], cutoff: float) -> str | None:
    return next(iter(get_close_matches(word, titles, n=1, cutoff=cutoff)), None)


def _listed(titles: object) -> list[str]:
    return list(map(str, titles)) if isinstance(titles, list) else []
