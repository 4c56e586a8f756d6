"""Reports as pages: the list of the ready-made ones, each of them, and the builder, whose address is the question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from plugins.reports import choices, figures, narrowing, own, ready
from plugins.reports.narrowing import Narrowing, query_of
from plugins.reports.periods import PRESETS
from plugins.reports.query import PERMISSION
from sdk import Context, PageRequest, PageRoute, Redirect, Refusal, Rendering, _
from sdk.context import Row

AT = "/reports"
FILES = ("csv", "xlsx", "pdf", "png", "svg")
PLACES = 3
"""Measures and dimensions that the builder offers at the most; an address may have more."""
_AS_READ = (("headings", ready.LABELS), ("format", ""))
"""How a page asks for files: in its reader's words; which format follows."""
_ADDING = ("_field", "_operator", "_value")


def show_all(ctx: Context, request: PageRequest) -> Rendering:
    """All reports that one may run, by what they are about."""
    groups: dict[str, list[Row]] = {}
    for report in ready.offered(ctx):
        about = ctx.say(ctx.entity(report.entity).plural_label)
        groups.setdefault(about, []).append({"key": report.full_key, "label": ctx.say(report.label), "chart": report.chart})
    return Rendering("reports/list.html", {"groups": groups, "own": own.mine(ctx)})


def show(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """A ready-made report, narrowed by its address."""
    report = ready.find(ctx, request.path["key"])
    path = f"{AT}/reports/{report.full_key}"
    if (further := _added(request, path)) is not None:
        return further
    narrowed = narrowing.of(ctx, request)
    asked = replace(report, where=(*report.where, *narrowed.where))
    found = figures.of(ctx, asked, narrowed.start, narrowed.end)
    api = f"/api/v1{path}{query_of([*narrowed.api, *_AS_READ])}"
    words = [("entity", report.entity), *(("measure", one) for one in report.measures), *(("by", one) for one in report.by)]
    where = ready.conditions(ctx, asked, narrowed.start, narrowed.end)
    builder = f"{AT}/query{query_of([*words, *(('where', one) for one in where), ('chart', report.chart)])}"
    return Rendering(
        "reports/report.html",
        {
            **_tools(ctx, request, report.entity, report.where, path, narrowed), "title": ctx.say(report.label), "found": found,
            "has_period": bool(report.period), "links": _files(ctx, report.entity, api, found), "builder": builder,
        },
    )  # fmt: skip


def build(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Any question; what the address does not say yet is asked for."""
    path = f"{AT}/query"
    if (further := _added(request, path)) is not None:
        return further
    entity = request.asked("entity")
    offered = choices.entities(ctx)
    values: dict[str, object] = {
        "entities": offered,
        "entity": entity,
        "problems": [],
        "found": None,
        "title": "",
        "links": [],
        "chart": "bar",
    }
    if entity not in {one.value for one in offered}:
        return Rendering("reports/builder.html", {**values, "entity": "", "adding": None, "path": path, "chips": [], "hidden": []})
    narrowed = narrowing.of(ctx, request)
    report = own.asked(ctx, request.query)
    values |= {
        **_tools(ctx, request, entity, (), path, narrowed), "chart": report.chart, "title": ctx.say(ctx.entity(entity).plural_label),
        "measures": choices.measures(ctx, entity), "dimensions": choices.dimensions(ctx, entity), "conditions": choices.conditions(ctx, entity),
        "chosen_measures": _places(report.measures), "chosen_by": _places(report.by),
    }  # fmt: skip
    try:
        found = figures.of(ctx, report, None, None)
    except Refusal as refusal:
        said = [ctx.say(refusal.message, refusal.params)]
        return Rendering("reports/builder.html", {**values, "problems": said}, refusal.status)
    asked = [("entity", entity), *(("measure", one) for one in report.measures), *(("by", one) for one in report.by)]
    api = f"/api/v1/reports/query{query_of([*asked, *(('where', one) for one in report.where), ('chart', report.chart), *_AS_READ])}"
    return Rendering("reports/builder.html", {**values, "found": found, "links": _files(ctx, entity, api, found)})


def _places(chosen: Sequence[str]) -> list[str]:
    """What is chosen, and one place more, or as many as there are."""
    return [*chosen, *[""] * (1 if len(chosen) < PLACES else 0)]


def _added(request: PageRequest, path: str) -> Redirect | None:
    """A condition that was typed becomes a word of the address."""
    name, operator, value = (request.asked(one).strip() for one in _ADDING)
    if not name or not operator or (not value and operator != "empty"):
        return None
    clause = f"{name}={value}" if operator == "eq" else f"{name}[{operator}]={value or 'true'}"
    return Redirect(
        f"{request.address.partition('/reports/')[0]}{path}{query_of([*narrowing.without(request, *_ADDING), ('where', clause)])}"
    )


def _tools(ctx: Context, request: PageRequest, entity: str, own_where: Sequence[str], path: str, narrowed: Narrowing) -> dict[str, object]:
    """What narrows a page of numbers, and where its words lead."""
    rest = narrowing.without(request, *narrowing.PERIOD, *_ADDING)
    presets = [{"key": key, "label": ctx.say(label), "href": path + query_of([*rest, ("range", key)])} for key, label in PRESETS.items()]
    return {
        "path": path, "chips": narrowing.chips(ctx, entity, own_where, request, path), "narrowed": narrowed, "presets": presets,
        "everything": path + query_of(rest), "rest": rest, "hidden": narrowing.without(request, *_ADDING),
        "conditions": choices.conditions(ctx, entity), "adding": choices.typed(ctx, entity, request.asked("_field")),
    }  # fmt: skip


def _files(ctx: Context, entity: str, api: str, found: figures.Figures) -> list[Row]:
    """Where the same is found as a file; tables for who may export."""
    shapes = [one for one in FILES if ctx.can(f"{entity}.export") or one not in ready.TABLES]
    return [{"name": one.upper(), "href": api + one} for one in shapes if found.chart is not None or one in ready.TABLES]


PAGES = (
    PageRoute("reports", path="/reports", title=_("Reports"), permission=PERMISSION, view=show_all),
    PageRoute("report", path="/reports/{key}", title=_("Report"), permission=PERMISSION, view=show),
    PageRoute("builder", path="/query", title=_("New report"), permission=PERMISSION, view=build, submit=own.keep),
)
