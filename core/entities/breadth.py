"""Whether one person sees all that another sees: sums that the one has made are for who could have made them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.sql import FromClause

from core.entities.conditions import Conditions, head, read_filter
from core.entities.shape import Source
from core.policy.grants import Grant
from core.policy.scopes import Scopes
from sdk import Entity, Filter, NotFound, Verb
from sdk.fields import LinkField

if TYPE_CHECKING:
    from core.context import Work
    from core.entities.read import Reader


def covers(work: Work, user: UUID | None, entity: Entity, names: Sequence[str], filter: Filter) -> bool:
    """Whether each record that another person (None: the platform) finds by a filter, and sees these fields on, is one on which the actor
    sees them, too.

    As rights and records are now. Beyond links counts what the actor sees of all that stands there. Raises BadRequest for a filter that the
    other cannot ask.
    """
    asked_for = (*names, *(condition.field for condition in filter))
    if not _sees_beyond(work, entity, asked_for):
        return False
    if not (clauses := _between(work.reader(entity), asked_for)):
        return True  # what anybody could add up is no news
    try:
        other = work.as_system() if user is None else work.standing_in(user)
    except NotFound:
        return False  # who is not active: with what rights nobody knows
    theirs = other.reader(entity)
    looked_at = _own(theirs, asked_for)
    if not theirs.grants or not all(map(theirs.including, looked_at)):
        return False  # he could not have made such a sum with the rights that he has left
    read_filter(theirs, filter, theirs.asked())
    # A filter leaves fewer records: who sees all that the other sees needs no look for each sum. That may be a look at a whole table, and a
    # page has many sums of few people.
    reach = _sets(theirs, asked_for)
    whom = user if _between(theirs, asked_for) else None
    key = (
        work.actor.user_id,
        work.scopes.form,
        entity.full_name,
        whom,
        reach if whom is not None else (),
        _sets(work.reader(entity), asked_for),
    )
    if work.once((*key, ()), lambda: not _finds_beyond(theirs, looked_at, (), clauses)):
        return True
    # Computed fields in it differ between people, also between such as see every record.
    return bool(filter) and work.once((*key, user, tuple(filter)), lambda: not _finds_beyond(theirs, looked_at, filter, clauses))


def _finds_beyond(theirs: Reader, looked_at: Sequence[str], filter: Filter, clauses: Sequence[sa.ColumnElement[bool]]) -> bool:
    """Whether the other finds a record that these clauses do not let through."""
    source = Source(theirs.shape, theirs.scopes)
    forms, given = read_filter(theirs, filter, theirs.asked())
    conditions = Conditions(source, theirs.scopes, theirs.work.reader)
    asked = [conditions.made(form, lambda number, _type, at=place: given[f"f{at}_{number}"]) for place, form in enumerate(forms)]  # type: ignore[misc]
    beyond = sa.case((sa.and_(*clauses), 0), else_=1) == 1  # what belongs to nobody is neither owned nor not owned
    query = sa.select(sa.literal(1)).select_from(source.joined()).where(*theirs.reach(source, looked_at), *asked, beyond)
    return theirs.work.connection.execute(query.limit(1)).first() is not None


def _sees_beyond(work: Work, entity: Entity, paths: Sequence[str]) -> bool:
    """Whether the actor sees on all records beyond links what paths name there, and what people call those that a link itself leads to; and
    all records that computed fields, roll-ups and formulas look at, whose values differ between readers."""
    shape, heard = work.shape(entity.full_name), _Heard(work.scopes)
    for path in paths:
        own, rest = head(path, shape.fields)
        if own in shape.fields:
            Source(shape, heard).columns(own)
        if heard.limited:
            return False
        field = shape.fields.get(own)
        target = shape.target(field) if isinstance(field, LinkField) else None
        if target is None and rest:
            return False
        if target is not None and (
            _between(work.reader(target), (rest or target.title,)) or not _sees_beyond(work, target, (rest,) if rest else ())
        ):
            return False
    return True


def _between(reader: Reader, paths: Sequence[str]) -> list[sa.ColumnElement[bool]]:
    """What stands between a reader and these fields of all records: nothing for who sees them all, false() where nobody shows him one."""
    table = Source(reader.shape, reader.scopes).table
    return [
        clause for grants in _sets(reader, paths) if (clause := reader.scopes.clause(reader.entity, table, grants, Verb.READ)) is not None
    ]


def _sets(reader: Reader, paths: Sequence[str]) -> tuple[tuple[Grant, ...], ...]:
    """By which grants the reader sees records, and each of these fields of them."""
    return tuple(dict.fromkeys([reader.grants, *map(reader.including, _own(reader, paths))]))


def _own(reader: Reader, paths: Sequence[str]) -> list[str]:
    """The entity's own fields with which paths begin."""
    return [head(path, reader.shape.fields)[0] for path in paths]


class _Heard(Scopes):
    """The scopes of an actor, which note whether they have kept anything from a statement."""

    def __init__(self, scopes: Scopes) -> None:
        vars(self).update(vars(scopes))
        self.limited = False

    def clause(
        self, entity: Entity, table: FromClause, grants: Iterable[Grant], verb: Verb, *, about: frozenset[str] | None = None
    ) -> sa.ColumnElement[bool] | None:
        made = super().clause(entity, table, grants, verb, about=about)
        self.limited = self.limited or made is not None
        return made
