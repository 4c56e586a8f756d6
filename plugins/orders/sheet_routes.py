"""The lines of a document as one sheet over HTTP: what they would come to, and all of them in one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import cast
from uuid import UUID

from marshmallow import Schema, fields, missing, validate

from plugins.orders import sheet
from plugins.orders.lines import KINDS
from plugins.orders.sheet import FIELDS, MOST_LINES, SHEETS, Line, Priced
from plugins.orders.tables import QuoteLine
from sdk import Context, Forbidden, Query, Request, Route, _
from sdk.context import Row
from sdk.fields import Money
from sdk.fields.base import Checked
from sdk.fields.money import money_wire
from sdk.fields.number import exact_text
from sdk.filters import Condition

_CELLS = QuoteLine.__fields__
_MONEY = {"type": ["object", "null"]}


def _may_be_left_out(name: str) -> Checked:
    """A cell in a body, where what is left out is not what is empty."""
    made = _CELLS[name].input(required=False)
    made.load_default = missing
    return made


class WrittenLine(Schema):
    """A line; with the id of one that is there it is that line, and what is left out of it stays as it is."""

    id = fields.UUID(load_default=None, allow_none=True)
    version = fields.Integer(load_default=None, allow_none=True, strict=True)
    product = _may_be_left_out("product")
    description = _may_be_left_out("description")
    quantity = _may_be_left_out("quantity")
    unit_price = _may_be_left_out("unit_price")
    discount = _may_be_left_out("discount")
    tax_rate = _may_be_left_out("tax_rate")


class Lines(Schema):
    """All lines of the document in their order, and the version of the document that they begin with."""

    lines = fields.List(fields.Nested(WrittenLine), required=True, validate=validate.Length(0, MOST_LINES))
    version = fields.Integer(load_default=None, allow_none=True, strict=True)


_SUM = {"net": _MONEY, "tax": _MONEY, "total": _MONEY, "lines": {"type": "array", "items": {"type": "object"}}}
_WRITTEN = {
    "type": "object",
    "properties": {"id": {"type": "string", "format": "uuid"}, "version": {"type": "integer"}, **_SUM},
    "required": ["id", "version", "lines"],
}
_PRICED = {"type": "object", "properties": _SUM, "required": ["lines"]}


def _wanted(request: Request) -> list[Line]:
    given = cast("Sequence[Mapping[str, object]]", request.body["lines"])
    return [
        Line({name: line[name] for name in FIELDS if name in line}, cast("UUID | None", line["id"]), cast("int | None", line["version"]))
        for line in given
    ]


def put(plural: str, ctx: Context, request: Request) -> object:
    """Write all lines of a document, or none."""
    entity, id, version = SHEETS[plural], request.id(), cast("int | None", request.body["version"])
    sheet.replace(ctx, entity, id, _wanted(request), version)
    kind = KINDS[entity]
    document = ctx.records(kind.document).get(id)
    asked = Query(filter=(Condition(kind.link, "eq", (str(id),)),), sort=("position",), limit=MOST_LINES)
    sums = {name: document[name] for name in ("net", "tax", "total") if name in document}
    return {"id": id, "version": document["version"], **sums, "lines": ctx.records(entity).query(asked).data}


def price(plural: str, ctx: Context, request: Request) -> object:
    """What a document would come to; writes nothing."""
    entity = SHEETS[plural]
    wanted, unknown = sheet.resolved(ctx, _wanted(request))
    priced = sheet.price(ctx, entity, request.id(), wanted)
    if priced.refusal is not None:
        raise priced.refusal
    seen = ctx.records(entity).fields()
    if "net" not in seen or "tax" not in seen:
        raise Forbidden(
            _("you don’t have access to the field {field!r}"), code="field_forbidden", field="net" if "net" not in seen else "tax"
        )
    errors = {one.field: one for one in unknown}
    rows = []
    for number, line in enumerate(priced.lines):
        problems = [*([errors[key]] if (key := f"lines.{number}.product") in errors else []), *line.problems]
        told = [{"field": one.field.rpartition(".")[2], "code": one.code, "message": ctx.say(one.message, one.params)} for one in problems]
        rows.append({**_shown(line, seen), "errors": told})
    sums = priced.sum.values(priced.currency)
    return {**{name: _json(value) for name, value in sums.items()}, "lines": rows}


def _shown(line: Priced, seen: Mapping[str, object]) -> Row:
    return {name: _json(line.values.get(name)) for name in (*FIELDS, "net", "tax", "total") if name in seen}


def _json(value: object) -> object:
    if isinstance(value, Money):
        return money_wire(*value)
    return exact_text(value) if isinstance(value, Decimal) else value


def _of(view: Callable[[str, Context, Request], object], plural: str) -> Callable[[Context, Request], object]:
    made = partial(view, plural)
    made.__doc__ = view.__doc__
    return made


ROUTES = tuple(
    route
    for plural, entity in SHEETS.items()
    for route in (
        Route(method="PUT", path=f"/{plural}/{{id}}/lines", view=_of(put, plural), permission=f"{KINDS[entity].document}.update",
              summary=_("Save all lines of a document"), body=Lines, answer=_WRITTEN),
        Route(method="POST", path=f"/{plural}/{{id}}/prices", view=_of(price, plural), permission=f"{KINDS[entity].document}.update",
              summary=_("Price a document’s lines"), body=Lines, answer=_PRICED),
    )
)  # fmt: skip
