"""What belongs to a record: lines that are part of it, and the lists of records that link to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from plugins.console.cells import Cell, cells, course_of
from plugins.console.registry import Kind, kind_of
from sdk import Condition, Query
from sdk.context import Row
from sdk.fields import AnyRecordField, Field, LinkField, MoneyField

FEW = 5
MOST_LINES = 100
_WIDEST = 6
_SUMS = 3
_TELLING = frozenset({"choice", "money", "date"})
"""Kinds of fields that say at a glance how it stands with a record."""
_TOLD_BY_OTHERS = frozenset({"id", "version", "owner", "created_at", "updated_at"})
_CURRENCIES = 3
"""Sums below a column: lines of more currencies have none."""


@dataclass(frozen=True)
class Related:
    """Records of another entity that link to this one: those shown, how many there are, the address of all of them and of a new one."""

    kind: Kind
    link: str
    title: str
    columns: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    total: int
    href: str
    new: str
    sums: Sequence[str | Sequence[dict[str, str]]] = ()

    @property
    def more(self) -> bool:
        """Whether there are more than are shown."""
        return self.total > len(self.rows)


@dataclass(frozen=True)
class _Pointer:
    """An entity and its field that names a record of this one."""

    kind: Kind
    link: str
    field: Field

    @property
    def part(self) -> bool:
        """Whether its records are part of the other's: lines."""
        return isinstance(self.field, LinkField) and self.field.parent

    def value(self, row: Row, target: Kind) -> str:
        """The record as a filter names it."""
        return f"{target.name}:{row['id']}" if isinstance(self.field, AnyRecordField) else str(row["id"])

    @property
    def fills(self) -> bool:
        """Whether the actor may make one that points here."""
        return self.kind.can("create") and self.link in self.kind.written

    def form(self, row: Row, target: Kind) -> str:
        """The address of a form with the link filled in."""
        return f"{self.kind.path}/new?{self.link}={self.value(row, target)}"


def has_lines(kind: Kind) -> bool:
    """Whether a new record is still to be filled with lines, by who makes it."""
    summed = any(isinstance(field, MoneyField) and field.readonly and "." not in name for name, field in kind.fields.items())
    return summed and any(one.part and one.fills for one in _pointers(kind))


def lines(kind: Kind, row: Row) -> list[Related]:
    """The records that are part of this one, with the sums of what they amount to."""
    shown = [_related(one, kind, row, MOST_LINES) for one in _pointers(kind) if one.part]
    return [one for one in shown if one.rows]


def related(kind: Kind, row: Row) -> list[Related]:
    """The lists of what links to a record, the first few of each; those with nothing come last, for who may add to them."""
    shown = [_related(one, kind, row, FEW) for one in _pointers(kind) if not one.part]
    return sorted((one for one in shown if one.rows or one.new), key=lambda one: not one.rows)


@dataclass(frozen=True)
class Addition:
    """A record that can be added to another: what it is called and the address of its form."""

    label: str
    href: str


def additions(kind: Kind, row: Row) -> list[Addition]:
    """What the actor may add to a record, of each entity once: what its own plugin has, then what others have."""
    found: dict[str, tuple[tuple[bool, bool], Addition]] = {}
    for one in _pointers(kind):
        if one.kind.name not in found and one.kind.name != kind.name and one.fills:
            add = Addition(one.kind.label, one.form(row, kind))
            found[one.kind.name] = ((one.kind.entity.plugin != kind.entity.plugin, one.part), add)
    return [add for _other, add in sorted(found.values(), key=lambda pair: pair[0])]


def _pointers(kind: Kind) -> Iterator[_Pointer]:
    """Comments and files say `parent` of whatever they are about: these have places of their own, as have the audit and what is part of
    something else and only about this, such as the runs of a rule."""
    ctx = kind.ctx
    for name in ctx.entities():
        entity = ctx.entity(name)
        if entity.private or (entity.plugin == "core" and kind.entity.plugin != "core"):
            continue
        other: Kind | None = None
        for link, field in ctx.records(name).fields().items():
            if _aims(kind, name, link, field):
                other = other or kind_of(ctx, name)
                yield _Pointer(other, link, field)


def _aims(kind: Kind, entity: str, link: str, field: Field) -> bool:
    """Whether a field of an entity names records of this kind."""
    ctx = kind.ctx
    if isinstance(field, AnyRecordField):
        return not field.parent and ctx.entity(entity).parent is None
    return isinstance(field, LinkField) and link != "owner" and ctx.target(entity, link) == kind.name


def _related(one: _Pointer, kind: Kind, row: Row, most: int) -> Related:
    other, link, ctx = one.kind, one.link, kind.ctx
    value = one.value(row, kind)
    names = _columns(other, one)
    sort = ("position",) if one.part and "position" in other.fields else ("-created_at",) if "created_at" in other.fields else ()
    asked = Query(filter=(Condition(link, "eq", (value,)),), fields=tuple(dict.fromkeys(("id", *names, *course_of(other, names)))),
                  sort=sort, limit=most, count=True)  # fmt: skip
    page = ctx.records(other.name).query(asked)
    total = page.total if page.total is not None else len(page.data)
    if page.data:  # a column of nothing takes the room of those that say something
        names = [name for name in names if any(row.get(name) not in (None, "", []) for row in page.data)] or names[:1]
    names, rows = _without_echo(other.title, names, cells(other, names, page.data))
    heads = [Cell(name, ctx.say(other.fields[name].label), other.fields[name].kind, None) for name in names]
    ways = [name for name, field in other.fields.items() if _aims(kind, other.name, name, field)]
    same = len(ways) > 1 or other.name == kind.name
    title = f"{other.plural_label} · {ctx.say(one.field.label)}" if same else other.plural_label
    return Related(
        other, link, title, heads, rows, total, f"{other.path}?{link}={value}",
        one.form(row, kind) if one.fills else "",
        _sums(other, names, page.data) if one.part and page.next is None and len(page.data) > 1 else (),
    )  # fmt: skip


def _without_echo(title: str, names: list[str], rows: Sequence[Sequence[Cell]]) -> tuple[list[str], Sequence[Sequence[Cell]]]:
    """Without the links that say nothing: of each record what it is called itself, as a line is mostly called like its product, or that
    the other one is called nothing."""

    def echoes(row: Sequence[Cell], number: int) -> bool:
        return row[number].kind == "link" and row[number].text in ("—", *(cell.text for cell in row if cell.name == title))

    kept = [number for number in range(len(names)) if not rows or not all(echoes(row, number) for row in rows)]
    return [names[number] for number in kept], [[row[number] for number in kept] for row in rows]


def _columns(other: Kind, one: _Pointer) -> list[str]:
    if not one.part:
        apart = {*_TOLD_BY_OTHERS, other.title, one.link}
        fit = [name for name, field in other.fields.items() if name not in apart and "." not in name and field.kind != "long_text"]
        telling = [name for name in fit if other.fields[name].kind in _TELLING]
        return [other.title, *[*telling, *(name for name in fit if name not in telling)][: _WIDEST - 2]]
    unseen = {*_TOLD_BY_OTHERS, one.link, "position", "notes"}
    fit = [name for name in other.fields if name not in unseen and "." not in name]
    amounts = [name for name in fit if isinstance(other.fields[name], MoneyField) and other.fields[name].readonly]
    plain = [name for name in fit if name not in amounts]
    # of a net amount, its tax and what they come to the first is enough: the sums stand in the record itself
    return [*plain[:_WIDEST], *(amounts if len(amounts) < _SUMS else amounts[:1])] or [other.title]


def _sums(other: Kind, names: Sequence[str], rows: Sequence[Row]) -> list[str | list[dict[str, str]]]:
    """Below each column of amounts that are worked out, what they come to, by currency; nothing below the others."""
    found: list[str | list[dict[str, str]]] = []
    for name in names:
        field, by_currency = other.fields[name], dict[str, Decimal]()
        if isinstance(field, MoneyField) and field.readonly:
            for value in (row.get(name) for row in rows):
                if isinstance(value, dict):
                    currency = str(value["currency"])
                    by_currency[currency] = by_currency.get(currency, Decimal(0)) + Decimal(str(value["amount"]))
        fits = 0 < len(by_currency) <= _CURRENCIES
        found.append([{"amount": str(sum_), "currency": currency} for currency, sum_ in sorted(by_currency.items())] if fits else "")
    return found if any(found) else []
