"""Boards: the records of any entity in columns, each with its count, its totals and its first cards."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from uuid import UUID

from plugins.console.asked import BEGUN, of_pairs
from plugins.console.cells import Cell, Titles, cell, course_of, titles_of
from plugins.console.filtering import Chip, chips
from plugins.console.lanes import Group, Lane, by_key, by_of, group_of, lanes_of, without
from plugins.console.registry import PREFIX, Kind, kind_at, query_of
from plugins.console.views import spelled_out
from sdk import SIGNED_IN, Condition, Context, Filter, NotFound, PageRequest, PageRoute, Query, Rendering, Verb, _, parse_filter
from sdk.context import Row, id_of
from sdk.fields import ChoiceField, DateTimeField, LinkField, MoneyField
from sdk.text import within

CARDS = 25
"""Cards of a column at once."""
AT_ONCE = 5_000
"""Of so many records the amounts are added up at once; those of more follow when the board is shown, which does not wait for them."""


@dataclass(frozen=True)
class Card:
    """A record on the board: `age` is how many days it has stood in its column, `late` that this is longer than expected, `movable` that
    its reader has the right to move it."""

    id: str
    version: object
    title: Cell
    cells: Sequence[Cell]
    money: Cell | None
    owner: Cell | None
    age: int | None
    late: bool
    movable: bool = False


@dataclass(frozen=True)
class Head:
    """What a column says of all its records: amounts of different currencies stand side by side, `unpriced` have none in our own; `later`
    where the amounts are still to be added up."""

    lane: Lane
    count: int
    totals: Sequence[Mapping[str, object]]
    unpriced: int = 0
    later: bool = False


@dataclass(frozen=True)
class Column:
    """A column with its first cards; `more` is the address of the next ones."""

    head: Head
    cards: Sequence[Card]
    more: str
    all: str
    hidden: str = ""
    """Where an empty column has records that the filters hold back: the address of all of them."""


@dataclass(frozen=True)
class Board:
    """The board that an address asks for: filters, search and order are those of the list."""

    kind: Kind
    request: PageRequest
    by: str
    group: Group | None

    @property
    def path(self) -> str:
        """Its address without a query."""
        return f"{self.kind.path}/board"

    @property
    def query(self) -> str:
        """The query of its address, for the addresses of its cards."""
        return query_of(
            [*(pair for pair in self.request.query if pair[0] not in ("cursor", "_lane", "_to", "_by", "_sums")), ("_by", self.by)]
        )

    @property
    def made_of(self) -> str:
        """What the columns are, as people call it."""
        target = self.kind.target(self.kind.fields[self.by])
        return target.plural_label if target is not None else self.kind.ctx.say(self.kind.fields[self.by].label)

    @property
    def missing(self) -> tuple[str, str, str]:
        """What is said where there are no columns, and where its reader can make some, with what that is called; "" for who cannot."""
        ctx, target = self.kind.ctx, self.kind.target(self.kind.fields[self.by])
        group = next((one.label for one in self.group.options if one.value == self.group.chosen), "") if self.group is not None else ""
        said = ctx.say(_("Columns come from the list “{list}”, which is still empty."), {"list": self.made_of})
        if group:
            said = ctx.say(
                _("“{group}” has nothing under “{list}” yet, which the columns are made of."), {"group": group, "list": self.made_of}
            )
        if not group and ctx.can("core.plugin.update"):
            return said, f"{PREFIX}/admin/start", ctx.say(_("Get started"))
        if target is not None and target.can("create"):
            return said, target.path, self.made_of
        return f"{said} {ctx.say(_('Your administrator can fill it.'))}", "", ""

    @property
    def movable(self) -> bool:
        """Whether its reader may move cards at all; which, the door says."""
        return self.by in self.kind.written and self.kind.can("update")

    @cached_property
    def filter(self) -> Filter:
        """What holds for all its records."""
        given = parse_filter(pair for pair in of_pairs(self.request.query).filters if self.group is None or pair[0] != self.group.name)
        return (*given, self.group.holds()) if self.group is not None and self.group.chosen else given

    @cached_property
    def lanes(self) -> list[Lane]:
        """Its columns in their order; the one of records without a value is last."""
        return [*lanes_of(self.kind, self.by, self.group), without(self.kind, self.by)]

    @property
    def q(self) -> str:
        """The words that are looked for."""
        return self.request.asked("q").strip()

    @cached_property
    def money(self) -> str:
        """The field that is added up: the first amount, as it is in the company’s own currency where a field says that; "": none."""
        amounts = {name: field.converts for name, field in self.kind.fields.items() if isinstance(field, MoneyField)}
        return next((name for name, of in amounts.items() if of), next(iter(amounts), ""))

    @cached_property
    def shown(self) -> list[str]:
        """The fields of a card beside its title: those of the address, or an amount, a link, a date, a choice and the owner."""
        kind = self.kind
        if self.request.asked("_columns"):
            return [name for name in of_pairs(self.request.query).shown(kind) if name not in (kind.title, self.by)]
        passed = {kind.title, self.by, "owner", *([self.group.name] if self.group else ())}
        free = {name: field for name, field in kind.fields.items() if name not in passed and "." not in name}
        links = [name for name, field in free.items() if isinstance(field, LinkField) and not field.readonly]
        choices = [name for name, field in free.items() if isinstance(field, ChoiceField) and not field.readonly]
        amounts = [name for name, field in free.items() if isinstance(field, MoneyField) and not field.readonly]
        dates = [name for name in kind.dates if name in kind.written]
        owner = ["owner"] if "owner" in kind.fields and self.by != "owner" else []
        return [*links[:1], *choices[:1], *amounts[:1], *dates[:1], *owner]

    @property
    def since(self) -> str:
        """The field that says since when a record stands in its column (`stage_since` beside `stage`); "": none."""
        name = f"{self.by}_since"
        return name if isinstance(self.kind.fields.get(name), DateTimeField) else ""

    def page(self, lane: Lane, *more: Condition, cursor: str = "", limit: int = CARDS) -> tuple[Sequence[Row], str | None]:
        """Some rows of a column, and the cursor of the next ones."""
        wanted = tuple(word for word in self.request.asked("sort").split(",") if word)
        usual = (f"-{self.since}",) if self.since else ("-id",)
        course = course_of(self.kind, self.shown)
        names = dict.fromkeys(("id", "version", self.kind.title, *self.shown, *course, *([self.since] if self.since else ())))
        asked = Query(filter=(*self.filter, lane.holds(self.by), *more), sort=wanted or usual, fields=tuple(names), q=self.q, limit=limit,
                      cursor=cursor)  # fmt: skip
        found = self.kind.ctx.records(self.kind.name).query(asked)
        return found.data, found.next

    def titles(self, rows: Sequence[Row]) -> Titles:
        """What the records are called that the cards name."""
        return titles_of(self.kind, rows, self.shown)

    def cards(self, lane: Lane, rows: Sequence[Row], titles: Titles, movable: Container[UUID]) -> list[Card]:
        """The rows of a column as cards."""
        return [self._card(lane, row, titles, movable=id_of(row) in movable) for row in rows]

    def moved_by_reader(self, rows: Sequence[Row]) -> set[UUID]:
        """Of these records those that its reader may move to another column, as far as rights go."""
        return self.kind.ctx.records(self.kind.name).reached(map(id_of, rows), Verb.UPDATE, self.by) if self.movable and rows else set()

    def _card(self, lane: Lane, row: Row, titles: Titles, *, movable: bool) -> Card:
        cells = [cell(self.kind, name, row, titles) for name in self.shown if name in row]
        money = next((one for one in cells if one.kind == "money"), None)
        owner = next((one for one in cells if one.name == "owner"), None)
        age = _days(row.get(self.since), self.kind.ctx.now()) if self.since else None
        late = age is not None and not lane.over and 0 < lane.days < age
        title = replace(cell(self.kind, self.kind.title, row, titles), kind="title", href=self.kind.at(row["id"]))
        others = [replace(one, late=one.late and not lane.over) for one in cells if one not in (money, owner) and not one.empty]
        return Card(str(row["id"]), row.get("version"), title, others, money, owner, None if lane.over else age, late, movable)

    def heads(self) -> list[Head]:
        """What stands on top of the columns; the one without a value only where there are such records."""
        counts = self._told("count")
        later = bool(self.money) and sum(map(_number, counts.values())) > AT_ONCE
        totals, unpriced = ({}, {}) if later else self._sums()
        return [
            Head(lane, _number(counts.get(lane.key)), _amounts(totals.get(lane.key)), _number(unpriced.get(lane.key)), later)
            for lane in self.lanes
            if lane.key or counts.get("")
        ]

    def amounts(self) -> list[Head]:
        """What the columns come to, for those that stand there without it."""
        totals, unpriced = self._sums()
        there = [lane for lane in self.lanes if lane.key or self.page(lane, limit=1)[0]]
        return [Head(lane, 0, _amounts(totals.get(lane.key)), _number(unpriced.get(lane.key))) for lane in there]

    def _sums(self) -> tuple[dict[str, object], dict[str, object]]:
        """The amounts of each column, and how many records have one but none in our own currency."""
        if not self.money:
            return {}, {}
        plain = self.kind.fields[self.money].converts
        apart = (Condition(plain, "empty", ("false",)), Condition(self.money, "empty", ("true",)))
        unpriced = self._told("count", *apart) if plain in self.kind.fields else {}
        return self._told(f"sum:{self.money}"), unpriced

    def _told(self, measure: str, *more: Condition) -> dict[str, object]:
        field = self.kind.fields[self.by]
        rows = self.kind.ctx.records(self.kind.name).aggregate([measure], [self.by], (*self.filter, *more), q=self.q)
        return {by_key(self.by, field, row): row[measure] for row in rows}

    @property
    def sums(self) -> str:
        """The address of the amounts that follow."""
        return f"{self.path}{self.query}&_sums=1"

    def columns(self) -> list[Column]:
        """The whole board."""
        found = [(head, *(self.page(head.lane) if head.count else ((), None))) for head in self.heads()]
        all_ = [row for _head, rows, _next in found for row in rows]
        titles, movable = self.titles(all_), self.moved_by_reader(all_)
        return [
            Column(
                head,
                self.cards(head.lane, rows, titles, movable),
                self.more(head.lane, following),
                self.list_of(head.lane),
                self._held_back(head),
            )
            for head, rows, following in found
        ]

    def _held_back(self, head: Head) -> str:
        within = (self.group.holds(),) if self.group is not None and self.group.chosen else ()
        if head.count or not head.lane.key or not (self.q or len(self.filter) > len(within)):
            return ""
        asked = Query(filter=(*within, head.lane.holds(self.by)), fields=("id",), limit=1)
        there = self.kind.ctx.records(self.kind.name).query(asked).data
        return self.kind.path + query_of([(self.by, head.lane.key)]) if there else ""

    def more(self, lane: Lane, cursor: str | None) -> str:
        """The address of the next cards of a column; "" where there are none."""
        if cursor is None:
            return ""
        kept = [pair for pair in self.request.query if pair[0] not in ("cursor", "_lane")]
        return self.path + query_of([*kept, ("_lane", lane.id), ("cursor", cursor)])

    def list_of(self, lane: Lane) -> str:
        """The list of all records of a column."""
        kept = [pair for pair in self.request.query if not pair[0].startswith("_") and pair[0] != "cursor"]
        narrowed = [(self.group.name, self.group.chosen)] if self.group is not None and not self.request.asked(self.group.name) else []
        held = (self.by, lane.key) if lane.key else (f"{self.by}[empty]", "true")
        return self.kind.path + query_of([*kept, *narrowed, held])

    def chips(self) -> list[Chip]:
        """The filters that are in force, and the board without each."""
        hidden = self.group.name if self.group is not None else ""
        asked = of_pairs([pair for pair in self.request.query if pair[0] != hidden])
        found = chips(self.kind, replace(asked, view=self.request.asked(BEGUN)))
        kept = [pair for pair in self.request.query if pair[0] in ("_by", hidden)]
        return [replace(one, href=_with(one.href.replace(self.kind.path, self.path, 1), kept)) for one in found]


def _with(href: str, pairs: Sequence[tuple[str, str]]) -> str:
    more = query_of(pairs)
    return href + (more.replace("?", "&", 1) if "?" in href else more)


def _days(since: object, now: datetime) -> int | None:
    found = datetime.fromisoformat(since) if isinstance(since, str) and since else since
    return (now - found).days if isinstance(found, datetime) else None


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _amounts(value: object) -> list[Mapping[str, object]]:
    """Money as `aggregate` gives it: nothing, one amount, or one for each currency."""
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, Mapping)]


def board_at(ctx: Context, request: PageRequest) -> Board:
    """The board at an address; raises NotFound and BadRequest."""
    kind = kind_at(ctx, request.path["plugin"], request.path["plural"])
    by = by_of(kind, request)
    return Board(kind, request, by, group_of(kind, by, request))


def show(ctx: Context, request: PageRequest) -> Rendering:
    """The board, or the next cards of one of its columns."""
    request, asked = spelled_out(kind_at(ctx, request.path["plugin"], request.path["plural"]), request)
    board = board_at(ctx, request)
    if request.asked("_lane"):
        return _more(board, request)
    if request.asked("_sums"):
        return Rendering("console/sums.html", {"board": board, "heads": board.amounts()})
    kind = board.kind
    return Rendering(
        "console/board.html",
        {
            "kind": kind,
            "board": board,
            "asked": asked,
            "columns": board.columns(),
            "choices": [(name, within(ctx.say(kind.fields[name].label))) for name in kind.boards],
            "filters": board.chips(),
            "q": board.q,
            "hidden": [pair for pair in request.query if pair[0] not in ("q", "cursor", "_by", board.group.name if board.group else "")],
        },
    )


def _more(board: Board, request: PageRequest) -> Rendering:
    lane = next((one for one in board.lanes if one.id == request.asked("_lane")), None)
    if lane is None:
        raise NotFound(_("there is nothing at this address"))
    rows, following = board.page(lane, cursor=request.asked("cursor"))
    titles = board.titles(rows)
    cards = board.cards(lane, rows, titles, board.moved_by_reader(rows))
    return Rendering("console/cards.html", {"board": board, "lane": lane, "cards": cards, "more": board.more(lane, following),
                                            "all": board.list_of(lane)})  # fmt: skip


PAGES = (PageRoute("board", path="/{plugin}/{plural}/board", title=_("Board"), permission=SIGNED_IN, view=show),)
