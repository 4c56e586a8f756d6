"""Fields of forms: how a value is typed, and what is typed as the JSON value that the door takes."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import cast
from zoneinfo import ZoneInfo

from plugins.console import measured
from plugins.console.beginning import CURRENCIES, KEY, makes_key, usual_currency
from plugins.console.cells import Cell, Titles, drawn_as, titles_of
from plugins.console.dates import in_zone
from plugins.console.picking import named
from plugins.console.registry import Kind, kind_of, stands_alone
from sdk import Condition, Context, PageRequest, Query, Text, _
from sdk.clauses import sentence
from sdk.context import Row
from sdk.fields import (
    AnyRecordField,
    BooleanField,
    ChoiceField,
    DateTimeField,
    Field,
    KeysField,
    LinkField,
    MoneyField,
    TextField,
    TimezoneField,
)
from sdk.fields.time import timezones
from sdk.forms import Input as Input
from sdk.forms import Option as Option
from sdk.text import in_order

_NUMBERS = frozenset({"integer", "decimal", "percent"})
_TYPES: Mapping[str, str] = {"email": "email", "phone": "tel", "url": "url", "date": "date", "datetime": "datetime-local"}
_AS_TYPED = frozenset({"text", "long_text", "email", "phone", "url", "date", "currency", "color", "choice", "link", "any_record"})
"""Kinds whose JSON value is the text; all others are read as cells of files are."""
_HINTS: Mapping[str, Text] = {
    "duration": _("Minutes, or for example 1h 30m"), "color": _("For example #1a2b3c"), "people": _("Names or email addresses, separated by ;"),
    "options": _("Separate several entries with ;"), "json": _("JSON"),
}  # fmt: skip
CHOOSE = _("No single record matches “{words}”. Choose one of the suggestions.")
_KEYS_HINT = _("Separated by commas")
_MADE = _("Leave empty to derive it from the name.")
_MINE = _("Leave empty to own it yourself.")
_FIRST = _("Choose {field} first.")
_MOST_OPTIONS = 200


@dataclass(frozen=True)
class Group:
    """Fields that one plugin has brought, or the tenant itself."""

    title: str
    inputs: Sequence[Input]


def inputs(kind: Kind, values: Row, problems: Mapping[str, str], theirs: Mapping[str, Cell], *, new: bool = False) -> list[Group]:
    """The form of an entity with these values, in JSON form or as they were typed; the entity's own fields first."""
    made_by_itself = new and makes_key(kind)
    names = [name for name, field in kind.written.items() if isinstance(field, LinkField | AnyRecordField)]
    titles = titles_of(kind, [values], [name for name in names if _is_record(values.get(name))])
    asked = kind.ctx.records(kind.name).asks({name: value for name, value in values.items() if name in kind.fields})
    groups: dict[str, list[Input]] = {}
    for name, field in kind.written.items():
        shown, required = asked.get(name, (True, field.required))
        made = _input(kind, field, values.get(name), titles, problems.get(name, ""))
        if isinstance(field, TextField) and field.names:
            made = _named(kind, field, values, made)
        made = replace(made, shown=shown, required=field.required or required, theirs=theirs.get(name), zone=kind.ctx.zone)
        if name == KEY and made_by_itself:
            made = replace(made, required=False, hint=kind.ctx.say(_MADE))
        if name == "owner" and new and kind.entity.owned:
            made = replace(made, hint=made.hint or kind.ctx.say(_MINE))
        groups.setdefault(name.partition(".")[0] if "." in name else "", []).append(made)
    called = {"": "", "custom": kind.ctx.say(_("Custom fields"))}
    return [Group(called[owner] if owner in called else kind.ctx.called(owner), found) for owner, found in groups.items()]


def inputs_in_a_row(kind: Kind, values: Row, problems: Mapping[str, str]) -> list[Input]:
    """The same without groups, for forms of a few fields."""
    return [one for group in inputs(kind, values, problems, {}) for one in group.inputs]


def inputs_of(kind: Kind, names: Sequence[str], values: Row, problems: Mapping[str, str]) -> list[Input]:
    """Some fields of a kind as a form of their own, whatever its other fields are; none of them is a link."""
    none = titles_of(kind, (), ())
    return [_input(kind, kind.fields[name], values.get(name), none, problems.get(name, "")) for name in names]


def live_fields(kind: Kind) -> list[str]:
    """The fields whose change may show others, ask for others, or tell of a likely duplicate."""
    conditional = bool(kind.ctx.records(kind.name).asks({}))
    return [
        name
        for name, field in kind.written.items()
        if name in kind.entity.alike or field.match or (conditional and field.kind != "long_text")
    ]


def redrawn(kind: Kind) -> list[str]:
    """The field that names an entity, and those whose choices follow from it; none where there are not both."""
    names = {name: field.names for name, field in kind.written.items() if isinstance(field, TextField) and field.names}
    return sorted(names, key=lambda name: names[name] != "entity") if "entity" in names.values() and len(names) > 1 else []


def redraws(kind: Kind) -> list[str]:
    """What the address says of a record that is drawn anew while it is changed: the field that names an entity, and conditions on its records."""
    about = redrawn(kind)[:1]
    return about + [name for name, field in kind.written.items() if about and isinstance(field, TextField) and field.names == "conditions"]


def _named(kind: Kind, field: TextField, values: Row, bare: Input) -> Input:
    """What a text names for the machine, to be chosen in words."""
    about, chosen = redrawn(kind)[:1], str(values.get(field.name) or "")
    entity = str(values.get(about[0]) or "") if about else ""
    known = {option.value: option for option in measured.choices(kind.ctx, field.names, entity)}
    if chosen and chosen not in known and field.names != "conditions":
        known[chosen] = Option(chosen, measured.in_words(kind.ctx, entity, chosen), chosen=True)
    first = "" if entity or field.names == "entity" or not about else kind.ctx.say(_FIRST, {"field": kind.labels[about[0]]})
    if field.names == "conditions":
        return _conditions(kind.ctx, entity, chosen, replace(bare, hint=first))
    return replace(
        bare, widget="select", value=chosen, hint=first, options=tuple(replace(one, chosen=one.value == chosen) for one in known.values())
    )


def _conditions(ctx: Context, entity: str, written: str, bare: Input) -> Input:
    """Conditions of a line each, said in words, with the page where one more is made; without an entity they are lines to type."""
    lines = tuple(dict.fromkeys(line.strip() for line in written.splitlines() if line.strip()))
    if not ctx.offers(entity) or not ctx.can(f"{entity}.read"):
        return replace(bare, widget="conditions", value=written)
    said = tuple(Option(line, sentence(ctx, entity, line), chosen=True) for line in lines)
    return replace(bare, widget="conditions", value="\n".join(lines), options=said, new=f"{kind_of(ctx, entity).path}/filter")


def _is_record(value: object) -> bool:
    return isinstance(value, Mapping) or (value is not None and len(str(value)) == 36)


def _input(kind: Kind, field: Field, value: object, titles: Titles, problem: str) -> Input:
    ctx, name = kind.ctx, field.name
    label = ctx.say(field.label)
    bare = Input(
        name,
        f"{label} (%)" if drawn_as(field) == "percent" else label,
        "text",
        "",
        field.required,
        problem=problem,
        hint=ctx.say(_HINTS[field.kind]) if field.kind in _HINTS else "",
    )

    if isinstance(field, ChoiceField):
        options = tuple(Option(key, ctx.say(word), key == value) for key, word in field.options.items())
        return replace(bare, widget="select", value=str(value or ""), options=options)
    if isinstance(field, BooleanField):
        return replace(bare, widget="check", value="true" if value in (True, "true") else "")
    if isinstance(field, KeysField):
        return _keys(ctx, field, value, bare)
    if isinstance(field, MoneyField):
        money = cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}
        currency = str(money.get("currency") or usual_currency(ctx))
        return replace(bare, widget="money", value=str(money.get("amount") or ""), currency=currency, options=_currencies(ctx, currency))
    if field.kind == "currency":
        options = _currencies(ctx, str(value or ""))
        return replace(bare, widget="select" if options else "text", value=str(value or ""), options=options, longest=3)
    if isinstance(field, TimezoneField):
        zones = sorted(timezones(), key=lambda zone: (zone.partition("/")[0] if "/" in zone else "", zone))
        options = tuple(Option(zone, zone, zone == value, group=zone.partition("/")[0] if "/" in zone else "") for zone in zones)
        return replace(bare, widget="select", value=str(value or ""), options=options)
    if isinstance(field, TextField) and field.of and (options := _known(ctx, field.of, str(value or ""))):
        target = kind_of(ctx, field.of)
        return replace(bare, widget="select", value=str(value or ""), options=options, pick=target.pick, new=_new(target))
    if isinstance(field, LinkField):
        return _link(kind, field, value, titles, replace(bare, value=str(value or "")))
    if isinstance(field, AnyRecordField):
        return _any_record(ctx, value, titles, bare)
    if field.widget in ("textarea", "long_text") or field.kind in ("long_text", "json", "options"):
        text = value if isinstance(value, str) else field.format(value) if value is not None else ""
        return replace(bare, widget="area", value=text, longest=getattr(field, "length", 0))
    if isinstance(field, DateTimeField):
        return replace(bare, value=local(ctx, value), type="datetime-local")
    mode = "number" if field.kind in _NUMBERS else _TYPES.get(field.kind, "text")
    text = field.format(value) if not isinstance(value, str) and value is not None else str(value or "")
    return replace(bare, value=text, type=mode, longest=getattr(field, "length", 0))


def _keys(ctx: Context, field: KeysField, value: object, bare: Input) -> Input:
    """Boxes where it is known which keys there are, else words with commas between them."""
    chosen = [str(one) for one in value] if isinstance(value, list) else []
    known, new, pick = {key: key for key in field.options}, "", ""
    if field.of and ctx.offers(field.of) and ctx.can(f"{field.of}.read"):
        target = kind_of(ctx, field.of)
        if "key" in target.fields:
            rows = ctx.records(field.of).query(Query(fields=("id", "key", target.title), sort=("key",), limit=_MOST_OPTIONS)).data
            known = {str(row["key"]): str(row.get(target.title) or row["key"]) for row in rows}
            new, pick = _new(target), target.pick
    if known or field.of:
        known |= {key: key for key in chosen if key not in known}
        return replace(
            bare, widget="checks", new=new, pick=pick, options=tuple(Option(key, label, key in chosen) for key, label in known.items())
        )
    return replace(bare, widget="tags", value=", ".join(chosen) if isinstance(value, list) else str(value or ""), hint=ctx.say(_KEYS_HINT))


def _known(ctx: Context, entity: str, chosen: str) -> tuple[Option, ...]:
    """The records of an entity by their keys, and what stands there now; none where the actor has it not."""
    if not ctx.offers(entity) or not ctx.can(f"{entity}.read"):
        return ()
    target = kind_of(ctx, entity)
    if not {"key", "active", "position"} <= set(target.fields):
        return ()
    asked = Query(fields=("id", "key", "active", target.title), sort=("position",), limit=_MOST_OPTIONS)
    rows = [row for row in ctx.records(entity).query(asked).data if row["active"] or row["key"] == chosen]
    known = {str(row["key"]): str(row.get(target.title) or row["key"]) for row in rows}
    known |= {chosen: chosen} if chosen and chosen not in known else {}
    return tuple(Option(key, label, key == chosen) for key, label in known.items()) if rows else ()


def _currencies(ctx: Context, chosen: str) -> tuple[Option, ...]:
    """The company's currencies, its own first; none where nobody keeps a list of them."""
    if not ctx.offers(CURRENCIES) or not ctx.can(f"{CURRENCIES}.read"):
        return ()
    kind = kind_of(ctx, CURRENCIES)
    if "code" not in kind.fields:
        return ()
    rows = ctx.records(CURRENCIES).query(Query(fields=("id", "code"), sort=("code",), limit=_MOST_OPTIONS)).data
    codes = dict.fromkeys([ctx.tenant.currency, *(str(row["code"]) for row in rows), *([chosen] if chosen else [])])
    return tuple(Option(code, code, code == chosen) for code in codes)


def _link(kind: Kind, field: LinkField, value: object, titles: Titles, bare: Input) -> Input:
    target = kind.target(field)
    if target is None:
        return bare
    title = titles.of(target.name, value) or str(value or "")
    return replace(
        bare, widget="link", title=title, value=str(value or "") if _is_record(value) else "", pick=target.pick, new=_new(target)
    )


def _new(target: Kind) -> str:
    """Where one more is made, for who may."""
    return f"{target.path}/new" if target.can("create") else ""


def _any_record(ctx: Context, value: object, titles: Titles, bare: Input) -> Input:
    """An entity, and one of its records."""
    entity, _colon, id = (f"{value['entity']}:{value['id']}" if isinstance(value, Mapping) else str(value or "")).partition(":")
    kinds = [kind_of(ctx, name) for name in ctx.entities() if stands_alone(ctx.entity(name))]
    options = tuple(Option(one.name, one.label, one.name == entity, one.pick) for one in sorted(kinds, key=lambda one: in_order(one.label)))
    chosen = next((one for one in kinds if one.name == entity), None)
    pick = chosen.pick if chosen else ""
    title = titles.of(entity, id)
    if id and not title and chosen is not None and len(id) == 36:
        rows = ctx.records(entity).query(Query(filter=(Condition("id", "eq", (id,)),), fields=("id", chosen.title), limit=1)).data
        title = str(rows[0].get(chosen.title) or "—") if rows else ""
    return replace(bare, widget="any_record", value=id if _is_record(id) else "", title=title or id, pick=pick, options=options)


# --- what was typed --------------------------------------------------------------------------------------------------


def local(ctx: Context, value: object) -> str:
    """An instant as a `datetime-local` field has it: in the actor's zone, to the minute."""
    if not value:
        return ""
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        return str(value)
    return (in_zone(found, ZoneInfo(ctx.zone)) if found.tzinfo else found).isoformat(timespec="minutes")[:16]


def instant(ctx: Context, word: str) -> str:
    """What a `datetime-local` field gives, which is of the actor's zone, as an instant; anything else is left to the door to refuse.

    Of an hour that comes twice, when clocks are set back, it is the first; one that there is not is as much later.
    """
    try:
        found = datetime.fromisoformat(word)
    except ValueError:
        return word
    aware = found if found.tzinfo else found.replace(tzinfo=ZoneInfo(ctx.zone))
    return in_zone(aware, UTC).isoformat()


def typed(kind: Kind, request: PageRequest) -> dict[str, object]:
    """The values of a form in JSON form: those whose field was in the form. Nothing typed is None."""
    sent = {name for name, _value in request.form}
    return {name: _value(kind, field, request) for name, field in kind.written.items() if _was_there(field, sent)}


def unclear(kind: Kind, values: Row) -> dict[str, str]:
    """What to say at links that name no single record, once the door has refused them: it knows no titles."""
    links = {name: str(values.get(name) or "") for name, field in kind.fields.items() if isinstance(field, LinkField | AnyRecordField)}
    words = {name: word.partition(":")[2] if isinstance(kind.fields[name], AnyRecordField) else word for name, word in links.items()}
    return {name: kind.ctx.say(CHOOSE, {"words": word}) for name, word in words.items() if word and not _is_record(word)}


def _was_there(field: Field, sent: set[str]) -> bool:
    return not sent.isdisjoint({field.name, f"{field.name}__there", f"{field.name}__amount", f"{field.name}__id"})


def _value(kind: Kind, field: Field, request: PageRequest) -> object:
    ctx = kind.ctx
    word = request.typed(field.name).strip()
    if isinstance(field, BooleanField):
        return word == "true"
    if isinstance(field, KeysField):
        chosen = (
            request.chosen(field.name) if request.typed(f"{field.name}__there") else word.replace(";", ",").replace("，", ",").split(",")
        )
        return [key.strip() for key in chosen if key.strip()]
    if isinstance(field, MoneyField):
        amount = _number(request.typed(f"{field.name}__amount").strip())
        return {"amount": amount, "currency": request.typed(f"{field.name}__currency").strip()} if amount else None
    if isinstance(field, AnyRecordField):
        entity, at = request.typed(f"{field.name}__entity"), f"{field.name}__id"
        id = request.typed(at).strip() or word
        if ":" in id:
            return id
        id = id or _chosen(kind_of(ctx, entity) if entity in ctx.entities() else None, request.typed(f"{at}__typed").strip())
        return f"{entity}:{id}" if id else None
    if isinstance(field, LinkField):
        return word or _chosen(kind.target(field), request.typed(f"{field.name}__typed").strip()) or None
    if not word:
        return None
    if isinstance(field, DateTimeField):
        return instant(ctx, word)
    if field.kind in _AS_TYPED:
        return request.typed(field.name) if field.kind == "long_text" else word
    read = field.read([_number(word) if field.kind in _NUMBERS else word])
    return word if read.flaws else _plain(read.values[0])


def _chosen(target: Kind | None, words: str) -> str:
    """The record that was typed and not chosen, where only one is called so; else the words, which the door refuses rather than drops."""
    return (named(target, words) if target is not None and words else "") or words


def _plain(value: object) -> object:
    """A value that was read, as JSON has it."""
    return value if value is None or isinstance(value, bool | int | str | list | dict) else str(value)


def _number(word: str) -> str:
    """1,234.5, １２３４ and 12 % as numbers are written elsewhere; what is none of these is left as it is, for the door to refuse."""
    plain = unicodedata.normalize("NFKC", word).replace(" ", "").replace("\u00a0", "").removesuffix("%")
    whole, dot, rest = plain.partition(".")
    groups = whole.lstrip("+-").split(",")
    grouped = len(groups) > 1 and all(len(one) == 3 for one in groups[1:]) and 1 <= len(groups[0]) <= 3
    bare = whole.replace(",", "") + dot + rest if grouped else plain
    return bare if bare.lstrip("+-").replace(".", "", 1).isdecimal() else word
