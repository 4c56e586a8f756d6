"""Whether one person sees all that another sees: sums that the one has made are for who could have made them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from core.entities.conditions import Conditions, head, read_filter
from core.entities.shape import Source
from sdk import Entity, Filter, Verb

if TYPE_CHECKING:
    from core.context import Work


def covers(work: Work, other: Work, entity: Entity, names: Sequence[str], filter: Filter) -> bool:
    """Whether each record that another actor finds by a filter, and on which he sees these fields, is one on which the actor sees them, too.

    As rights and records are now. Of a path over links its first field counts. Raises BadRequest for a filter that the other cannot ask.
    """
    mine, theirs = work.reader(entity), other.reader(entity)
    if not mine.grants or not theirs.grants:
        return not theirs.grants
    source = Source(theirs.shape, theirs.scopes)
    looked_at = [head(name, theirs.shape.fields)[0] for name in (*names, *(condition.field for condition in filter))]
    sets = dict.fromkeys([mine.grants, *map(mine.including, looked_at)])
    clauses = [clause for grants in sets if (clause := mine.scopes.clause(entity, source.table, grants, Verb.READ)) is not None]
    if not clauses:
        return True
    forms, given = read_filter(theirs, filter, theirs.asked())
    conditions = Conditions(source, theirs.scopes, other.reader)
    asked = [conditions.made(form, lambda number, _type, at=place: given[f"f{at}_{number}"]) for place, form in enumerate(forms)]  # type: ignore[misc]
    beyond = sa.case((sa.and_(*clauses), 0), else_=1) == 1  # what belongs to nobody is neither owned nor not owned
    query = sa.select(sa.literal(1)).select_from(source.joined()).where(*theirs.reach(source, looked_at), *asked, beyond)
    return work.connection.execute(query.limit(1)).first() is None
