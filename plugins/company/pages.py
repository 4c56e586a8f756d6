"""Pages of the company plugin: currencies with their rates, the logo; and what stands beside a profile and a number sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from plugins.company import logo, numbers, profile, rates
from sdk import Condition, Context, Invalid, PageRequest, PageRoute, Panel, Problem, Query, Redirect, Refusal, Rendering, Slot, _
from sdk.context import Row, id_of
from sdk.pages import told
from sdk.routes import record_id

CURRENCY = "company.currency"
OLD_DAYS = 31
"""A rate that is older is worth a look."""
_SHOWN = 3


def show_money(ctx: Context, request: PageRequest) -> Rendering:
    """What each currency is worth today, since when, and who says so."""
    day = _today(ctx)
    rows = ctx.records(CURRENCY).query(Query(sort=("-active", "code"), limit=200)).data
    values = {
        "rows": [{**row, "rate": _in_force(ctx, str(row["code"]), day)} for row in rows], "own": ctx.tenant.currency, "today": day,
        "may_add": ctx.can(f"{CURRENCY}.create"), "may_rate": ctx.can(f"{rates.NAME}.create"), "old": OLD_DAYS,
    }  # fmt: skip
    return Rendering("company/money.html", values)


def _in_force(ctx: Context, code: str, day: date) -> Mapping[str, object] | None:
    """The rate of today as a row, with its age in days; None where there is none, or nobody may see it."""
    if code == ctx.tenant.currency or not ctx.can(f"{rates.NAME}.read"):
        return None
    mine = (Condition("currency", "eq", (code,)), Condition("on", "lte", (str(day),)))
    for row in ctx.records(rates.NAME).query(Query(mine, sort=("-on",), limit=1)).data:
        return {**row, "age": (day - date.fromisoformat(str(row["on"]))).days}
    return None


def _today(ctx: Context) -> date:
    return ctx.now().astimezone(ZoneInfo(ctx.tenant.timezone)).date()


def show_logo(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """The company's logo."""
    return _logo(ctx, _profile(ctx))


def change_logo(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Take a picture as the logo, or take the logo away."""
    id = record_id(request.typed("profile"))
    try:
        if request.typed("do") == "remove":
            logo.remove(ctx, id)
        elif "file" not in request.files:
            raise Invalid(_("some values are invalid"), problems=[Problem("file", "required", _("choose an image"))])
        else:
            logo.upload(ctx, id, request.files["file"])
    except Refusal as refusal:
        return _logo(ctx, id, refusal)
    return Redirect(ctx.page(f"/company/profiles/{id}"))


def _logo(ctx: Context, id: UUID | None, refusal: Refusal | None = None) -> Rendering | Redirect:
    if id is None:
        return Redirect(ctx.page("/company/profiles"))
    row = ctx.records(profile.NAME).get(id)
    return Rendering("company/logo_page.html", {**_picture(ctx, row), "problems": told(ctx, refusal)}, refusal.status if refusal else 200)


def _profile(ctx: Context) -> UUID | None:
    found = ctx.records(profile.NAME).find((), 1)
    return id_of(found[0]) if found else None


def _picture(ctx: Context, row: Mapping[str, object]) -> dict[str, object]:
    most = {"most": logo.MOST_BYTES >> 20, "least": logo.LEAST_SIDE, "side": logo.MOST_SIDE}
    return {"profile": row, "has": row.get("logo") is not None, "may": ctx.can(f"{profile.NAME}.update"), **most}


def beside_profile(ctx: Context, record: Mapping[str, object]) -> Rendering:
    """The logo as documents show it, and another one in its place."""
    return Rendering("company/logo.html", _picture(ctx, record))


def beside_sequence(ctx: Context, record: Mapping[str, object]) -> Rendering:
    """The numbers that the next documents of today would get."""
    return Rendering("company/next_numbers.html", {"numbers": coming(ctx, record, _today(ctx))})


def coming(ctx: Context, row: Row, on: date) -> Sequence[str]:
    """The next few numbers of a sequence for documents of a day, as they would be given out; nothing is."""
    names = ("pattern", "reset", "next_number", "period")
    if any(name not in row for name in names) or numbers.flaw_of(str(row["pattern"]), str(row["reset"])) is not None:
        return ()
    period, latest = numbers.written(numbers.PERIODS[str(row["reset"])], on, 0), row["period"]
    started = int(str(row["next_number"] or 1))
    if latest is not None and str(latest) < period:
        started = 1
    elif latest is not None and str(latest) > period:
        mine = (Condition("sequence", "eq", (str(row["id"]),)), Condition("period", "eq", (period,)))
        kept = ctx.as_system().records(numbers.COUNTER).find(mine, 1)
        started = int(str(kept[0]["next_number"])) if kept else 1
    return [numbers.written(str(row["pattern"]), on, number) for number in range(started, started + _SHOWN)]


PAGES = (
    PageRoute("money", path="/money", title=_("Currencies and rates"), permission=f"{CURRENCY}.read", view=show_money),
    PageRoute("logo", path="/logo", title=_("Logo"), permission=f"{profile.NAME}.read", view=show_logo, submit=change_logo, uploads=True),
)
PANELS = (
    Panel("logo", slot=Slot.PANEL, label=_("Logo"), permission=f"{profile.NAME}.read", view=beside_profile, entity=profile.NAME, position=1),
    Panel(
        "next_numbers", slot=Slot.PANEL, label=_("The next numbers"), permission=f"{numbers.NAME}.read", view=beside_sequence,
        entity=numbers.NAME, position=1,
    ),
)  # fmt: skip
