"""Renewed contracts: a successor that starts the day after, of the same length, and a deal about it."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import date, timedelta
from uuid import UUID

from plugins.orders.process import found, today
from plugins.orders.tables import state_of
from sdk import Condition, Conflict, Context, Draft, Query, _, where
from sdk.context import Row, id_of

CONTRACT, DEAL, ACT, JOB = "orders.contract", "pipeline.deal", "renew", "renew_contract"
PART = 500
_DAY = timedelta(days=1)
_KEPT = ("name", "account", "contact", "owner", "value", "renewal", "terms")


def renew(ctx: Context, id: UUID, *, by_itself: bool = False) -> Row:
    """The successor of a contract; asking again answers the same one. Raises NotFound, Conflict.

    By hand it is a draft with a deal that somebody has to win; a contract that renews itself goes on in force without one.
    """
    with ctx.transaction(write=True):
        ctx.lock(f"{CONTRACT}:{id}")
        contract = found(ctx, CONTRACT, id)
        if isinstance(there := contract["successor"], UUID):
            _refuse_gone(ctx, there)
            return found(ctx, CONTRACT, there)
        if contract["state"] not in ("active", "ended"):
            text = _("the contract is {state}; only an active or ended contract can be renewed")
            raise Conflict(text, code="contract_not_in_force", state=state_of(CONTRACT, contract["state"]))
        starts, ends = contract["starts_on"], contract["ends_on"]
        if not isinstance(starts, date) or not isinstance(ends, date):
            raise Conflict(_("the contract has no start or end date, so it can’t be renewed; add both"), code="contract_open_ended")
        values = {name: contract[name] for name in _KEPT if contract[name] is not None}
        values |= {"predecessor": id, "state": "active" if by_itself else "draft", **term_after(starts, ends)}
        if not by_itself and (deal := _deal(ctx, contract, ends)) is not None:
            values["deal"] = deal
        made = ctx.records(CONTRACT).create(values, act=ACT)
        ctx.records(CONTRACT).update(id, {"successor": made["id"]}, act=ACT)
        return made


def _refuse_gone(ctx: Context, successor: UUID) -> None:
    """Two contracts would follow it if one came back. Raises Conflict."""
    gone = ctx.as_system().records(CONTRACT).find(where(id=successor), 1, deleted=True)
    if not gone:
        return
    seen = ctx.records(CONTRACT).find(where(id=successor), 1, deleted=True) if ctx.can(f"{CONTRACT}.read") else []
    number = str(seen[0].get("number") or "") if seen else ""
    text = _("contract {number}, which renews this one, is in the recycle bin: restore it, or delete it permanently first")
    if not number:
        text = _("a contract that renews this one is in the recycle bin, and you don’t have access to it: ask an administrator")
    raise Conflict(text, code="renewal_deleted", number=number)


def term_after(starts: date, ends: date) -> dict[str, object]:
    """The term that follows: from the day after, as many whole months where the old one has such, else as many days.

    Raises Conflict where the calendar ends (year 9999).
    """
    try:
        first = ends + _DAY
        months = (first.year - starts.year) * 12 + first.month - starts.month
        whole = months > 0 and added(starts, months) == first
        return {"starts_on": first, "ends_on": added(first, months) - _DAY if whole else first + (ends - starts)}
    except (OverflowError, ValueError) as failure:
        raise Conflict(_("the next contract would end after the last possible date"), code="no_such_date") from failure


def added(day: date, months: int) -> date:
    """The same day some months later; the last of a month where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _deal(ctx: Context, contract: Row, ends: date) -> UUID | None:
    """A deal to be won by the end of the old contract, where there are deals."""
    if not ctx.offers(DEAL):
        return None
    given = {name: contract[name] for name in ("account", "contact", "owner") if contract[name] is not None}
    name = ctx.say(_("Renewal: {name}"), {"name": contract["name"]})[:255]
    return id_of(ctx.records(DEAL).create({**given, "name": name, "amount": contract["value"], "close_date": ends, "source": "renewal"}))


def turn_over(ctx: Context) -> None:
    """Each day: contracts whose last day has come are renewed where they renew themselves; those that are past it have ended."""
    contracts, day = ctx.records(CONTRACT), today(ctx)
    over = (Condition("ends_on", "lte", (day,)), *where(state="active"))
    alone = (*over, *where(renewal="automatic"), Condition("successor", "empty", ("true",)))
    cursor: str | None = ""
    while cursor is not None:  # all of them: those that are left would have ended by tomorrow
        page = contracts.query(Query(filter=alone, fields=("id",), limit=PART, cursor=cursor))
        for row in page.data:
            ctx.enqueue(f"orders.{JOB}", {"contract": str(row["id"])})
        cursor = page.next
    past = (Condition("ends_on", "lt", (day,)), *where(state="active"))
    while rows := contracts.find(past, PART):
        contracts.write_all([Draft("update", {"state": "ended"}, id_of(row)) for row in rows])


def renew_job(ctx: Context, arguments: Mapping[str, object]) -> None:
    """One contract that renews itself."""
    renew(ctx, UUID(str(arguments["contract"])), by_itself=True)
