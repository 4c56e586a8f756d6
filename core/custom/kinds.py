"""The kinds of custom fields: every field type of the platform, made from a tenant's own definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.custom.color import color
from core.custom.definition import Definition
from core.custom.duration import duration
from sdk import Mapped, Text, _
from sdk import fields as f
from sdk.fields import Field
from sdk.text import Told


@dataclass(frozen=True)
class Kind:
    """How a field of this kind is made, and what of it a tenant may ask for."""

    label: Text
    make: Callable[[Text, Definition], Mapped[Any]]
    words: bool = False
    """Whether `q` can look in it."""
    keyed: bool = False
    """Whether each value has one writing, by which it is unique or found at once."""
    default: bool = True
    options: bool = False
    target: bool = False
    made: tuple[str, ...] = ()
    """The parts of a definition from which it is made as it is read, those that it needs; none: a value of its own stands in the record."""

    numbered: bool = False
    """Whether the platform gives the value when a record is made; the default is what the first one gets."""

    @property
    def stored(self) -> bool:
        """Whether a value of its own stands in the record."""
        return not self.made

    @property
    def written(self) -> bool:
        """Whether people write the value."""
        return self.stored and not self.numbered


def _choice(label: Text, of: Definition) -> Mapped[Any]:
    return f.choice(label, {option["key"]: told(option["label"], option.get("label_zh")) for option in of.options})


def _keys(label: Text, of: Definition) -> Mapped[Any]:
    return f.keys(label, options=tuple(option["key"] for option in of.options))


ROLLED, CALCULATED = ("source", "link", "measure"), ("expression", "result")
KINDS: Mapping[str, Kind] = {
    "text": Kind(_("Single line of text"), lambda label, _of: f.text(label), words=True, keyed=True),
    "long_text": Kind(_("Multiple lines of text"), lambda label, _of: f.long_text(label), words=True),
    "key": Kind(_("Key"), lambda label, _of: f.key(label, match=False), words=True, keyed=True),
    "email": Kind(_("Email"), lambda label, _of: f.email(label, match=False), words=True, keyed=True),
    "phone": Kind(_("Phone"), lambda label, _of: f.phone(label), words=True, keyed=True),
    "url": Kind(_("Web address"), lambda label, _of: f.url(label), words=True, keyed=True),
    "integer": Kind(_("Whole number"), lambda label, _of: f.integer(label), keyed=True),
    "rating": Kind(_("Rating (1 to 5)"), lambda label, _of: f.integer(label, least=1, most=5), keyed=True),
    "duration": Kind(_("Duration"), lambda label, _of: duration(label), keyed=True),
    "auto_number": Kind(_("Automatic number"), lambda label, _of: f.text(label, length=60, readonly=True), words=True, keyed=True,
                        numbered=True),
    "color": Kind(_("Color"), lambda label, _of: color(label), keyed=True),
    "decimal": Kind(_("Decimal number"), lambda label, _of: f.decimal(label), keyed=True),
    "percent": Kind(_("Percent"), lambda label, _of: f.percent(label)),
    "money": Kind(_("Amount of money"), lambda label, _of: f.money(label)),
    "currency": Kind(_("Currency"), lambda label, _of: f.currency(label), keyed=True),
    "boolean": Kind(_("Yes or no"), lambda label, _of: f.boolean(label)),
    "date": Kind(_("Date"), lambda label, _of: f.on(label), keyed=True),
    "datetime": Kind(_("Date and time"), lambda label, _of: f.at(label)),
    "choice": Kind(_("Single choice"), _choice, keyed=True, options=True),
    "keys": Kind(_("Multiple choice"), _keys, options=True),
    "link": Kind(_("Link to a record"), lambda label, of: f.link(label, of.target), keyed=True, default=False, target=True),
    "any_record": Kind(_("Link to any record"), lambda label, _of: f.any_record(label), default=False),
    "roll_up": Kind(_("Rollup (count or sum of other records)"), lambda label, _of: f.integer(label, readonly=True), default=False,
                    made=ROLLED),
    "formula": Kind(_("Formula"), lambda label, _of: f.text(label, readonly=True), default=False, made=CALCULATED),
}  # fmt: skip


def told(label: str, label_zh: str | None) -> Text:
    """A text of the tenant's own."""
    return Told(label, {"zh_CN": label_zh} if label_zh else {})


def bare(definition: Definition) -> Field:
    """The field as its kind makes it, without a name and without what the tenant asks for beyond the kind."""
    kind = KINDS[definition.kind]
    made: Field = kind.make(told(definition.label, definition.label_zh), definition).field
    return replace(made, default=None, search=False)


def field_of(definition: Definition) -> Field:
    """The field that a definition makes; its column is a slot of the JSON document."""
    made = bare(definition)
    default = made.read([definition.default]).values[0] if definition.default and not KINDS[definition.kind].numbered else None
    asked = replace(made, required=definition.required, unique=definition.unique, index=definition.indexed or definition.unique,
                    search=definition.search, sensitive=definition.sensitive, personal=made.personal or definition.personal,
                    track=True, default=default, owner="core")  # fmt: skip
    return asked.bound(definition.name, definition.slot)
