"""The lines of quotes, orders and invoices as a sheet in which one types: the tab on their pages, and what its form sends."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from plugins.orders import own_cells, sheet
from plugins.orders.lines import KINDS
from plugins.orders.sheet import FIELDS, MOST_LINES, PRODUCT, SHEETS, Line, Priced, Sheet
from plugins.orders.tables import QuoteLine
from sdk import (
    SIGNED_IN,
    BadRequest,
    Condition,
    Context,
    PageRequest,
    PageRoute,
    Panel,
    Problem,
    Query,
    Redirect,
    Refusal,
    Rendering,
    Slot,
    Stale,
    _,
)
from sdk.context import Row
from sdk.fields import Field, FlawError, LinkField, Money, MoneyField, exact_text
from sdk.pages import told

_CELLS = QuoteLine.__fields__
_TYPED = ("description", "quantity", "unit_price", "discount", "tax_rate")
"""The cells that hold text; a product is chosen."""
_SENT = ("id", "product", "named", *_TYPED)
_SIGNS = re.compile(r"[¥$€£\s]")
_ACT = re.compile(r"(add|up|down|copy|drop)(?::([0-9]{1,4}))?")
_OFFERED = 12


@dataclass
class Cells:
    """A row of the sheet as it was typed or as it is kept: texts by cell, problems by cell, what the line comes to."""

    id: str = ""
    product: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    priced: Row = field(default_factory=dict)
    item: Row = field(default_factory=dict)
    """The product that was chosen, as far as the reader may see it."""

    @property
    def blank(self) -> bool:
        """Whether nothing is in it: such a row is no line."""
        return not self.product and not any(self.texts.get(name) for name in ("named", "description", "quantity", "unit_price"))


# --- what is shown ---------------------------------------------------------------------------------------------------


def tab(plural: str, ctx: Context, record: Row) -> Rendering:
    """The sheet on the page of its document."""
    return Rendering("orders/sheet.html", _values(ctx, plural, record, _kept(ctx, plural, record)))


def show(plural: str, ctx: Context, request: PageRequest) -> Rendering:
    """The sheet alone."""
    document = ctx.records(KINDS[SHEETS[plural]].document).get(request.id())
    return Rendering("orders/lines.html", _values(ctx, plural, document, _kept(ctx, plural, document)))


def _kept(ctx: Context, plural: str, document: Row) -> list[Cells]:
    own = own_cells.own_fields(ctx, SHEETS[plural])
    rows = [_cells(row) for row in sheet.kept(ctx, SHEETS[plural], _id(document["id"]))]
    titles = own_cells.Titles(ctx, SHEETS[plural], own, [row.priced for row in rows])
    for row in rows:
        row.texts |= {name: own_cells.text(ctx, of, row.priced.get(name), _currency(ctx, document), titles) for name, of in own.items()}
    _name_products(ctx, rows)
    return rows


def _currency(ctx: Context, document: Row) -> str:
    return str(document.get("currency") or ctx.tenant.currency)


def _id(value: object) -> UUID:
    return value if isinstance(value, UUID) else UUID(str(value))


def _cells(row: Row) -> Cells:
    texts = {name: _text(row.get(name)) for name in _TYPED}
    return Cells(str(row["id"]), str(row.get("product") or ""), texts, priced=row)


def _text(value: object) -> str:
    if isinstance(value, Money):
        return exact_text(value.amount, 2)
    return "" if value is None else value if isinstance(value, str) else exact_text(value)  # type: ignore[arg-type]


def _name_products(ctx: Context, rows: Sequence[Cells]) -> None:
    ids = {UUID(row.product) for row in rows if row.product}
    seen = ctx.records(PRODUCT).values(ids) if ids and ctx.can(f"{PRODUCT}.read") else {}
    for row in rows:
        if row.product:
            row.item = seen.get(UUID(row.product), {})
            row.texts["named"] = str(row.item.get("name") or row.item.get("sku") or "")


def _values(ctx: Context, plural: str, document: Row, rows: Sequence[Cells], priced: Sheet | None = None, *, known: str = "",
            problems: Sequence[str] = (), moved: bool = False) -> dict[str, object]:  # fmt: skip
    entity = SHEETS[plural]
    kind, seen, own = KINDS[entity], ctx.records(entity).fields(), own_cells.own_fields(ctx, entity)
    state = ctx.records(kind.document).fields().get("state")
    open_ = document.get("state") in kind.open_states
    may = open_ and ctx.can(f"{kind.document}.update") and len(rows) <= MOST_LINES
    sums: Row = priced.sum.values(priced.currency) if priced is not None else document
    return {
        "plural": plural, "document": document, "back": ctx.page(f"/orders/{plural}/{document['id']}"), "may": may,
        "cells": [*(name for name in FIELDS if name in seen), *own], "kinds": {name: of.kind for name, of in own.items()},
        "offered": own_cells.offered(ctx, own), "picks": own_cells.picks(ctx, entity, own),
        "sums": {name: _wire(sums.get(name)) for name in ("net", "tax", "total") if name in seen},
        "rows": [{**_shown(ctx, row), "cell": row} for row in rows], "fresh": {**_shown(ctx, Cells()), "cell": Cells()},
        "labels": {name: ctx.say(of.label) for name, of in seen.items()},
        "known": known or _known(ctx, entity, _id(document["id"])), "problems": problems, "moved": moved,
        "closed": "" if open_ or state is None else ctx.say(state.options.get(str(document.get("state")), "")),  # type: ignore[attr-defined]
        "currency": _currency(ctx, document),
    }  # fmt: skip


def _shown(ctx: Context, row: Cells) -> dict[str, object]:
    """What stands beside the cells: unit, list price, what the line comes to."""
    price = row.priced.get("unit_price") or row.item.get("price")
    unit = row.item.get("unit") or ""
    return {"unit": unit, "price": _text(price), "net": _wire(row.priced.get("net")), "total": _wire(row.priced.get("total"))}


def _wire(value: object) -> object:
    """An amount for the filter `money`, which the door's JSON form already is."""
    return {"amount": exact_text(value.amount, 2), "currency": value.currency} if isinstance(value, Money) else value


def _known(ctx: Context, entity: str, id: UUID) -> str:
    """The lines as they are, each with its version: what a form begins with."""
    return " ".join(f"{row['id']}:{row['version']}" for row in sheet.kept(ctx, entity, id))


# --- what is typed ---------------------------------------------------------------------------------------------------


def take(plural: str, ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Save the sheet; or, asked so, say what it would come to, or move its rows without a script."""
    entity, id = SHEETS[plural], request.id()
    ctx.require(f"{KINDS[entity].document}.update")
    document = ctx.records(KINDS[entity].document).get(id)
    own = own_cells.own_fields(ctx, entity)
    rows, act = _typed(request, own), request.typed("act") or "save"
    if act not in ("check", "save"):
        rows = _moved(rows, act)
    wanted, lines = _read(ctx, document, rows, own, _links(ctx, entity, id, own))
    wrong = any(row.problems for row in wanted)
    refusal: Refusal | None = None
    if act == "save" and not wrong:
        try:
            sheet.replace(ctx, entity, id, lines, known=_versions(request.typed("known")))
        except Refusal as found:
            refusal = found
        else:
            return Redirect(ctx.page(f"/orders/{plural}/{id}?tab=orders.{plural}"))
    stale = isinstance(refusal, Stale)
    priced = _price(ctx, entity, id, wanted, lines)
    if refusal is not None and refusal.problems:
        _say(ctx, wanted, refusal.problems, {*FIELDS, *own})
    status = 200 if act != "save" else 422 if refusal is None else refusal.status
    about_rows = refusal is not None and any(one.field.startswith("lines.") for one in refusal.problems)
    values = _values(ctx, plural, document, wanted if act == "save" else rows, priced, known="" if stale else request.typed("known"), moved=stale,
                     problems=[] if stale or about_rows else told(ctx, refusal))  # fmt: skip
    return Rendering("orders/lines.html", {**values, "changed": True}, status)


def _typed(request: PageRequest, own: Iterable[str]) -> list[Cells]:
    """The rows of the form. A cell that its sender was not shown is in none of them; else each row has each cell."""
    columns = {name: request.chosen(name) for name in (*_SENT, *own)}
    count = len(columns["id"])
    if any(values and len(values) != count for values in columns.values()) or count > MOST_LINES + 1:
        raise BadRequest(_("the form’s rows don’t all have the same cells, or there are more than {most} rows"), most=MOST_LINES)
    texts = {name: values for name, values in columns.items() if values and name not in ("id", "product")}
    return [
        Cells(_uuid(columns["id"][n]), _uuid(columns["product"][n]) if columns["product"] else "", {name: values[n].strip() for name, values in texts.items()})
        for n in range(count)
    ]  # fmt: skip


def _uuid(word: str) -> str:
    try:
        return str(UUID(word)) if word else ""
    except ValueError:
        raise BadRequest(_("the form refers to a record {id!r} that doesn’t exist"), id=word[:80]) from None


def _versions(known: str) -> dict[UUID, int]:
    try:
        return {UUID(id): int(version) for id, _colon, version in (one.partition(":") for one in known.split())}
    except ValueError:
        raise Stale(_("the form doesn’t say what it started from; reload the page")) from None


def _moved(rows: list[Cells], act: str) -> list[Cells]:
    """The rows with one added, moved, copied or taken away, for who has no script."""
    asked = _ACT.fullmatch(act)
    at = int(asked[2]) if asked is not None and asked[2] else -1
    if asked is None or (asked[1] != "add" and not 0 <= at < len(rows)):
        raise BadRequest(_("a sheet of {count} rows has no action {act!r}"), act=act[:20], count=len(rows))
    if asked[1] == "drop":
        return [*rows[:at], *rows[at + 1 :]]
    if asked[1] == "copy":
        return [*rows[: at + 1], Cells("", rows[at].product, dict(rows[at].texts)), *rows[at + 1 :]]
    if asked[1] == "add":
        return [*rows, Cells()]
    to = max(0, at - 1) if asked[1] == "up" else min(len(rows) - 1, at + 1)
    rows[at], rows[to] = rows[to], rows[at]
    return rows


def _links(ctx: Context, entity: str, id: UUID, own: Mapping[str, Field]) -> Mapping[tuple[str, str], tuple[str, object]]:
    """What the links of the company’s own on the kept lines read and name, by line and field: what stays as it is names the same record, also
    where others are called so or the reader does not see it."""
    links = {name: of for name, of in own.items() if isinstance(of, LinkField)}
    rows = sheet.kept(ctx, entity, id) if links else []
    titles = own_cells.Titles(ctx, entity, links, rows)
    return {(str(row["id"]), name): (titles.of(name, row.get(name)), row.get(name)) for row in rows for name in links}


def _read(ctx: Context, document: Row, rows: Sequence[Cells], own: Mapping[str, Field], links: Mapping[tuple[str, str], tuple[str, object]]
          ) -> tuple[list[Cells], list[Line]]:  # fmt: skip
    """The rows that are lines, and the lines that they mean; what cannot be read is noted at its cell."""
    wanted = [row for row in rows if not row.blank]
    words = [row.texts["named"] for row in wanted if not row.product and row.texts.get("named")]
    named = sheet.products(ctx, words) if words else {}
    lines = []
    for row in wanted:
        word = row.texts.get("named", "")
        if not row.product and word:
            if word in named:
                row.product = str(named[word]["id"])
            else:
                row.problems["product"] = ctx.say(_("product {name!r} does not exist"), {"name": word})
        values: dict[str, object] = {"product": UUID(row.product) if row.product else None} if "named" in row.texts else {}
        for name in _TYPED:
            if name in row.texts:
                values[name] = _value(ctx, row, name, _currency(ctx, document))
        for name, of in own.items():
            if name in row.texts:
                text, linked = links.get((row.id, name), ("", None))
                same = linked is not None and row.texts[name] == text
                values[name] = linked if same else _own_value(ctx, row, name, of, _currency(ctx, document))
        lines.append(Line(values, UUID(row.id) if row.id else None))
    _name_products(ctx, wanted)
    return wanted, lines


def _value(ctx: Context, row: Cells, name: str, currency: str) -> object:
    of, word = _CELLS[name], row.texts[name]
    if not word:
        return None
    try:
        if name == "description":
            return of.read_cell(word, {})
        plain = unicodedata.normalize("NFKC", word).removesuffix("%")
        value = of.read_cell(_SIGNS.sub("", plain), {})
        if isinstance(of, MoneyField) and isinstance(value, Money):
            return of.check(Money(value.amount, value.currency or currency))
    except FlawError as flaw:
        row.problems[name] = ctx.say(flaw.message, flaw.params)
        return None
    return value


def _own_value(ctx: Context, row: Cells, name: str, of: Field, currency: str) -> object:
    try:
        return own_cells.value(ctx, of, row.texts[name], currency) if row.texts[name] else None
    except FlawError as flaw:
        row.problems[name] = ctx.say(flaw.message, flaw.params)
        return None


def _price(ctx: Context, entity: str, id: UUID, wanted: Sequence[Cells], lines: Sequence[Line]) -> Sheet | None:
    """What the lines come to, noted beside them; None where that cannot be said because the document has other lines by now."""
    there = {str(row["id"]) for row in sheet.kept(ctx, entity, id)}
    known = [Line(line.values, line.id if str(line.id) in there else None) for line in lines]
    for row in wanted:
        row.id = row.id if row.id in there else ""  # what somebody else has taken away meanwhile would be a new line
    priced = sheet.price(ctx, entity, id, known)
    for row, line in zip(wanted, priced.lines, strict=True):
        row.priced = _as_typed(row, line)
        for problem in line.problems if "product" not in row.problems else ():  # what it lacks is a product, and with it a price
            row.problems.setdefault(_place(problem.field), ctx.say(problem.message, problem.params))
    return priced


def _as_typed(row: Cells, line: Priced) -> Row:
    return line.values if not row.problems and not line.problems else {}


def _place(field: str) -> str:
    name = field.rpartition(".")[2]
    return name if name in FIELDS else "row"


def _say(ctx: Context, wanted: Sequence[Cells], problems: Sequence[Problem], cells: Set[str]) -> None:
    for one in problems:
        place = one.field.split(".")
        if place[0] == "lines" and len(place) > 2 and int(place[1]) < len(wanted):
            row, text = wanted[int(place[1])], ctx.say(one.message, one.params)
            name = ".".join(place[2:])
            row.problems.setdefault(name if name in cells else "row", text if name in cells else f"{name}: {text}")


# --- choosing a product ----------------------------------------------------------------------------------------------


def offer(ctx: Context, request: PageRequest) -> Rendering:
    """Products that fit what is typed, with number and price; with nothing typed the newest."""
    words, rows = request.asked("q").strip()[:200], []
    if ctx.can(f"{PRODUCT}.read"):
        seen = ctx.records(PRODUCT).fields()
        wanted = tuple(name for name in ("id", "name", "sku", "price", "unit") if name in seen)
        filter = (Condition("active", "eq", ("true",)),) if "active" in seen else ()
        rows = list(ctx.records(PRODUCT).query(Query(filter, fields=wanted, q=words, limit=_OFFERED)).data)
    return Rendering("orders/products.html", {"rows": rows, "q": words})


def _of(view: Callable[[str, Context, PageRequest], Rendering | Redirect], plural: str) -> Callable[[Context, PageRequest], object]:
    return partial(view, plural)


def _tab(plural: str) -> Callable[[Context, Mapping[str, object]], Rendering | None]:
    return partial(tab, plural)


PAGES = (
    PageRoute("products", path="/products", title=_("Products"), permission=SIGNED_IN, view=offer),
    *(
        PageRoute(f"{plural}_lines", path=f"/{plural}/{{id}}/lines", title=_("Lines"), permission=f"{KINDS[entity].document}.read",
                  view=_of(show, plural), submit=_of(take, plural))
        for plural, entity in SHEETS.items()
    ),
)  # fmt: skip
PANELS = tuple(
    Panel(plural, slot=Slot.TAB, label=_("Lines"), permission=f"{KINDS[entity].document}.read", view=_tab(plural),
          entity=KINDS[entity].document, position=1)
    for plural, entity in SHEETS.items()
)  # fmt: skip
