"""Conditions as people make and read them: what a field can be asked, how that is said, and how its value is typed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo

from sdk.context import Query
from sdk.errors import Refusal
from sdk.fields import AnyRecordField, BooleanField, ChoiceField, Field, FlawError, IntegerField, KeysField, LinkField, Money, MoneyField
from sdk.filters import Condition, parse_where
from sdk.forms import Input, Option
from sdk.text import Text, _

if TYPE_CHECKING:
    from sdk.context import Context
    from sdk.pages import PageRequest

EMPTY, FILLED = "empty", "filled"
AT_ALL: Mapping[str, Text] = {EMPTY: _("{field} is empty"), FILLED: _("{field} is not empty")}
"""Operators that take no value."""
_PLAIN: Mapping[str, Text] = {
    "contains": _("{field} contains"), "eq": _("{field} is"), "in": _("{field} is"), "ne": _("{field} is not"), "alike": _(
        "{field} resembles"
    ),
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
_ALIKE = 20
"""Records of like names that are looked at for the one that is called so."""
_INSTANTS = ("gte", "lt")
"""What is asked of an instant by a form: whole days."""
_CLAUSE = re.compile(r"(?P<field>[^\[\]=]+)(?:\[(?P<operator>[a-z]+)\])?=(?P<value>.*)\Z", re.DOTALL)
OF_NUMBERS, OF_DAYS = frozenset({"integer", "decimal", "percent", "money"}), frozenset({"date", "datetime"})
"""The kinds of fields that hold a number, and a day."""


def said(field: Field, operator: str) -> Text:
    """The sentence of an operator, up to the value."""
    if operator in AT_ALL:
        return AT_ALL[operator]
    words = _NUMBERS if field.kind in OF_NUMBERS else _DAYS if field.kind in OF_DAYS else _KEYS if field.kind == "keys" else _PLAIN
    return words.get(operator, _("{field} is"))


def operators_of(field: Field) -> list[str]:
    """What a form offers for a field, the usual first; nothing for one that is not asked in a form."""
    if isinstance(field, AnyRecordField):
        wanted: Iterable[str] = ()
    elif isinstance(field, ChoiceField | KeysField):
        wanted = ("in", "ne")
    elif isinstance(field, BooleanField | LinkField):
        wanted = ("eq", "ne")
    elif field.kind == "datetime":
        wanted = _INSTANTS
    elif field.kind in OF_NUMBERS or field.kind == "date":
        wanted = ("gte", "lte", "eq", "ne", "gt", "lt")
    else:
        wanted = ("contains", "eq", "ne", "alike")
    there = [one for one in wanted if one in field.operators and not (one == "ne" and field.kind in ("keys", "boolean"))]
    return [*there, *([EMPTY, FILLED] if "empty" in field.operators else [])]


def filterable(fields: Mapping[str, Field]) -> dict[str, Field]:
    """The fields by which people filter."""
    return {name: field for name, field in fields.items() if name not in ("id", "version") and operators_of(field)}


def pair_of(
    ctx: Context, field: Field, operator: str, request: PageRequest, name: str = "value", *, entity: str = ""
) -> tuple[str, str] | None:
    """What was typed under `name` as a pair of an address (`stage[in]`, `a,b`); None for nothing. With the `entity` of the field, a link may
    be typed without being chosen, too (`record_typed`)."""
    if operator in AT_ALL:
        return (f"{field.name}[empty]", "true" if operator == EMPTY else "false")
    words = [word.strip() for word in request.chosen(name) if word.strip()]
    if isinstance(field, MoneyField):
        amount, currency = request.typed(f"{name}__amount").strip(), request.typed(f"{name}__currency").strip().upper()
        words = [f"{currency} {amount}".strip()] if amount else []
    if isinstance(field, LinkField) and entity and not words:
        words = [word for word in (record_typed(ctx, ctx.target(entity, field.name), request, name),) if word]
    if not words:
        return None
    if field.kind == "datetime":
        words = [_start_of(ctx, words[0])]
    if operator == "in":
        return (f"{field.name}[in]", ",".join(words)) if len(words) > 1 else (field.name, words[0])
    return (field.name if operator == "eq" else f"{field.name}[{operator}]", words[0])


def _start_of(ctx: Context, word: str) -> str:
    """The instant at which a day begins for who filters; what is no day is left to the door to refuse."""
    try:
        day = datetime.fromisoformat(word)
    except ValueError:
        return word
    return in_zone(day.replace(tzinfo=ZoneInfo(ctx.zone)), UTC).isoformat().replace("+00:00", "Z")


def value_input(ctx: Context, entity: str, field: Field, operator: str, typed: str, *, name: str = "value", problem: str = "") -> Input:
    """Where the value of a condition is typed; `typed` stands in it, as a condition has it."""
    words = typed.split(",")
    bare = Input(name, ctx.say(_("Value")), "text", typed, required=True, problem=problem)
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
        if amount.isalpha():  # 1000 CNY
            currency, amount = amount, currency
        return replace(bare, widget="money", value=amount, currency=currency)
    if isinstance(field, LinkField):
        return record_input(ctx, ctx.target(entity, field.name), bare)
    if field.kind in OF_DAYS:
        return replace(bare, type="date", value=_day_of(ctx, typed))
    return replace(bare, type="number" if field.kind in OF_NUMBERS else "text")


def record_input(ctx: Context, entity: str, bare: Input) -> Input:
    """Choosing a record of an entity; who may not read them types its id."""
    if not ctx.offers(entity) or not ctx.can(f"{entity}.read"):
        return bare
    target = ctx.entity(entity)
    return replace(
        bare, widget="link", title=title_of(ctx, entity, bare.value) or bare.value, pick=ctx.page(f"/pick/{target.plugin}/{target.plural}")
    )


def record_typed(ctx: Context, entity: str, request: PageRequest, name: str) -> str:
    """What was chosen in a `record_input`. Of words that were typed and not chosen, the one record that is called so; else the words
    themselves, for the door to refuse rather than for nobody to notice."""
    chosen, words = request.typed(name).strip(), request.typed(f"{name}__typed").strip()
    return chosen or (named(ctx, entity, words) if words else "") or words


def named(ctx: Context, entity: str, words: str) -> str:
    """The id of the one record that is called so, whatever the case of its letters; "" where there is none, or more than one."""
    if not ctx.offers(entity) or not ctx.can(f"{entity}.read"):
        return ""
    title, records = ctx.entity(entity).title, ctx.records(entity)
    field, found = records.fields().get(title), dict[str, str]()
    for operator in ("eq", "contains"):
        if field is not None and operator in field.operators:
            page = records.query(Query(filter=(Condition(title, operator, (words,)),), fields=("id", title), limit=_ALIKE))
            found |= {str(row["id"]): str(row.get(title)) for row in page.data}
    same = [id for id, called in found.items() if called.casefold() == words.casefold()]
    return same[0] if len(same) == 1 else ""


def title_of(ctx: Context, entity: str, id: str) -> str:
    """What a record is called that is named by its id, after another one where it is called by a reference to that; "" for what is no id, and
    for one that the actor does not see."""
    try:
        wanted = UUID(id)
    except ValueError:
        return ""
    if not ctx.offers(entity) or not ctx.can(f"{entity}.read"):
        return ""
    records = ctx.records(entity)
    title = records.titles([wanted]).get(wanted, "")
    if isinstance(records.fields().get(ctx.entity(entity).title), AnyRecordField):  # by its kind: people may type what looks so
        about, _colon, of = title.partition(":")
        return title_of(ctx, about, of) or title
    return title


def _day_of(ctx: Context, word: str) -> str:
    """The day of an instant for who reads; a day, and what is none, as it stands."""
    try:
        found = datetime.fromisoformat(word)
    except ValueError:
        return word
    return (in_zone(found, ZoneInfo(ctx.zone)) if found.tzinfo else found).date().isoformat()


def in_zone(value: datetime, zone: tzinfo) -> datetime:
    """An instant as clocks of a zone have it; the last day that there is has no day after it, wherever one is, and the first none before."""
    try:
        return value.astimezone(zone)
    except OverflowError:
        return value


# --- in words --------------------------------------------------------------------------------------------------------


def taken_apart(clause: str) -> tuple[str, str, str]:
    """A clause such as `stage[in]=a,b` as field, operator of a form, and value, also where it has none yet; what is no clause has no operator."""
    found = _CLAUSE.match(clause)
    if found is None:
        return clause, "", ""
    operator = found["operator"] or "eq"
    if operator == EMPTY:
        return found["field"], EMPTY if found["value"].lower() == "true" else FILLED, ""
    return found["field"], operator, found["value"]


def sentence(ctx: Context, entity: str, clause: str) -> str:
    """A clause of a filter in the reader's words: "Stage is Won or Lost"; what cannot be read stays as it is written."""
    try:
        (one,) = parse_where([clause])
    except (Refusal, ValueError):
        return clause
    place = _placed(ctx, entity, one.field)
    if place is None:
        return clause
    at, field, label = place
    operator = one.operator if one.operator != EMPTY else EMPTY if str(one.values[0]).lower() == "true" else FILLED
    lead = ctx.say(said(field, operator), {"field": label})
    if operator in AT_ALL:
        return lead
    return f"{lead} {ctx.say(_(' or ')).join(shown(ctx, at, field, str(word)) for word in one.values)}"


def _placed(ctx: Context, entity: str, word: str) -> tuple[str, Field, str] | None:
    """The entity, the field and the words at the end of a path of links; None for what the actor does not see."""
    own = ctx.records(entity).fields()
    if word in own:
        return entity, own[word], ctx.say(own[word].label)
    first, _dot, rest = word.partition(".")
    link = own.get(first)
    if not rest or not isinstance(link, LinkField) or not ctx.can(f"{ctx.target(entity, first)}.read"):
        return None
    beyond = _placed(ctx, ctx.target(entity, first), rest)
    return None if beyond is None else (beyond[0], beyond[1], f"{ctx.say(link.label)} › {beyond[2]}")


def shown(ctx: Context, entity: str, field: Field, word: str) -> str:
    """A value as a condition has it, in the reader's words; what cannot be read stays as it is written."""
    if isinstance(field, ChoiceField):
        option = field.options.get(word)
        return ctx.say(option) if option else word
    if isinstance(field, LinkField):
        return title_of(ctx, ctx.target(entity, field.name), word) or word
    if isinstance(field, BooleanField):
        return ctx.say(_("yes")) if word.lower() == "true" else ctx.say(_("no"))
    if field.kind in OF_DAYS:
        return _said_day(ctx, _day_of(ctx, word) if field.kind == "datetime" else word)
    try:
        value = field.sought(word)
    except FlawError:
        return word
    return (
        ctx.written(value) if isinstance(value, Money | Decimal | int) and not (isinstance(field, IntegerField) and field.is_year) else word
    )


def _said_day(ctx: Context, word: str) -> str:
    """A day as the reader writes it; what is none as it stands."""
    try:
        return ctx.written(date.fromisoformat(word))
    except ValueError:
        return word
