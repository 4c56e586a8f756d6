"""Filters as people read and make them: sentences over the conditions of the API's filter language, and a form that adds one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from plugins.console import asked as asked_
from plugins.console.asked import Asked
from plugins.console.cells import Cell, Titles, titles_of, tone_of
from plugins.console.dates import in_zone
from plugins.console.inputs import Input, Option
from plugins.console.paths import Place, placed
from plugins.console.registry import Kind, kind_at, kind_of, query_of
from plugins.console.views import resolved, state_of
from sdk import SIGNED_IN, BadRequest, Condition, Context, PageRequest, PageRoute, Query, Redirect, Rendering, Text, _, parse_filter
from sdk.fields import (
    AnyRecordField,
    BooleanField,
    ChoiceField,
    Field,
    FlawError,
    KeysField,
    LinkField,
    Money,
    MoneyField,
    NaturalKey,
)
from sdk.filters import parse_pair

EMPTY, FILLED = "empty", "filled"
_AT_ALL: Mapping[str, Text] = {EMPTY: _("{field} is empty"), FILLED: _("{field} is filled in")}
_PLAIN: Mapping[str, Text] = {
    "contains": _("{field} contains"), "eq": _("{field} is"), "in": _("{field} is"), "ne": _("{field} is not"), "alike": _("{field} is like"),
}  # fmt: skip
_NUMBERS: Mapping[str, Text] = {
    "gte": _("{field} at least"), "lte": _("{field} at most"), "gt": _("{field} more than"), "lt": _("{field} less than"), "eq": _("{field} is"),
    "ne": _("{field} is not"), "in": _("{field} is"),
}  # fmt: skip
_DAYS: Mapping[str, Text] = {
    "gte": _("{field} from"), "lte": _("{field} until"), "gt": _("{field} after"), "lt": _("{field} before"), "eq": _("{field} on"),
    "ne": _("{field} not on"), "in": _("{field} on"),
}  # fmt: skip
_KEYS: Mapping[str, Text] = {"in": _("{field} has"), "eq": _("{field} has")}
_INSTANTS = ("gte", "lt")
"""What is asked of an instant by a form: whole days."""
MOST_NAMED = 200
_OF_NUMBERS, _OF_DAYS = frozenset({"integer", "decimal", "percent", "money"}), frozenset({"date", "datetime"})


@dataclass(frozen=True)
class Chip:
    """A filter in force: `lead` is the sentence up to its values ("Stage is"), `href` the list without it, `edit` its form."""

    lead: str
    values: Sequence[Cell]
    href: str
    edit: str


def said(field: Field, operator: str) -> Text:
    """The sentence of an operator, up to the value."""
    if operator in _AT_ALL:
        return _AT_ALL[operator]
    words = _NUMBERS if field.kind in _OF_NUMBERS else _DAYS if field.kind in _OF_DAYS else _KEYS if field.kind == "keys" else _PLAIN
    return words.get(operator, _("{field} is"))


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
    values = [] if operator in _AT_ALL else [_shown(place.kind, field, word, titles) for word in one.values]
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
        return Cell(field.name, label, "text", title or kind.ctx.say(_("a record that you do not see")))
    try:
        value = field.sought(text)
    except FlawError:
        return Cell(field.name, label, "text", text)
    if isinstance(value, Money):
        return Cell(field.name, label, "money", {"amount": str(value.amount), "currency": value.currency})
    if isinstance(value, bool):
        return Cell(field.name, label, "text", kind.ctx.say(_("yes") if value else _("no")))
    if isinstance(value, datetime):
        local = in_zone(value, ZoneInfo(kind.ctx.tenant.timezone))
        return Cell(field.name, label, "date", local.date()) if local.time() == time() else Cell(field.name, label, "datetime", value)
    if isinstance(value, NaturalKey):
        return Cell(field.name, label, "text", value.text)
    return Cell(field.name, label, field.kind if field.kind in (_OF_NUMBERS | _OF_DAYS) else "text", value)


# --- the form ----------------------------------------------------------------------------------------------------------------------


def operators_of(field: Field) -> list[str]:
    """What a form offers for a field, the usual first."""
    if isinstance(field, AnyRecordField):
        wanted: Iterable[str] = ()
    elif isinstance(field, ChoiceField | KeysField):
        wanted = ("in", "ne")
    elif isinstance(field, BooleanField | LinkField):
        wanted = ("eq", "ne")
    elif field.kind == "datetime":
        wanted = _INSTANTS
    elif field.kind in _OF_NUMBERS or field.kind == "date":
        wanted = ("gte", "lte", "eq", "ne", "gt", "lt")
    else:
        wanted = ("contains", "eq", "ne", "alike")
    there = [one for one in wanted if one in field.operators and not (one == "ne" and field.kind in ("keys", "boolean"))]
    return [*there, *([EMPTY, FILLED] if "empty" in field.operators else [])]


def filterable(kind: Kind) -> dict[str, Field]:
    """The fields by which people filter."""
    return {name: field for name, field in kind.fields.items() if name not in ("id", "version") and operators_of(field)}


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
    field = filterable(kind).get(name)
    if field is None or operator not in operators_of(field):
        raise BadRequest(_("expected a field of {entity} and one of its operators"), entity=kind.name)
    pair = _pair(ctx, field, operator, request)
    if pair is None:
        return _form(kind, asked, name, operator, ctx.say(_("Say which value.")), 422)
    wanted = asked.changed(filters=tuple(dict.fromkeys((*asked.filters, pair))))
    try:
        ctx.records(kind.name).query(replace(wanted.query(kind), filter=parse_filter((pair,)), limit=1))
    except BadRequest as refusal:
        return _form(kind, asked, name, operator, ctx.say(refusal.message, refusal.params), refusal.status, pair[1])
    return Redirect(wanted.at(kind))


def _pair(ctx: Context, field: Field, operator: str, request: PageRequest) -> tuple[str, str] | None:
    """What was typed as a pair of the address; None for nothing."""
    if operator in _AT_ALL:
        return (f"{field.name}[empty]", "true" if operator == EMPTY else "false")
    words = [word.strip() for word in request.chosen("value") if word.strip()]
    if isinstance(field, MoneyField):
        amount, currency = request.typed("value__amount").strip(), request.typed("value__currency").strip().upper()
        words = [f"{currency} {amount}".strip()] if amount else []
    if not words:
        return None
    if field.kind == "datetime":
        words = [_start_of(ctx, words[0])]
    if operator == "in":
        return (f"{field.name}[in]", ",".join(words)) if len(words) > 1 else (field.name, words[0])
    return (field.name if operator == "eq" else f"{field.name}[{operator}]", words[0])


def _start_of(ctx: Context, word: str) -> str:
    """The instant at which a day begins where the tenant is; what is no day is left to the door to refuse."""
    try:
        day = datetime.fromisoformat(word)
    except ValueError:
        return word
    return in_zone(day.replace(tzinfo=ZoneInfo(ctx.tenant.timezone)), UTC).isoformat().replace("+00:00", "Z")


def _form(kind: Kind, asked: Asked, name: str, operator: str, problem: str = "", status: int = 200, typed: str = "") -> Rendering:
    fields = filterable(kind)
    field = fields.get(name)
    known = operators_of(field) if field is not None else []
    chosen = operator if operator in known else next(iter(known), "")
    say = kind.ctx.say
    return Rendering(
        "console/filter.html",
        {
            "kind": kind,
            "asked": asked,
            "state": state_of(asked),
            "fields": sorted(((key, say(one.label)) for key, one in fields.items()), key=lambda pair: pair[1].casefold()),
            "name": name if field is not None else "",
            "operators": [(one, say(said(field, one), {"field": ""}).strip()) for one in known] if field is not None else [],
            "operator": chosen,
            "input": _input(kind, field, chosen, problem, typed) if field is not None and chosen not in _AT_ALL else None,
        },
        status,
    )


def _input(kind: Kind, field: Field, operator: str, problem: str, typed: str) -> Input:
    """Where the value is typed; `typed` stands in it, as a condition has it."""
    ctx, words = kind.ctx, typed.split(",")
    bare = Input("value", ctx.say(_("Value")), "text", typed, required=True, problem=problem)
    if isinstance(field, ChoiceField):
        options = tuple(Option(key, ctx.say(word), key in words) for key, word in field.options.items())
        return replace(bare, widget="checks" if operator == "in" else "select", options=options)
    if isinstance(field, KeysField) and field.options:
        return replace(bare, widget="checks", options=tuple(Option(key, key, key in words) for key in field.options))
    if isinstance(field, BooleanField):
        answers = (("true", ctx.say(_("yes"))), ("false", ctx.say(_("no"))))
        return replace(bare, widget="select", options=tuple(Option(key, word, key == typed) for key, word in answers))
    if isinstance(field, MoneyField):
        currency, _space, amount = typed.rpartition(" ")
        return replace(bare, widget="money", value=amount, currency=currency)
    if isinstance(field, LinkField):
        return _picker(kind, field, bare)
    if field.kind in _OF_DAYS:
        return replace(bare, type="date", value=_day_of(ctx, typed))
    return replace(bare, type="number" if field.kind in _OF_NUMBERS else "text")


def _picker(kind: Kind, field: LinkField, bare: Input) -> Input:
    target = kind.target(field)
    if target is None:
        return bare
    titles = titles_of(kind, [{field.name: bare.value}], [field.name]) if _is_id(bare.value) else Titles({})
    return replace(
        bare,
        widget="link",
        title=titles.of(target.name, bare.value) or bare.value,
        pick=target.pick,
    )


def _day_of(ctx: Context, word: str) -> str:
    """The day of an instant where the tenant is; a day, and what is none, as it stands."""
    try:
        found = datetime.fromisoformat(word)
    except ValueError:
        return word
    return (in_zone(found, ZoneInfo(ctx.tenant.timezone)) if found.tzinfo else found).date().isoformat()


PAGES = (PageRoute("filter", path="/{plugin}/{plural}/filter", title=_("Filter"), permission=SIGNED_IN, view=show, submit=add),)
