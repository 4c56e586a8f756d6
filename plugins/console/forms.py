"""Forms: a new record, or a change of one. What is refused comes back with what was typed, and says why at the field."""

from __future__ import annotations

from collections.abc import Mapping

from plugins.console.inputs import inputs, typed
from plugins.console.record import then
from plugins.console.registry import Kind, kind_at
from sdk import SIGNED_IN, Alike, Context, Forbidden, PageRequest, PageRoute, Redirect, Refusal, Rendering, _
from sdk.context import LIKELY_DUPLICATE, Row, id_of


def blank(ctx: Context, request: PageRequest) -> Rendering:
    """The form of a new record; words of the address fill it in (`?account=…`)."""
    kind = _writable(ctx, request, "create")
    given = {name: field.default for name, field in kind.written.items() if field.default is not None}
    given |= {name: value for name, value in request.query if name in kind.written}
    return _form(kind, given, request)


def create(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Take a new record."""
    kind = _writable(ctx, request, "create")
    values = typed(kind, request)
    wanted = {name: value for name, value in values.items() if value not in (None, "", [])}
    try:
        row = ctx.records(kind.name).create(wanted, alike=_alike(request))
    except Refusal as refusal:
        return _form(kind, values, request, refusal=refusal)
    return Redirect(then(request) or kind.at(id_of(row)))


def filled(ctx: Context, request: PageRequest) -> Rendering:
    """The form of a record that is there."""
    kind = _writable(ctx, request, "update")
    row = ctx.records(kind.name).get(request.id())
    return _form(kind, row, request, record=row)


def change(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Take a change: of the fields that differ from what the form began with, unless somebody else has changed the record meanwhile."""
    kind = _writable(ctx, request, "update")
    id, version = request.id(), request.typed("version")
    values, before = typed(kind, request), ctx.records(kind.name).get(id)
    changed = {name: value for name, value in values.items() if not _same(before.get(name), value)}
    try:
        if changed:
            expected = int(version) if version.isascii() and version.isdigit() else None
            ctx.records(kind.name).update(id, changed, expected_version=expected, alike=_alike(request))
    except Refusal as refusal:
        return _form(kind, {**before, **values}, request, record=before, refusal=refusal)
    return Redirect(then(request) or kind.at(id))


def _same(before: object, typed_: object) -> bool:
    """Whether nothing was changed: an empty field and none are the same, and so are 10.50 and 10.5."""
    if before in (None, "", [], False) and typed_ in (None, "", [], False):
        return True
    if isinstance(before, Mapping) and isinstance(typed_, Mapping) and "amount" in typed_:
        return before.get("currency") == typed_["currency"] and str(before.get("amount")) == str(typed_["amount"])
    return before == typed_ or str(before) == str(typed_)


def _writable(ctx: Context, request: PageRequest, verb: str) -> Kind:
    kind = kind_at(ctx, request.path["plugin"], request.path["plural"])
    if not kind.can(verb):
        raise Forbidden(_("you may not {verb} {entity}"), verb=verb, entity=kind.name)
    return kind


def _alike(request: PageRequest) -> Alike:
    return Alike.FORCE if request.typed("force") == "true" else Alike.DEFAULT


def _form(kind: Kind, values: Row, request: PageRequest, *, record: Row | None = None, refusal: Refusal | None = None) -> Rendering:
    ctx = kind.ctx
    by_field: dict[str, str] = {}
    others: list[str] = []
    for one in refusal.problems if refusal is not None else ():
        said = ctx.say(one.message, one.params)
        name = one.field.partition(".")[0] if one.field not in kind.written else one.field
        if name in kind.written:
            by_field[name] = f"{by_field[name]}; {said}" if name in by_field else said
        else:
            others.append(said)
    if refusal is not None and not refusal.problems:
        others.append(ctx.say(refusal.message, refusal.params))
    return Rendering(
        "console/form.html",
        {
            "kind": kind,
            "record": record,
            "title": str(record.get(kind.title) or "") if record is not None else "",
            "inputs": inputs(kind, values, by_field),
            "problems": others,
            "wrong": len(by_field),
            "may_force": refusal is not None and refusal.reason == LIKELY_DUPLICATE and kind.can("force"),
            "then": then(request),
            "back": kind.at(record["id"]) if record is not None else kind.path,
        },
        200 if refusal is None else refusal.status,
    )


PAGES = (
    PageRoute("new", path="/{plugin}/{plural}/new", title=_("New"), permission=SIGNED_IN, view=blank, submit=create),
    PageRoute("edit", path="/{plugin}/{plural}/{id}/edit", title=_("Edit"), permission=SIGNED_IN, view=filled, submit=change),
)
