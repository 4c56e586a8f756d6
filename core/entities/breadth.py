"""Whether one person sees all that another sees: sums that the one has made are for who could have made them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from core.entities.conditions import Conditions, head, read_filter
from core.entities.shape import Source
from sdk import Entity, Filter, Verb
from sdk.fields import LinkField

if TYPE_CHECKING:
    from core.context import Work
    from core.entities.read import Reader


def covers(work: Work, other: Work, entity: Entity, names: Sequence[str], filter: Filter) -> bool:
    """Whether each record that another actor finds by a filter, and on which he sees these fields, is one on which the actor sees them, too.

    As rights and records are now. Beyond links counts what the actor sees of all that stands there (`sees_beyond`). Raises BadRequest for a
    filter that the other cannot ask.
    """
    mine, theirs = work.reader(entity), other.reader(entity)
    looked_at = [head(name, theirs.shape.fields)[0] for name in (*names, *(condition.field for condition in filter))]
    source = Source(theirs.shape, theirs.scopes)
    clauses = _clauses(mine, source, looked_at)
    if not clauses:
        return True
    if not theirs.grants or not all(map(theirs.including, looked_at)):
        return False  # he could not have made such a sum with the rights that he has left
    forms, given = read_filter(theirs, filter, theirs.asked())
    conditions = Conditions(source, theirs.scopes, other.reader)
    asked = [conditions.made(form, lambda number, _type, at=place: given[f"f{at}_{number}"]) for place, form in enumerate(forms)]  # type: ignore[misc]
    beyond = sa.case((sa.and_(*clauses), 0), else_=1) == 1  # what belongs to nobody is neither owned nor not owned
    query = sa.select(sa.literal(1)).select_from(source.joined()).where(*theirs.reach(source, looked_at), *asked, beyond)
    return work.connection.execute(query.limit(1)).first() is None


def sees_all(work: Work, entity: Entity, names: Sequence[str]) -> bool:
    """Whether the actor sees these fields on all records that there are: then what anybody could add up is no news."""
    reader = work.reader(entity)
    looked_at = [head(name, reader.shape.fields)[0] for name in names]
    return bool(reader.grants) and not _clauses(reader, Source(reader.shape, reader.scopes), looked_at)


def sees_beyond(work: Work, entity: Entity, names: Sequence[str]) -> bool:
    """Whether the actor sees on all records beyond links what paths name there, and what people call those that a link itself leads to."""
    shape = work.shape(entity.full_name)
    for name in names:
        own, rest = head(name, shape.fields)
        field = shape.fields.get(own)
        target = shape.target(field) if isinstance(field, LinkField) else None
        if target is None:
            if rest:
                return False
            continue
        asked = rest or target.title
        if not sees_all(work, target, (asked,)) or not sees_beyond(work, target, (asked,) if rest else ()):
            return False
    return True


def _clauses(reader: Reader, source: Source, names: Sequence[str]) -> list[sa.ColumnElement[bool]]:
    """What stands between the reader and these fields of all records; false() where nobody shows him one."""
    sets = dict.fromkeys([reader.grants, *map(reader.including, names)])
    return [clause for grants in sets if (clause := reader.scopes.clause(reader.entity, source.table, grants, Verb.READ)) is not None]
