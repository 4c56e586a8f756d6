"""The fields that the company adds to records of any kind: made, ordered, changed, and taken away after it was said what is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from plugins.console.beginning import key_of
from plugins.console.frame import PINNED, entries
from plugins.console.refusals import by_field
from plugins.console.registry import PREFIX, kind_of, labels_of
from sdk import Condition, Context, PageRequest, PageRoute, Query, Redirect, Refusal, Rendering, Response, _
from sdk.context import Row, id_of
from sdk.fields import ChoiceField
from sdk.text import in_order

NAME = "core.custom_field"
HERE = f"{PREFIX}/admin/fields"
_TEXTS = ("label", "label_zh", "target", "default", "source", "link", "measure", "where", "expression", "result", "shown_if", "required_if")
_FLAGS = ("required", "unique", "indexed", "search", "sensitive", "personal")
_ONCE, _OWN = ("key", "kind"), "custom."
_LASTING = (*_ONCE, "target")
_ALL = (*_ONCE, *_TEXTS, *_FLAGS, "options")


def show_all(ctx: Context, request: PageRequest) -> Rendering:
    """Kinds of records, with how many fields each was given."""
    rows = ctx.records(NAME).find((), 2000)
    counts: dict[str, int] = {}
    for row in rows:
        counts[str(row["entity"])] = counts.get(str(row["entity"]), 0) + 1
    found = [kind_of(ctx, name) for name in ctx.entities()]
    kinds = [(kind, counts.get(kind.name, 0)) for kind in found if kind.entity.parent is None and kind.can("create")]
    kinds.sort(key=lambda pair: (-pair[1], in_order(pair[0].plural_label)))
    daily = {entry.entity for entry in entries(ctx) if entry.entity and entry.section != PINNED}
    first, others = (
        [pair for pair in kinds if (pair[1] > 0 or pair[0].name in daily or pair[0].name.startswith(_OWN)) is wanted]
        for wanted in (True, False)
    )
    return Rendering("console/admin_fields.html", {"kinds": first, "others": others, "here": HERE})


def show(ctx: Context, request: PageRequest) -> Rendering:
    """The fields of one kind of record, and a new one."""
    return _list(ctx, request)


def submit(ctx: Context, request: PageRequest) -> Rendering | Redirect | Response:
    """Make a field, look at one that is being typed, or move one up."""
    entity = request.path["entity"]
    if request.typed("do") == "check":
        return Response(
            ctx.api("POST", "/api/v1/core/custom_fields/checks", {"values": {"entity": entity, **_keyed(ctx, _typed(request))}})
        )
    try:
        if request.typed("do") == "up":
            _move_up(ctx, entity, request.typed("field"))
        else:
            ctx.records(NAME).create({"entity": entity, **_keyed(ctx, _typed(request))})
    except Refusal as refusal:
        return _list(ctx, request, refusal)
    return Redirect(f"{HERE}/{entity}")


def show_one(ctx: Context, request: PageRequest) -> Rendering:
    """A field to be changed."""
    return _one(ctx, request)


def submit_one(ctx: Context, request: PageRequest) -> Rendering | Redirect | Response:
    """Change it, look at a change that is being typed, or take it away."""
    row = ctx.records(NAME).get(request.id())
    values = {name: value for name, value in _typed(request).items() if name not in _LASTING}
    if request.typed("do") == "check":
        return Response(ctx.api("POST", "/api/v1/core/custom_fields/checks", {"id": str(request.id()), "values": values}))
    try:
        if request.typed("do") == "delete":
            ctx.records(NAME).delete(request.id())
        else:
            ctx.records(NAME).update(request.id(), values)
    except Refusal as refusal:
        return _one(ctx, request, refusal)
    return Redirect(f"{HERE}/{row['entity']}")


def _typed(request: PageRequest) -> dict[str, object]:
    """The definition as the door takes it; what was left empty is None."""
    values: dict[str, object] = {name: request.typed(name).strip() or None for name in (*_ONCE, *_TEXTS)}
    values |= {name: request.typed(name) == "true" for name in _FLAGS}
    return {**values, "options": [_option(line) for line in request.typed("options").splitlines() if line.strip()] or None}


def _keyed(ctx: Context, values: dict[str, object]) -> dict[str, object]:
    """The definition with a key made from its label where none was typed."""
    return {**values, "key": values["key"] or key_of(ctx, str(values["label"] or "")) or None}


def _option(line: str) -> object:
    """`gold = Gold / 金牌`; the key alone is its own label."""
    key, _equals, labels = line.partition("=")
    label, _slash, chinese = labels.partition("/")
    made = {"key": key.strip(), "label": label.strip() or key.strip()}
    return {**made, "label_zh": chinese.strip()} if chinese.strip() else made


def _lines(options: object) -> str:
    rows = cast("Sequence[Mapping[str, str]]", options or ())
    return "\n".join(
        f"{one['key']} = {one['label']}" + (f" / {one['label_zh']}" if one.get("label_zh") else "") for one in rows
    )  # fmt: skip


def _ordered(ctx: Context, entity: str) -> list[Row]:
    rows = ctx.records(NAME).find((Condition("entity", "eq", (entity,)),), 200)
    return sorted(rows, key=lambda row: (row["position"] is None, cast("int", row["position"] or 0), str(row["id"])))


def _move_up(ctx: Context, entity: str, id: str) -> None:
    rows = _ordered(ctx, entity)
    at = next((number for number, row in enumerate(rows) if str(row["id"]) == id), 0)
    if at:
        rows[at - 1], rows[at] = rows[at], rows[at - 1]
    for place, row in enumerate(rows, 1):
        if row["position"] != place:
            ctx.records(NAME).update(id_of(row), {"position": place})


def _list(ctx: Context, request: PageRequest, refusal: Refusal | None = None) -> Rendering:
    kind = kind_of(ctx, request.path["entity"])
    values = {"kind": kind, "rows": _ordered(ctx, kind.name), "row": None, "here": f"{HERE}/{kind.name}", "back": HERE,
              **_form(ctx, _typed(request) if refusal is not None else {}, refusal)}  # fmt: skip
    return Rendering("console/admin_entity_fields.html", values, 200 if refusal is None else refusal.status)


def _one(ctx: Context, request: PageRequest, refusal: Refusal | None = None) -> Rendering:
    row = ctx.records(NAME).get(request.id())
    kind = kind_of(ctx, str(row["entity"]))
    there: Mapping[str, object] = {**row, **_typed(request), **{name: row[name] for name in _LASTING}} if refusal is not None else row
    values = {"kind": kind, "row": row, "used": _used(ctx, kind.name, str(row["key"])), "here": f"{HERE}/{kind.name}/{row['id']}",
              "back": f"{HERE}/{kind.name}", **_form(ctx, there, refusal)}  # fmt: skip
    return Rendering("console/admin_field.html", values, 200 if refusal is None else refusal.status)


def _used(ctx: Context, entity: str, key: str) -> int | None:
    """How many records have a value in it; None where that cannot be asked."""
    field = kind_of(ctx, entity).fields.get(f"custom.{key}")
    if field is None or "empty" not in field.operators:
        return None
    page = ctx.records(entity).query(Query(filter=(Condition(f"custom.{key}", "empty", (False,)),), fields=("id",), limit=1, count=True))
    return page.total


def _form(ctx: Context, values: Mapping[str, object], refusal: Refusal | None) -> dict[str, Any]:
    at, others = by_field(ctx, refusal, _ALL)
    labels, fields = labels_of(ctx, NAME, _ALL), ctx.records(NAME).fields()
    choices = {name: {key: ctx.say(label) for key, label in field.options.items()} for name in ("kind", "result")
               if isinstance(field := fields[name], ChoiceField)}  # fmt: skip
    entities = {name: ctx.say(ctx.entity(name).plural_label) for name in ctx.entities()}
    entities |= {
        name: ctx.called(name.partition(".")[0])
        for part in ("target", "source")
        if (name := str(values.get(part) or "")) and name not in entities
    }
    return {
        "typed": {**dict.fromkeys(_ALL, ""), **{name: value for name, value in values.items() if value is not None}, "options": _lines(values.get("options"))},
        "labels": labels, "kinds": choices["kind"], "results": choices["result"],
        "entities": entities, "wrong": at, "problems": others, "flags": _FLAGS,
    }  # fmt: skip


PAGES = (
    PageRoute("fields", path="/admin/fields", title=_("Custom fields"), permission=f"{NAME}.update", view=show_all),
    PageRoute(
        "entity_fields", path="/admin/fields/{entity}", title=_("Custom fields"), permission=f"{NAME}.update", view=show, submit=submit
    ),
    PageRoute(
        "field", path="/admin/fields/{entity}/{id}", title=_("Custom field"), permission=f"{NAME}.update", view=show_one, submit=submit_one
    ),
)
