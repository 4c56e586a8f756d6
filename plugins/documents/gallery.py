"""All templates of documents by kind, and the form of a new one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from plugins.documents import sheet, templates
from plugins.documents.copies import DOCUMENT
from plugins.documents.offers import TEMPLATE, specs
from plugins.documents.shelf import (
    CREATE,
    FIELDS,
    READ,
    at,
    file_of,
    language,
    languages,
    name_of,
    shipped_at,
)
from plugins.documents.tables import FORMATS
from sdk import (
    Context,
    DocumentTemplate,
    PageRequest,
    PageRoute,
    Query,
    Redirect,
    Refusal,
    Rendering,
    _,
)
from sdk.context import Row, id_of
from sdk.pages import told

_MOST = 500


@dataclass(frozen=True)
class Line:
    """A template in the list: of the tenant's own, or as it ships."""

    name: str
    href: str
    own: bool
    format: str
    language: str
    standard: bool
    active: bool
    revision: int
    issued: int


def show_all(ctx: Context, _request: PageRequest) -> Rendering:
    """All templates, by the kind of document that they make."""
    found = specs(ctx)
    own = ctx.records(TEMPLATE).query(Query(sort=("name",), fields=FIELDS, limit=_MOST)).data if found else []
    counted = ctx.records(DOCUMENT).aggregate(["count"], ["template", "base", "format", "locale"]) if ctx.can(f"{DOCUMENT}.read") else []
    groups = [
        {
            "key": spec.full_key,
            "label": ctx.say(spec.label),
            "lines": _lines(ctx, spec, [row for row in own if row["base"] == spec.full_key], counted),
        }
        for spec in found
    ]
    return Rendering("documents/templates.html", {"groups": groups, "may_create": ctx.can(CREATE)})


def _lines(ctx: Context, spec: DocumentTemplate, own: Sequence[Row], counted: Sequence[Row]) -> list[Line]:
    taken = {(row["format"], row["locale"]) for row in own if row["active"] and row["preferred"]}
    mine = [
        Line(str(row["name"]), at(ctx, row["id"]), True, ctx.say(FORMATS[str(row["format"])]), language(ctx, str(row["locale"])),
             bool(row["active"] and row["preferred"]), bool(row["active"]), cast("int", row["revision"] or 1),
             sum(cast("int", one["count"]) for one in counted if str(one["template.id"]) == str(row["id"])))
        for row in own
    ]  # fmt: skip
    ours = [
        Line(ctx.say(_("Built-in")), shipped_at(ctx, spec, file.format, file.locale), False, ctx.say(FORMATS[file.format]),
             language(ctx, file.locale), (file.format, file.locale) not in taken, True, 0,
             sum(cast("int", one["count"]) for one in counted if one["template.id"] is None and
                 (one["base"], one["format"], one["locale"]) == (spec.full_key, file.format, file.locale)))
        for file in spec.sources
    ]  # fmt: skip
    return sorted([*mine, *ours], key=lambda one: (one.language, one.format, not one.standard, one.name))


def ask_new(ctx: Context, request: PageRequest) -> Rendering:
    """The form of an upload."""
    return _new(ctx, request, {"template": request.asked("template")})


def _new(ctx: Context, _request: PageRequest, typed: Mapping[str, Any], refusal: Refusal | None = None) -> Rendering:
    found = specs(ctx)
    wrong = {one.field: ctx.say(one.message, one.params) for one in refusal.problems} if refusal is not None else {}
    ways = [
        {"label": ctx.say(spec.label), "format": ctx.say(FORMATS[file.format]), "language": language(ctx, file.locale),
         "href": shipped_at(ctx, spec, file.format, file.locale)}
        for spec in found for file in spec.sources
    ]  # fmt: skip
    spoken = languages(ctx, found[0]) if found else []
    values = {"kinds": [(spec.full_key, ctx.say(spec.label)) for spec in found], "languages": spoken, "typed": {"name": "", "locale": "", **typed},
              "problems": told(ctx, refusal), "wrong": wrong, "ways": ways, "most": templates.MOST_BYTES >> 20}  # fmt: skip
    return Rendering("documents/new.html", values, 200 if refusal is None else refusal.status)


def take_new(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Take an upload."""
    try:
        row = templates.upload(ctx, request.typed("template"), name_of(request), request.typed("locale"), file_of(request))
    except Refusal as refusal:
        return _new(ctx, request, dict(request.form), refusal)
    return Redirect(at(ctx, id_of(row)))


PAGES = (
    PageRoute("templates", path="/templates", title=_("Document templates"), permission=READ, view=show_all),
    PageRoute("template", path="/templates/{id}", title=_("Template"), permission=READ, view=sheet.show, submit=sheet.change, uploads=True),
    PageRoute("new", path="/templates/new", title=_("New template"), permission=CREATE, view=ask_new, submit=take_new, uploads=True),
    PageRoute("shipped", path="/shipped", title=_("Template"), permission=READ, view=sheet.show_shipped, submit=sheet.copy_shipped),
)
