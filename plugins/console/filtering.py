"""Filters as people read and make them: sentences over the conditions of the API's filter language, and a form that adds one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from zoneinfo import ZoneInfo

from plugins.console import asked as asked_
from plugins.console.asked import Asked
from plugins.console.cells import Cell, Titles, drawn_as, titles_of, tone_of
from plugins.console.paths import Place, placed
from plugins.console.registry import Kind, kind_at, kind_of, query_of
from plugins.console.views import resolved, state_of
from sdk import SIGNED_IN, BadRequest, Condition, Context, PageRequest, PageRoute, Query, Redirect, Rendering, _, parse_filter
from sdk.clauses import AT_ALL, EMPTY, FILLED, OF_DAYS, OF_NUMBERS, filterable, in_zone, operators_of, pair_of, said, value_input
from sdk.fields import (
    ChoiceField,
    Field,
    FlawError,
    LinkField,
    Money,
    NaturalKey,
)
from sdk.filters import parse_pair
from sdk.text import in_order

MOST_NAMED = 200


@dataclass(frozen=True)
class Chip:
    """A filter in force: `lead` is the sentence up to its values ("Stage is"), `href` the list without it, `edit` its form."""

    lead: str
    values: Sequence[Cell]
    href: str
    edit: str


def chips(kind: Kind, asked: Asked) -> list[Chip]:
    """The filters in force as sentences; the titles of links by one question for each entity."""
    conditions = [(pair, parse_pair(*pair)) for pair in asked.filters]
    titles = _titles(kind, [one for _pair, one in conditions if one.field in kind.fields])
    places = [(pair, one, placed(kind, one.field)) for pair, one in conditions]
    return [_chip(kind, asked, pair, one, titles, place) for pair, one, place in places if place is not None]


def _titles(kind: Kind, conditions: Sequence[Condition]) -> Titles:
    """What the records are called that conditions name, by id or by what people call them (a key)."""
    rows: list[dict[str, object]] = []
    keys: dict[str, set[str]] = {}
    for one in conditions:
        if isinstance(kind.fields[one.field], LinkField):
            rows += [{one.field: word} for word in one.values if _is_id(word)]
            keys.setdefault(kind.targets[one.field], set()).update(str(word) for word in one.values if not _is_id(word))
    by_id = titles_of(kind, rows, dict.fromkeys(name for row in rows for name in row)).found if rows else {}
    return Titles({**by_id, **_titles_by_key(kind.ctx, keys)})


def _titles_by_key(ctx: Context, keys: Mapping[str, set[str]]) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for name, words in keys.items():
        target = kind_of(ctx, name) if words and ctx.can(f"{name}.read") else None
        for match in target.entity.match_fields if target is not None else ():
            assert target is not None
            if match != target.title and match in target.fields and "in" in target.fields[match].operators:
                asked = Query(filter=(Condition(match, "in", tuple(sorted(words))),), fields=("id", match, target.title), limit=MOST_NAMED)
                found |= {(name, str(row[match])): str(row.get(target.title)) for row in ctx.records(name).query(asked).data}
    return found


def _is_id(word: object) -> bool:
    return isinstance(word, str) and len(word) == 36


def _chip(kind: Kind, asked: Asked, pair: tuple[str, str], one: Condition, titles: Titles, place: Place) -> Chip:
    field, say = place.kind.fields[place.name], kind.ctx.say
    if place.name != one.field:
        titles = _titles(place.kind, [replace(one, field=place.name)])
    rest = asked.changed(filters=tuple(other for other in asked.filters if other != pair))
    operator = one.operator
    if operator == EMPTY:
        operator = EMPTY if str(one.values[0]).lower() == "true" else FILLED
    lead = say(said(field, operator), {"field": place.label})
    values = [] if operator in AT_ALL else [_shown(place.kind, field, word, titles) for word in one.values]
    if place.name != one.field:  # no form has such a field
        return Chip(lead, values, rest.at(kind), asked.at(kind, "/filter"))
    edit = rest.at(kind, "/filter") + query_of([("_field", one.field), ("_op", operator), ("_value", pair[1])]).replace("?", "&")
    return Chip(lead, values, rest.at(kind), edit)


def _shown(kind: Kind, field: Field, word: object, titles: Titles) -> Cell:
    """One value of a condition as people read it; what cannot be read stays as it was written."""
    text, label = str(word), kind.ctx.say(field.label)
    if isinstance(field, ChoiceField):
        option = field.options.get(text)
        return Cell(field.name, label, "text", kind.ctx.say(option) if option else text, tone=tone_of(field, word))
    if isinstance(field, LinkField):
        title = titles.of(kind.targets[field.name], text) or ("" if _is_id(text) else text)
        return Cell(field.name, label, "text", title or kind.ctx.say(_("a record you don’t have access to")))
    try:
        value = field.sought(text)
    except FlawError:
        return Cell(field.name, label, "text", text)
    if isinstance(value, Money):
        return Cell(field.name, label, "money", {"amount": str(value.amount), "currency": value.currency})
    if isinstance(value, bool):
        return Cell(field.name, label, "text", kind.ctx.say(_("yes") if value else _("no")))
    if isinstance(value, datetime):
        local = in_zone(value, ZoneInfo(kind.ctx.zone))
        return Cell(field.name, label, "date", local.date()) if local.time() == time() else Cell(field.name, label, "datetime", value)
    if isinstance(value, NaturalKey):
        return Cell(field.name, label, "text", value.text)
    return Cell(field.name, label, drawn_as(field) if field.kind in (OF_NUMBERS | OF_DAYS) else "text", value)


# --- the form ----------------------------------------------------------------------------------------------------------------------


def show(ctx: Context, request: PageRequest) -> Rendering:
    """The form of one more filter on what the address shows; a script asks for it again when the field is another."""
    kind = kind_at(ctx, request.path["plugin"], request.path["plural"])
    asked, _shelf = resolved(kind, request)
    return _form(kind, asked, request.asked("_field"), request.asked("_op"), typed=request.asked("_value"))


def add(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """The list with the filter of the form; a value that does not fit is told at its field."""
    kind = kind_at(ctx, request.path["plugin"], request.path["plural"])
    asked = asked_.of_text(request.typed("state"))
    name, operator = request.typed("_field"), request.typed("_op")
    field = filterable(kind.fields).get(name)
    if field is None or operator not in operators_of(field):
        raise BadRequest(_("expected a field of {entity} and one of its operators"), entity=kind.name)
    pair = pair_of(ctx, field, operator, request, entity=kind.name)
    if pair is None:
        return _form(kind, asked, name, operator, ctx.say(_("Enter a value.")), 422)
    wanted = asked.changed(filters=tuple(dict.fromkeys((*asked.filters, pair))))
    try:
        ctx.records(kind.name).query(replace(wanted.query(kind), filter=parse_filter((pair,)), limit=1))
    except BadRequest as refusal:
        return _form(kind, asked, name, operator, ctx.say(refusal.message, refusal.params), refusal.status, pair[1])
    return Redirect(wanted.at(kind))


def _form(kind: Kind, asked: Asked, name: str, operator: str, problem: str = "", status: int = 200, typed: str = "") -> Rendering:
    fields = filterable(kind.fields)
    field = fields.get(name)
    known = operators_of(field) if field is not None else []
    chosen = operator if operator in known else next(iter(known), "")
    ctx, say = kind.ctx, kind.ctx.say
    return Rendering(
        "console/filter.html",
        {
            "kind": kind,
            "asked": asked,
            "state": state_of(asked),
            "fields": sorted(((key, say(one.label)) for key, one in fields.items()), key=lambda pair: in_order(pair[1])),
            "name": name if field is not None else "",
            "operators": [(one, say(said(field, one), {"field": ""}).strip()) for one in known] if field is not None else [],
            "operator": chosen,
            "input": value_input(ctx, kind.name, field, chosen, typed, problem=problem)
            if field is not None and chosen not in AT_ALL
            else None,
        },
        status,
    )


PAGES = (PageRoute("filter", path="/{plugin}/{plural}/filter", title=_("Filter"), permission=SIGNED_IN, view=show, submit=add),)
