"""The design system on one page: every part that pages are made of, with what to write for it."""

from __future__ import annotations

from plugins.console.cells import Cell
from plugins.console.finding import parts
from plugins.console.happened import Entry as Happened
from plugins.console.inputs import Input, Option
from plugins.console.registry import PREFIX
from sdk import SIGNED_IN, Context, PageRequest, PageRoute, Panel, Rendering, Slot, _
from sdk.calendars import Entry, View, sheet
from sdk.pages import Drawn

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
TOKENS = ("paper", "sheet", "sunken", "ink", "soft", "line", "edge", "accent", "accent-soft", "good", "good-soft", "warm", "warm-soft", "bad",
          "bad-soft", "info", "info-soft")  # fmt: skip


def show(ctx: Context, request: PageRequest) -> Rendering:
    """Every part once, in the look and the language of who reads."""
    say = ctx.say
    inputs = [
        Input("text", say(_("A line of text")), "text", "Dealwright", required=True),
        Input(
            "wrong", say(_("A field with a problem")), "text", "x", required=False, problem=say(_("Why it was refused, and what to do."))
        ),
        Input(
            "choice",
            say(_("A choice")),
            "select",
            "b",
            required=False,
            options=(Option("a", "A", chosen=False), Option("b", "B", chosen=True)),
        ),
        Input("check", say(_("Yes or no")), "check", "true", required=False),
        Input("amount", say(_("Money")), "money", "1234.50", required=False, currency=ctx.tenant.currency),
        Input("day", say(_("A day")), "text", "2026-05-03", required=False, type="date"),
        Input("tags", say(_("Tags")), "tags", "vip, 2026", required=False),
        Input(
            "link",
            say(_("A linked record")),
            "link",
            "",
            required=False,
            title=say(_("Type to search")),
            pick=f"{PREFIX}/pick/core/users",
            new="#h-fields",
        ),
        Input(
            "several",
            say(_("Several of a few")),
            "checks",
            "",
            required=False,
            options=(Option("a", "A", chosen=True), Option("b", "B", chosen=False)),
        ),
        Input(
            "clauses",
            say(_("Conditions")),
            "conditions",
            "name[contains]=Li",
            required=False,
            new=f"{PREFIX}/core/users/filter",
            options=(Option("name[contains]=Li", f"{say(_('A choice'))}: A", chosen=True),),
        ),
        Input("area", say(_("Multiple lines")), "area", "…", required=False),
    ]
    cells = [
        Cell("a", say(_("Good")), "choice", "won", say(_("Good")), tone="good"),
        Cell("b", say(_("Urgent")), "choice", "due", say(_("Urgent")), tone="warm"),
        Cell("c", say(_("Bad")), "choice", "lost", say(_("Bad")), tone="bad"),
        Cell("d", say(_("Money")), "money", {"amount": "1234.50", "currency": ctx.tenant.currency}),
        Cell("e", say(_("A day")), "date", "2026-05-03"),
        Cell("f", say(_("Percent")), "percent", "12.5"),
        Cell("g", say(_("Yes or no")), "boolean", value=False),
    ]
    inputs.append(
        Input(
            "anyone",
            say(_("A record of any kind")),
            "any_record",
            "",
            required=False,
            options=(Option("core.user", say(_("A linked record")), chosen=True, pick=f"{PREFIX}/pick/core/users"),),
        )
    )
    return Rendering("console/kit.html", {"tokens": TOKENS, "inputs": inputs, "cells": cells, **_whole(ctx)})


def _whole(ctx: Context) -> dict[str, object]:
    """The parts that show several things at once: a calendar, a chart, what was found, a timeline, a part of a plugin that has failed."""
    now, day = ctx.now(), ctx.today()
    week = sheet(View.WEEK, day, ctx.tenant.week_start)
    events = [
        Entry("one", ctx.say(_("Good")), "#h-calendar", day, day, "10:00", "good"),
        Entry("two", ctx.say(_("Bad")), "#h-calendar", day, day, tone="bad"),
    ]
    bars = [{"x": word, "y": number} for word, number in zip("ABC", (3, 5, 2), strict=True)]
    axes = {name: {"field": name, "type": kind, "title": None} for name, kind in (("x", "nominal"), ("y", "quantitative"))}
    part = Panel("kit", slot=Slot.PANEL, label=_("A part"), permission=SIGNED_IN, view=_nothing)
    told = (("check", _("Good")), ("flag", _("Urgent")))
    return {
        "week": week,
        "days": week.days(events, day),
        "today": day,
        "chart_": {"$schema": SCHEMA, "data": {"values": bars}, "mark": "bar", "encoding": axes},
        "found": parts("Dealwright", [(0, 4)]),
        "happened": [Happened(now.isoformat(), icon, ctx.say(word), "Dealwright", "", "", "", "#h-timeline") for icon, word in told],
        "failed": Drawn(part, "", broken=True, called=ctx.say(part.label)),
        "refused": Drawn(part, "", refusal=ctx.say(_("Why it was refused, and what to do."))),
    }


def _nothing(_ctx: Context, _about: object) -> None:
    return None


PAGES = (PageRoute("kit", path="/kit", title=_("Component kit"), permission=SIGNED_IN, view=show),)
