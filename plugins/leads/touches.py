"""Touches, and which campaign and source came first and last before a deal was closed."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sdk import Batch, Condition, Context, Draft, Event, _
from sdk.context import Row, id_of
from sdk.days import instant

TOUCH, LEAD, DEAL, ACT = "leads.touch", "leads.lead", "pipeline.deal", "attribute"
PART, MOST = 500, 100_000
FOUND = ("leads.first_source", "leads.last_campaign", "leads.last_source")
log = logging.getLogger("dealwright.leads")
LINKS = ("lead", "account", "contact")


def prepare_touches(ctx: Context, batch: Batch) -> None:
    """A touch has its moment, says of whom it is and through what it came."""
    for change in batch.standing():
        if change.after("at") is None:
            change.values["at"] = ctx.now()
        if all(change.after(name) is None for name in LINKS):
            change.refuse("account", "required", _("enter the lead, account or contact that was touched"))
        if change.after("campaign") is None and change.after("source") is None:
            change.refuse("campaign", "required", _("enter the campaign or the source it came through"))
    for change in batch.changes:  # the one it was taken from counts anew, too
        if change.stands and (found := {str(id) for row in (change.before or {}, change.values) for n in LINKS if (id := row.get(n))}):
            batch.emit("leads.touch.recorded", change, {"of": sorted(found)})


def of_leads(ctx: Context, batch: Batch) -> None:
    """A lead that comes through a campaign or a source is a touch, and so is its next campaign."""
    for change in batch.standing():
        source = change.after("source") if change.before is None else None
        campaign = change.values.get("campaign") if change.changes("campaign") else None
        if campaign is not None or source is not None:
            batch.also_create(TOUCH, change, {"lead": change.id, "campaign": campaign, "source": change.after("source"), "at": ctx.now()})


def move_to_customer(ctx: Context, lead: UUID, account: UUID | None, contact: UUID) -> None:
    """What touched a lead has touched the customer that it became."""
    touches = ctx.as_system().records(TOUCH)
    rows = touches.find((Condition("lead", "eq", (lead,)),), MOST)
    drafts = [Draft("update", {"account": account, "contact": contact}, id_of(row)) for row in rows]
    touches.write_all(drafts)


def move_back(ctx: Context, lead: Row) -> None:
    """What touched it before it was converted is the lead's alone again."""
    touches = ctx.as_system().records(TOUCH)
    same = [
        Condition(name, "eq", (id,)) if (id := lead[name]) is not None else Condition(name, "empty", ("true",))
        for name in ("account", "contact")
    ]
    rows = touches.find((Condition("lead", "eq", (lead["id"],)), *same), MOST)
    moved = [row for row in rows if row["created_at"] <= lead["converted_at"]]  # type: ignore[operator]
    touches.write_all([Draft("update", {"account": None, "contact": None}, id_of(row)) for row in moved])


@dataclass(frozen=True)
class Seen:
    """The touches of some leads, accounts and contacts, in order of time."""

    by: dict[UUID, list[Row]]

    @classmethod
    def of(cls, ctx: Context, ids: Iterable[UUID]) -> Seen:
        """Read in one query for each link and 500 of them."""
        wanted, found = sorted(set(ids)), dict[UUID, list[Row]]()
        for link in LINKS:
            for start in range(0, len(wanted), PART):
                for row in ctx.records(TOUCH).find((Condition(link, "in", tuple(wanted[start : start + PART])),), MOST):
                    of = row[link]
                    assert isinstance(of, UUID)
                    found.setdefault(of, []).append(row)
        return cls(found)

    def until(self, deal: Row, end: datetime) -> list[Row]:
        """Those of a deal's lead, account and contact up to a moment, oldest first."""
        named = (deal.get("leads.lead"), deal["account"], deal["contact"])
        rows = {id_of(row): row for id in named if isinstance(id, UUID) for row in self.by.get(id, ())}
        return sorted((row for row in rows.values() if _at(row) < end), key=lambda row: (_at(row), id_of(row)))


def _at(row: Row) -> datetime:
    at = row["at"]
    assert isinstance(at, datetime)
    return at


def after_deals(ctx: Context, events: Sequence[Event]) -> None:
    """New deals, and those that moved to another customer, get what came first and last."""
    system = ctx.as_system()
    attribute(system, list(system.records(DEAL).values({event.record_id for event in events}).values()))


def after_touches(ctx: Context, events: Sequence[Event]) -> None:
    """The deals of whoever was touched get what came first and last anew."""
    system = ctx.as_system()
    ids = sorted({UUID(str(id)) for event in events if isinstance(of := event.payload.get("of"), list) for id in of})
    deals: dict[UUID, Row] = {}
    for link in ("account", "contact", "leads.lead"):
        for start in range(0, len(ids), PART):
            rows = system.records(DEAL).find((Condition(link, "in", tuple(ids[start : start + PART])),), MOST)
            deals |= {id_of(row): row for row in rows}
    attribute(system, list(deals.values()))


def attribute(ctx: Context, deals: Sequence[Row]) -> None:
    """Write first and last campaign and source into deals: of the touches up to the end of their close date, open deals up to now.

    A deal that nobody's touch led to keeps the campaign that somebody gave it.
    """
    ids = {id for deal in deals for id in (deal.get("leads.lead"), deal["account"], deal["contact"]) if isinstance(id, UUID)}
    seen = Seen.of(ctx, ids)
    drafts = []
    for deal in deals:
        if touched := seen.until(deal, _end(ctx, deal)):
            first, last = touched[0], touched[-1]
            values = {"leads.campaign": first["campaign"], "leads.first_source": first["source"],
                      "leads.last_campaign": last["campaign"], "leads.last_source": last["source"]}  # fmt: skip
            drafts.append(Draft("update", values, id_of(deal), act=ACT))
        elif any(deal.get(name) is not None for name in FOUND):  # the touches are gone, and what followed from them
            drafts.append(Draft("update", dict.fromkeys(FOUND), id_of(deal), act=ACT))
    for draft, one in zip(drafts, ctx.records(DEAL).write(drafts), strict=True):
        if one.refusal is not None:  # that keeps none of the others from theirs
            log.warning("deal %s does not say what came first and last: %s", draft.id, one.refusal)


def _end(ctx: Context, deal: Row) -> datetime:
    closed = deal["close_date"]
    if deal["status"] == "open" or not isinstance(closed, date):
        return datetime.max.replace(tzinfo=UTC)
    return instant(closed + timedelta(days=1), ctx.tenant.timezone)
