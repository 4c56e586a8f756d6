"""Fields of forms: how a value is typed, and what is typed as the JSON value that the door takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast
from zoneinfo import ZoneInfo

from plugins.console.cells import Titles, titles_of
from plugins.console.registry import Kind
from sdk import Context, PageRequest
from sdk.context import Row
from sdk.fields import AnyRecordField, BooleanField, ChoiceField, DateTimeField, Field, IntegerField, KeysField, LinkField, MoneyField

_NUMBERS = frozenset({"integer", "decimal", "percent"})
_TYPES: Mapping[str, str] = {"email": "email", "phone": "tel", "url": "url", "date": "date", "datetime": "datetime-local"}


@dataclass(frozen=True)
class Option:
    """One of several values to choose from."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True)
class Input:
    """One field of a form. `widget` chooses how it is drawn; `value` is what stands in it; `title` is what a chosen record is called."""

    name: str
    label: str
    widget: str
    value: str
    required: bool
    type: str = "text"
    title: str = ""
    pick: str = ""
    new: str = ""
    options: tuple[Option, ...] = ()
    currency: str = ""
    problem: str = ""
    longest: int = 0
    hint: str = ""

    @property
    def wide(self) -> bool:
        """Whether it takes the whole line."""
        return self.widget == "area"


def inputs(kind: Kind, values: Row, problems: Mapping[str, str]) -> list[Input]:
    """The form of an entity with these values, in JSON form or as they were typed."""
    names = [name for name, field in kind.written.items() if isinstance(field, LinkField | AnyRecordField)]
    titles = titles_of(kind, [values], [name for name in names if _is_id(values.get(name))])
    return [_input(kind, field, values.get(name), titles, problems.get(name, "")) for name, field in kind.written.items()]


def _is_id(value: object) -> bool:
    return (value is not None and not isinstance(value, str)) or (isinstance(value, str) and len(value) == 36)


def _input(kind: Kind, field: Field, value: object, titles: Titles, problem: str) -> Input:
    ctx, name = kind.ctx, field.name
    label, required = ctx.say(field.label), field.required

    def made(widget: str, text: str, **more: object) -> Input:
        return Input(name, label, widget, text, required, problem=problem, **more)  # type: ignore[arg-type]

    if isinstance(field, ChoiceField):
        options = tuple(Option(key, ctx.say(word), key == value) for key, word in field.options.items())
        return made("select", str(value or ""), options=options)
    if isinstance(field, BooleanField):
        return made("check", "true" if value in (True, "true") else "")
    if isinstance(field, KeysField) and field.options:
        chosen = cast("list[str]", value) if isinstance(value, list) else []
        return made("checks", "", options=tuple(Option(key, key, key in chosen) for key in field.options))
    if isinstance(field, KeysField):
        return made("text", ", ".join(map(str, value)) if isinstance(value, list) else str(value or ""))
    if isinstance(field, MoneyField):
        money = cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}
        return made("money", str(money.get("amount") or ""), currency=str(money.get("currency") or ctx.tenant.currency))
    if isinstance(field, LinkField):
        return _link(kind, field, value, titles, made("link", str(value or "")))
    if field.widget in ("textarea", "long_text") or field.kind == "long_text":
        return made("area", str(value or ""), longest=getattr(field, "length", 0))
    if isinstance(field, DateTimeField):
        return made("text", _local(ctx, value), type="datetime-local")
    if isinstance(field, AnyRecordField):
        pair = value if isinstance(value, Mapping) else {}
        return made("text", f"{pair['entity']}:{pair['id']}" if pair else str(value or ""))
    mode = "number" if field.kind in _NUMBERS else _TYPES.get(field.kind, "text")
    text = field.format(value) if not isinstance(value, str) and value is not None else str(value or "")
    return made("text", text, type=mode, longest=getattr(field, "length", 0))


def _link(kind: Kind, field: LinkField, value: object, titles: Titles, bare: Input) -> Input:
    target = kind.target(field)
    if target is None:
        return bare
    words = target.path.removeprefix("/console/")
    new = f"{target.path}/new" if target.can("create") else ""
    title = titles.of(target.name, value) or str(value or "")
    return Input(bare.name, bare.label, "link", bare.value, bare.required, title=title, pick=f"/console/pick/{words}", new=new,
                 problem=bare.problem)  # fmt: skip


def _local(ctx: Context, value: object) -> str:
    """An instant as a `datetime-local` field has it: in the tenant's zone, to the minute."""
    if not isinstance(value, str) or not value:
        return ""
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return value
    return (found.astimezone(ZoneInfo(ctx.tenant.timezone)) if found.tzinfo else found).strftime("%Y-%m-%dT%H:%M")


def typed(kind: Kind, request: PageRequest) -> dict[str, object]:
    """The values of a form in JSON form: those whose field was in the form. Nothing typed is None."""
    sent = {name for name, _value in request.form}
    return {name: _value(kind.ctx, field, request) for name, field in kind.written.items() if _was_there(field, sent)}


def _was_there(field: Field, sent: set[str]) -> bool:
    return field.name in sent or f"{field.name}__there" in sent or f"{field.name}__amount" in sent


def _value(ctx: Context, field: Field, request: PageRequest) -> object:
    word = request.typed(field.name).strip()
    if isinstance(field, BooleanField):
        return word == "true"
    if isinstance(field, KeysField):
        if field.options:
            return [key for key in request.chosen(field.name) if key]
        return [key.strip() for key in word.replace(";", ",").split(",") if key.strip()]
    if isinstance(field, MoneyField):
        amount = request.typed(f"{field.name}__amount").strip()
        return {"amount": amount, "currency": request.typed(f"{field.name}__currency").strip()} if amount else None
    if not word:
        return None
    if isinstance(field, IntegerField):
        return int(word) if word.lstrip("-").isascii() and word.lstrip("-").isdigit() else word
    if isinstance(field, DateTimeField):
        return _instant(ctx, word)
    return request.typed(field.name) if field.kind == "long_text" else word


def _instant(ctx: Context, word: str) -> str:
    """What a `datetime-local` field gives, which is of the tenant's zone, as an instant; anything else is left to the door to refuse."""
    try:
        found = datetime.fromisoformat(word)
    except ValueError:
        return word
    aware = found if found.tzinfo else found.replace(tzinfo=ZoneInfo(ctx.tenant.timezone))
    return aware.astimezone(UTC).isoformat()
