"""What a tenant says of itself: language, time zone, currency, when its fiscal year and its weeks begin, what happens to duplicates,
from where its people come in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from core.audit import days, entries
from core.entities import journal
from core.events import schedules
from core.identity import ranges
from core.tenancy import duplicates
from core.tenancy.lifecycle import check_settings
from core.tenancy.tables import tenants
from sdk import Batch, Change, Conflict, Forbidden, Invalid, _

if TYPE_CHECKING:
    from core.context import Work

NAME = "core.tenant"
FIELDS = ("locale", "timezone", "currency", "fiscal_year_start", "week_start")
LIMITS = ("rate_limit", "audit_days")
"""What the tenant says of itself and its users need not know at each step."""


def shown(work: Work) -> dict[str, object]:
    """The tenant as its users see it; for how long the audit is kept by its own word, wherever the row has something else."""
    row = work.connection.execute(tenants.select().where(tenants.c.id == work.tenant.id)).one()
    return {**{name: getattr(row, name) for name in ("id", "name", *FIELDS, *LIMITS)}, duplicates.NAME: duplicates.in_force(work),
            ranges.NAME: ranges.shown(row.allowed_addresses), "audit_days": days.said(work).days}  # fmt: skip


def change(work: Work, wish: Mapping[str, object]) -> dict[str, object]:
    """Change some settings; raises Invalid, Conflict where a plugin objects (`validate_changes` on core.tenant), and Forbidden for who may not
    do everything and says from where people come in."""
    keeps = wish.get("audit_days")
    if keeps is not None:
        work.lock(days.LOCK)
    before = shown(work)
    if keeps is not None and keeps == before["audit_days"]:  # which is set again where the row has something else
        before["audit_days"] = days.in_row(work)
    values = {name: value for name, value in wish.items() if name in FIELDS + LIMITS and value is not None and value != before[name]}
    check_settings({**before, **values})
    if (wanted := wish.get(duplicates.NAME)) is not None:
        merged = duplicates.merged(work, cast("duplicates.type_verdicts", wanted))
        values |= {duplicates.NAME: merged} if merged != before[duplicates.NAME] else {}
    if (allowed := cast("list[str] | None", wish.get(ranges.NAME))) is not None and allowed != before[ranges.NAME]:
        if not work.grants.unlimited:
            raise Forbidden(_("only someone who can do everything can change the allowed network addresses"))
        values[ranges.NAME] = ranges.written(allowed, work.came_from)
    if not values:
        return before
    asked = Change(work.tenant.id, "update", before, dict(values))
    work.platform.calls.moment("validate_changes", work.enabled, ctx=work, batch=Batch(NAME, [asked]))
    if asked.conflict is not None:
        raise Conflict.of(*asked.conflict)
    if asked.problems:
        raise Invalid(_("some values are invalid"), problems=asked.problems)
    # Processes drop what they know of the tenant when its access version grows.
    version = tenants.c.access_version + 1
    work.connection.execute(tenants.update().where(tenants.c.id == work.tenant.id).values(**values, access_version=version))
    if "timezone" in values:
        schedules.replan(work.connection, work.tenant.id, work.platform.catalog.schedules.values(), work.now())
    after = {**values, ranges.NAME: ranges.shown(str(values.get(ranges.NAME, "")))}
    entries.note(work, NAME, work.tenant.id, "update", {name: [before[name], after[name]] for name in values})
    journal.tell(work, f"{NAME}.updated", [(work.tenant.id, {"fields": sorted(values)})])
    return {**shown(work), **({"audit_days": keeps} if keeps is not None else {})}  # its entry is written with the transaction
