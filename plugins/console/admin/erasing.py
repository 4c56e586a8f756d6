"""Erasing a person: found, what would go and what stays and why, and then done with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast
from uuid import UUID

from plugins.console.inputs import Input, Option
from plugins.console.registry import PREFIX, kind_of
from sdk import Context, NotFound, PageRequest, PageRoute, Refusal, Rendering, _
from sdk.pages import told

HERE = f"{PREFIX}/admin/erasure"
RIGHT = "core.tenant.update"
_LETTERS = 500
NOTHING: Mapping[str, object] = MappingProxyType({})


def show(ctx: Context, request: PageRequest) -> Rendering:
    """Whom."""
    return _page(ctx, request.asked("person"))


def submit(ctx: Context, request: PageRequest) -> Rendering:
    """Say what would happen, or do it. Also what only looks writes, and undoes it: so a GET cannot ask."""
    if request.typed("do") != "erase":
        name, id = request.typed("person__entity"), request.typed("person__id")
        return _look(ctx, f"{name}:{id}" if name and id else "")
    person, reason = request.typed("person"), request.typed("reason")
    if request.typed("sure") != "true":
        return _look(ctx, person, reason, problem=ctx.say(_("Please confirm that you understand erased data cannot be recovered.")))
    try:
        done = _asked(ctx, person, reason, dry_run=False)
    except Refusal as refusal:
        return _look(ctx, person, reason, refusal)
    return _page(ctx, person, {"report": _words(ctx, done), "done": True})


def _look(ctx: Context, person: str, reason: str = "", refusal: Refusal | None = None, *, problem: str = "") -> Rendering:
    """What would happen, and what was wrong with what was sent."""
    report, wrong = None, refusal
    try:
        report = _words(ctx, _asked(ctx, person, "-", dry_run=True))
    except Refusal as refused:
        wrong = refusal or refused
    problems = [*told(ctx, wrong), *([problem] if problem else [])]
    status = wrong.status if wrong is not None else 422 if problem else 200
    return _page(ctx, person, {"report": report, "problems": problems, "reason": reason}, status)


def _page(ctx: Context, person: str, values: Mapping[str, object] = NOTHING, status: int = 200) -> Rendering:
    plain: dict[str, object] = {"report": None, "done": False, "problems": [], "reason": ""}
    return Rendering("console/admin_erasure.html", {**_values(ctx, person), **plain, **values}, status)


def _asked(ctx: Context, person: str, reason: str, *, dry_run: bool) -> Mapping[str, Any]:
    entity, _colon, id = person.partition(":")
    body = {"record": {"entity": entity, "id": id}, "reason": reason.strip()[:_LETTERS], "dry_run": dry_run}
    return cast("Mapping[str, Any]", ctx.api("POST", "/api/v1/core/erasures", body))


def _values(ctx: Context, person: str) -> dict[str, Any]:
    """The form by which a person is chosen, and what the chosen one is called."""
    kinds = [kind_of(ctx, name) for name in ctx.entities() if ctx.entity(name).person and ctx.can(f"{name}.read")]
    chosen = person.partition(":")[0]
    options = tuple(Option(kind.name, kind.label, kind.name == chosen, kind.pick) for kind in kinds)
    pick = next((one.pick for one in options if one.chosen), options[0].pick if options else "")
    title = _title(ctx, person)
    field = Input("person", ctx.say(_("Person")), "any_record", person.partition(":")[2], True, options=options, pick=pick, title=title)
    return {"field": field, "person": person, "title": title, "here": HERE}


def _title(ctx: Context, person: str) -> str:
    name, _colon, id = person.partition(":")
    try:
        return ctx.records(name).titles([UUID(id)]).get(UUID(id), "") if name and ctx.offers(name) else ""
    except (ValueError, NotFound):
        return ""


def _words(ctx: Context, report: Mapping[str, Any]) -> dict[str, Any]:
    """The report with the labels of entities in the place of their names."""

    def label(name: str) -> str:
        return ctx.say(ctx.entity(name).plural_label) if ctx.offers(name) else name

    rows = {part: [(label(one["entity"]), one["records"]) for one in report[part]] for part in ("erased", "linked", "off")}
    kept = [{**one, "label": label(one["entity"])} for one in report["kept"]]
    return {**report, **rows, "kept": kept}


PAGES = (PageRoute("erasure", path="/admin/erasure", title=_("Erase a person"), permission=RIGHT, view=show, submit=submit),)
