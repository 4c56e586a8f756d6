"""What a rule can say of a record: its fields, and those of the records that it links to, as the rule's actor sees them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from sdk import Action, Context, NotFound, Problem, _
from sdk import fields as f
from sdk.context import Row

MASK = "•••"
_SLOT = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_NAME = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)?\Z")


@dataclass(frozen=True, slots=True)
class Word:
    """A value as text: as the API has it, and as people write it."""

    exact: str
    told: str


Words: TypeAlias = "Mapping[str, Word]"
NOTHING, HIDDEN = Word("", ""), Word(MASK, MASK)


@dataclass(frozen=True, slots=True)
class Name:
    """A word of a rule: a field of the record (also one that was added to it), or of the record that a link of it points to."""

    word: str
    field: f.Field
    link: str = ""
    target: str = ""
    """The entity that `link`, or the field itself, points to."""


def name_of(ctx: Context, entity: str, word: str) -> Name | None:
    """What a word means for the actor; None: nothing."""
    first, _dot, second = word.partition(".")
    own = ctx.records(entity).fields()
    if word in own:
        return Name(word, own[word], "", _target(ctx, entity, own[word]))
    if not _NAME.match(word) or first not in own:
        return None
    target = _target(ctx, entity, own[first])
    if not target or not ctx.can(f"{target}.read"):
        return None
    there = ctx.records(target).fields().get(second)
    return None if there is None else Name(word, there, first, _target(ctx, target, there))


def _target(ctx: Context, entity: str, field: f.Field) -> str:
    if not isinstance(field, f.LinkField):
        return ""
    try:
        return ctx.target(entity, field.name)
    except NotFound:
        return ""


def values_of(ctx: Context, names: Sequence[Name], rows: Mapping[UUID, Row], entity: str) -> dict[UUID, dict[str, object]]:
    """The values of names for records that have been read, one query for each link that is followed."""
    found: dict[UUID, dict[str, object]] = {id: {} for id in rows}
    linked = {name.link: ctx.target(entity, name.link) for name in names if name.link}
    there = {link: ctx.records(target).values({i for row in rows.values() if (i := _id(row.get(link)))}) for link, target in linked.items()}
    for id, row in rows.items():
        for name in names:
            if not name.link:
                found[id][name.word] = row.get(name.word)
            else:
                beyond = there[name.link].get(_id(row.get(name.link)) or UUID(int=0), {})
                found[id][name.word] = beyond.get(name.word.partition(".")[2])
    return found


def _id(value: object) -> UUID | None:
    return value if isinstance(value, UUID) else None


# --- text with slots --------------------------------------------------------------------------------------------------


def slots(value: object) -> list[str]:
    """The words in braces anywhere in parameters, in order."""
    if isinstance(value, str):
        return [found.strip() for found in _SLOT.findall(value)]
    inner: Iterable[object] = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [word for one in inner for word in slots(one)]


def filled(action: Action, given: Mapping[str, Any], words: Words) -> dict[str, Any]:
    """The parameters of an action with words in place of the braces, in those that are told to people as they write them; what has no value
    becomes nothing."""
    fields = action.parameters().fields
    told = {field.data_key or name for name, field in fields.items() if field.metadata.get("told")}
    return {name: _filled(one, words, told=name in told) for name, one in given.items()}


def _filled(value: object, words: Words, *, told: bool) -> object:
    if isinstance(value, str):
        return _SLOT.sub(lambda slot: getattr(words.get(slot[1].strip(), NOTHING), "told" if told else "exact"), value)
    if isinstance(value, Mapping):
        return {str(key): _filled(one, words, told=told) for key, one in value.items()}
    return [_filled(one, words, told=told) for one in value] if isinstance(value, list) else value


def unknown_slots(ctx: Context, entity: str, value: object, where: str) -> list[Problem]:
    """A problem for each word in braces that means nothing."""
    text = _("{entity} has no field {field!r}; use {{{{ name }}}} or {{{{ link.name }}}} with field names")
    return [
        Problem(where, "unknown_field", text, {"entity": entity, "field": word[:80]})
        for word in dict.fromkeys(slots(value))
        if name_of(ctx, entity, word) is None
    ]


def words_of(ctx: Context, entity: str, row: Row, wanted: Sequence[str]) -> tuple[dict[str, Word], dict[str, Word]]:
    """The words of one record in the actor's language, and the same with sensitive ones masked."""
    names = [name for word in dict.fromkeys(wanted) if (name := name_of(ctx, entity, word)) is not None]
    id = _id(row["id"]) or UUID(int=0)
    values = values_of(ctx, names, {id: row}, entity)[id]
    words = {name.word: word_of(ctx, name, values[name.word]) for name in names}
    return words, {name.word: HIDDEN if name.field.sensitive and words[name.word].exact else words[name.word] for name in names}


def word_of(ctx: Context, name: Name, value: object) -> Word:
    """A value of the record as text."""
    exact = _said(ctx, name, value)
    return Word(exact, _told(ctx, name.field, value) or exact)


def _said(ctx: Context, name: Name, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, UUID) and name.target:
        return ctx.records(name.target).titles([value]).get(value, "") if ctx.can(f"{name.target}.read") else ""
    if isinstance(name.field, f.ChoiceField):
        return ctx.say(name.field.options.get(str(value), str(value)))
    if isinstance(value, datetime):
        return value.astimezone(ZoneInfo(ctx.tenant.timezone)).isoformat(timespec="seconds")
    if isinstance(value, bool):
        return "true" if value else "false"
    return name.field.format(value)


def _told(ctx: Context, field: f.Field, value: object) -> str:
    """A day, an amount or a number as people write it; "" for anything else, which is written one way alone."""
    if isinstance(value, datetime):
        return ctx.written(value, ctx.tenant.timezone)  # whoever the rule acts for: it goes to anybody
    if isinstance(value, bool):
        return ctx.say(_("yes") if value else _("no"))
    if isinstance(field, f.DecimalField) and field.percent and isinstance(value, Decimal):
        return f"{ctx.written(value)}%"
    year = isinstance(field, f.IntegerField) and field.is_year
    return ctx.written(value) if isinstance(value, date | Decimal | f.Money | int) and not year else ""


_EXAMPLES: dict[str, object] = {
    "boolean": True, "integer": 1, "decimal": "1", "duration": 1,
    "date": "2026-01-01", "datetime": datetime(2026, 1, 1, tzinfo=UTC), "email": "name@company.example",
    "id": UUID(int=7), "link": UUID(int=7), "url": "https://company.example", "phone": "+86 10 1234 5678",
}  # fmt: skip


def example(field: f.Field) -> object:
    """A value that such a field might have, to try a rule out with when it is saved."""
    if isinstance(field, f.MoneyField):
        return f.Money(f.DecimalField(label=field.label).check("1.00"), "CNY")  # type: ignore[arg-type]
    if isinstance(field, f.ChoiceField):
        return next(iter(field.options), "x")
    if isinstance(field, f.KeysField):
        return ["x"]
    if isinstance(field, f.AnyRecordField):
        return f.Reference("core.user", UUID(int=7))
    given = _EXAMPLES.get(field.kind, field.example or "x")
    return field.check(given) if isinstance(field, f.DateField | f.DecimalField) else given


def example_words(ctx: Context, entity: str, wanted: Sequence[str]) -> dict[str, Word]:
    """Words as a record might have them."""
    names = [name for word in wanted if (name := name_of(ctx, entity, word)) is not None]
    return {name.word: Word("x", "x") if name.target else word_of(ctx, name, example(name.field)) for name in names}
