"""What a tenant wants to happen where records agree in a field that gives doubles away: refuse, warn, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from core.tenancy.tables import tenants
from sdk import Invalid, Problem, _

if TYPE_CHECKING:
    from core.context import Work

NAME = "duplicates"
BLOCK, WARN, OFF = "block", "warn", "off"
VERDICTS = (BLOCK, WARN, OFF)
type_verdicts = Mapping[str, Mapping[str, str]]


def verdicts(work: Work, entity: str) -> dict[str, str]:
    """What happens by field of one entity; those at which nobody looks are left out."""
    chosen = work.common(f"core.{NAME}", lambda: _chosen(work)).get(entity, {})
    every = {field: chosen.get(field, BLOCK) for field in work.catalog.entities[entity].alike}
    return {field: verdict for field, verdict in every.items() if verdict != OFF}


def in_force(work: Work) -> dict[str, dict[str, str]]:
    """What happens by entity and field, for all that the tenant has; nobody loses a double for want of a choice."""
    chosen, there = _chosen(work), work.catalog.entities
    return {
        name: {field: chosen.get(name, {}).get(field, BLOCK) for field in entity.alike}
        for name, entity in sorted(there.items()) if entity.alike and work.offers(name)
    }  # fmt: skip


def merged(work: Work, wish: type_verdicts) -> dict[str, dict[str, str]]:
    """What is in force with what is wished; what the tenant chose for plugins that are off stays. Raises Invalid."""
    now, problems = in_force(work), list[Problem]()
    for name, fields in wish.items():
        if name not in now:
            text = _("duplicates of {value!r} aren’t detected; expected one of {expected}")
            problems.append(Problem(NAME, "unknown_entity", text, {"value": name[:80], "expected": ", ".join(now)}))
            continue
        for field, verdict in fields.items():
            if field in now[name]:
                now[name][field] = verdict
            else:
                text = _("duplicates aren’t detected by {value!r}; expected one of {expected}")
                problems.append(Problem(NAME, "unknown_field", text, {"value": field[:80], "expected": ", ".join(now[name])}))
    if problems:
        raise Invalid(_("some values are invalid"), problems=problems)
    return {**{name: dict(fields) for name, fields in _chosen(work).items()}, **now}


def _chosen(work: Work) -> type_verdicts:
    query = sa.select(tenants.c[NAME]).where(tenants.c.id == work.tenant.id)
    found: Any = work.connection.execute(query).scalar_one_or_none()
    return found or {}
