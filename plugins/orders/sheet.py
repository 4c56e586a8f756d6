"""The lines of a document as one sheet: what they would come to, and all of them written at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID, uuid4

from plugins.orders import invoices, lines
from plugins.orders.amounts import Amounts, summed
from plugins.orders.lines import KINDS, MOST, Kind
from plugins.orders.process import found
from sdk import Batch, Change, Condition, Context, Draft, Invalid, Problem, Query, Refusal, Stale, _, where
from sdk.context import Row, id_of
from sdk.fields import Field, FlawError, Money, NaturalKey

FIELDS = ("product", "description", "quantity", "unit_price", "discount", "tax_rate")
"""What of a line is written by people; the rest is its place and what it comes to."""
MOST_LINES = 500
PRODUCT = "catalog.product"
_GUESSES, _LONGEST_SEARCH = 20, 200
"""So many products that are not named to the letter are searched for."""
SHEETS: Mapping[str, str] = {"quotes": "orders.quote_line", "orders": "orders.order_line", "invoices": "orders.invoice_line"}
"""The lines of each document, by the word in its address."""
type_versions: TypeAlias = "Mapping[UUID, int]"


@dataclass(frozen=True)
class Line:
    """A line as it is wanted: `values` as Python values, those left out stay as they are; without an id it is a new one."""

    values: Row
    id: UUID | None = None
    version: int | None = None


@dataclass(frozen=True)
class Priced:
    """What a line would be: all its values, and what is wrong with it."""

    values: Row
    problems: Sequence[Problem] = ()


@dataclass(frozen=True)
class Sheet:
    """What all lines would come to, in the currency of the document."""

    lines: Sequence[Priced]
    sum: Amounts
    currency: str
    refusal: Refusal | None = field(default=None)
    """Why none of them could be written."""


def kept(ctx: Context, entity: str, id: UUID) -> list[Row]:
    """The lines of a document in their order, as far as the actor sees them."""
    rows = ctx.records(entity).find(where(**{KINDS[entity].link: id}), MOST)
    return sorted(rows, key=lambda row: (row.get("position") is None, row.get("position") or 0))


# --- what they would come to -----------------------------------------------------------------------------------------


def price(ctx: Context, entity: str, id: UUID, wanted: Sequence[Line]) -> Sheet:
    """What the document would be with these lines and no others, by the rules that write them; writes nothing. Raises NotFound, Invalid."""
    kind = KINDS[entity]
    with ctx.transaction(write=True):  # the rules hold the document, so that nobody moves its sum meanwhile
        document = found(ctx, kind.document, id)
        there = {id_of(row): row for row in kept(ctx.as_system(), entity, id)}
        _check_ids(wanted, there)
        changes = [_change(ctx, kind, id, line, there) for line in wanted]
        gone = [Change(key, "delete", row, {}) for key, row in there.items() if key not in {line.id for line in wanted}]
        batch = Batch(entity, [*gone, *changes])
        _refuse_unseen(ctx, changes)
        for change in changes:
            if change.after("quantity") is None:
                change.refuse("quantity", "required", _("is required"))
        documents = lines.price_lines(ctx, batch)
        if entity == "orders.invoice_line":
            invoices.keep_within_order(ctx, batch)
    closed = next((change.conflict for change in batch.changes if change.conflict), None)
    priced = [Priced({**(change.before or {}), **change.values}, tuple(change.problems)) for change in changes]
    standing = summed([one.values for one in priced if not one.problems and "net" in one.values])
    return Sheet(priced, standing, str(documents.get(id, document)["currency"]), Invalid.of(*closed) if closed else None)


def _refuse_unseen(ctx: Context, changes: Sequence[Change]) -> None:
    """As the door does: what a product costs is nothing to learn for who does not see it, but from a line that has it already."""
    asked = {id for change in changes if change.changes("product") and isinstance(id := change.after("product"), UUID)}
    seen = ctx.records(PRODUCT).values(asked).keys() if asked and ctx.can(f"{PRODUCT}.read") else set()
    for change in changes:
        if change.changes("product") and (id := change.after("product")) in asked and id not in seen:
            change.refuse("product", "no_such_record", _("product {name!r} does not exist"), name=str(id))


def _change(ctx: Context, kind: Kind, id: UUID, line: Line, there: Mapping[UUID, Row]) -> Change:
    values = {name: _own(ctx, value) for name, value in line.values.items()}
    if line.id is None:
        return Change(uuid4(), "create", None, {**dict.fromkeys(FIELDS), **values, kind.link: id})
    return Change(line.id, "update", there[line.id], values)


def _own(ctx: Context, value: object) -> object:
    """An amount that names no currency is in the tenant's own, as it is at the door."""
    return Money(value.amount, value.currency or ctx.tenant.currency) if isinstance(value, Money) else value


def products(ctx: Context, words: Sequence[str]) -> dict[str, Row]:
    """The product that each word means: the one whose number or name it is, else the only one that is for sale and found by it."""
    if not ctx.can(f"{PRODUCT}.read"):
        return {}
    found: dict[str, Row] = {}
    records, asked = ctx.records(PRODUCT), list(dict.fromkeys(words))
    seen = records.fields()
    for name in ("name", "sku"):  # a number goes before a name
        fit = [word for word in asked if name in seen and _fits(seen[name], word)]
        for start in range(0, len(fit), 500):
            among = Condition(name, "in", tuple(fit[start : start + 500]))
            found |= {str(row[name]): row for row in records.find((among,), MOST) if name in row}
    unknown = [
        word for word in asked if word not in found and len(word) <= _LONGEST_SEARCH and "name" in seen and _fits(seen["name"], word)
    ]
    for word in unknown[:_GUESSES]:
        for_sale = Query((Condition("active", "eq", ("true",)),), fields=("id",), q=word, limit=2)
        ids = [row["id"] for row in records.query(for_sale).data]
        if len(ids) == 1:
            found[word] = records.values([UUID(str(ids[0]))])[UUID(str(ids[0]))]
    return found


def _fits(of: Field, word: str) -> bool:
    """Whether it can be a value of the field: what cannot is the name of nothing."""
    try:
        of.sought(word)
    except FlawError:
        return False
    return True


def resolved(ctx: Context, wanted: Sequence[Line]) -> tuple[list[Line], list[Problem]]:
    """The same lines with the ids of the products that they name, and which of them name none."""
    named = {number: value.text for number, line in enumerate(wanted) if isinstance(value := line.values.get("product"), NaturalKey)}
    known, problems, made = products(ctx, list(named.values())), list[Problem](), list(wanted)
    for number, word in named.items():
        product = known.get(word)
        if product is None:
            problems.append(Problem(f"lines.{number}.product", "no_such_record", _("product {name!r} does not exist"), {"name": word}))
        values = {**wanted[number].values, "product": None if product is None else product["id"]}
        made[number] = Line(values, wanted[number].id, wanted[number].version)
    return made, problems


# --- writing ---------------------------------------------------------------------------------------------------------


def replace(ctx: Context, entity: str, id: UUID, wanted: Sequence[Line], version: int | None = None,
            known: type_versions | None = None) -> None:  # fmt: skip
    """Make these the lines of the document, in this order: all of them or none, in one transaction.

    `version` is the one of the document, and `known` are the lines with their versions, that the caller began with. Raises NotFound,
    Stale where either is another now, Conflict for a document that is closed, Invalid with problems at `lines.<number>.<field>`.
    """
    kind = KINDS[entity]
    with ctx.transaction(write=True):
        ctx.lock(f"{kind.document}:{id}")
        document = found(ctx, kind.document, id)
        there = {id_of(row): row for row in kept(ctx, entity, id)}
        now = {key: row["version"] for key, row in there.items()}
        if (version is not None and document["version"] != version) or (known is not None and known != now):
            raise Stale(_("someone else has changed the lines meanwhile; reload them"))
        _check_ids(wanted, there)
        gone = [Draft("delete", {}, key) for key in there if key not in {line.id for line in wanted}]
        drafts = [_draft(kind, id, place, line, there) for place, line in enumerate(wanted, 1)]
        outcomes = ctx.records(entity).write([*gone, *drafts])
        _raise_first([one.refusal for one in outcomes[: len(gone)]], lambda _number: "")
        _raise_first([one.refusal for one in outcomes[len(gone) :]], lambda number: f"lines.{number}.")


def _draft(kind: Kind, id: UUID, place: int, line: Line, there: Mapping[UUID, Row]) -> Draft:
    """What is new of a line: a cell that stays as it is needs no right to change it."""
    values = {**line.values, "position": place}
    if line.id is None:
        return Draft("create", {**{name: value for name, value in values.items() if value is not None}, kind.link: id})
    was = there[line.id]
    return Draft("update", {name: value for name, value in values.items() if was.get(name) != value}, line.id, line.version)


def _check_ids(wanted: Sequence[Line], there: Mapping[UUID, Row]) -> None:
    seen, problems = set[UUID](), list[Problem]()
    for number, line in enumerate(wanted):
        if line.id is not None and line.id not in there:
            problems.append(Problem(f"lines.{number}.id", "no_such_record", _("the document has no line {id}"), {"id": str(line.id)}))
        elif line.id is not None and line.id in seen:
            problems.append(Problem(f"lines.{number}.id", "duplicate", _("is listed twice")))
        seen |= {line.id} if line.id is not None else set()
    if problems:
        raise Invalid(_("some lines can’t be saved"), problems=problems)


def _raise_first(refusals: Sequence[Refusal | None], at: Callable[[int], str]) -> None:
    """What is wrong with which line in one refusal; what is wrong with the document itself before it."""
    problems: list[Problem] = []
    for number, refusal in enumerate(refusals):
        if refusal is not None and not refusal.problems:
            raise refusal
        if refusal is not None:
            problems += [Problem(f"{at(number)}{one.field}", one.code, one.message, one.params) for one in refusal.problems]
    if problems:
        raise Invalid(_("some lines can’t be saved"), problems=problems)
