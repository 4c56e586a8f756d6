"""What the address of a list asks for: filters, words, order, columns, and the saved view that it is of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from plugins.console.cells import course_of
from plugins.console.registry import Kind, query_of
from sdk import PageRequest, Query, parse_filter
from sdk.context import Row
from sdk.fields import TextField
from sdk.pages import Pairs

OWN = "_"
"""Words of the address that are the console's own begin with it; all others are filters, but for the reserved ones of the API."""
RESERVED = frozenset({"q", "sort", "cursor", "limit"})
VIEW, BEGUN, COLUMNS = "_view", "_from", "_columns"
"""The view as it is saved; the view that one began with, where the address says what is shown by now; the columns."""
ALL = "all"
"""In the place of a view's id: all records, also for who begins with a view."""
SIZE = 50


@dataclass(frozen=True)
class Asked:
    """`view` is the view's id, or `ALL`, or "" for neither; `saved` says that nothing was changed since it was opened."""

    filters: tuple[tuple[str, str], ...] = ()
    words: str = ""
    sort: str = ""
    columns: tuple[str, ...] = ()
    view: str = ""
    saved: bool = False
    cursor: str = ""

    def state(self) -> list[tuple[str, str]]:
        """What is shown, as pairs of an address: its view and the place in it left out."""
        pairs = [*self.filters]
        named = (("q", self.words), ("sort", self.sort), (COLUMNS, ",".join(self.columns)))
        return [*pairs, *(pair for pair in named if pair[1])]

    def pairs(self) -> list[tuple[str, str]]:
        """All of it as pairs of an address."""
        if self.saved and self.view:
            return [(VIEW, self.view)]
        begun = [(BEGUN, self.view)] if self.view not in ("", ALL) else []
        return [*self.state(), *begun] or [(VIEW, ALL)]

    def at(self, kind: Kind, more: str = "") -> str:
        """The address of the list, or of a page of it that works on what is shown."""
        return kind.path + more + query_of(self.pairs())

    def laid_out(self, kind: Kind, layout: str) -> str:
        """The address of the same as a list (""), a board or a calendar: there the columns of a list are not asked for."""
        asked = self if self.saved or not layout else self.changed(columns=())
        more = f"/{layout}" if layout else ""
        return asked.at(kind, more) if asked.view or asked.state() else kind.path + more

    def following(self, kind: Kind, cursor: str) -> str:
        """The address of the next part."""
        return kind.path + query_of([*self.pairs(), ("cursor", cursor)])

    def changed(self, **fields: object) -> Asked:
        """The same with something else, from its beginning; not the saved view any more."""
        return replace(self, **{"saved": False, "cursor": "", **fields})  # type: ignore[arg-type]

    def query(self, kind: Kind) -> Query:
        """The question; raises BadRequest for a field or an operator that is not there.

        What nobody has sorted comes newest first by its id, as in the API: to sort by the time of creation would read the whole table.
        """
        names = self.shown(kind)
        sort = tuple(word for word in self.sort.split(",") if word)
        fields = ("id", "version", *(name for name in names if name not in ("id", "version")))
        fields += tuple(name for name in course_of(kind, names) if name not in fields)
        if kind.entity.tick is not None and (mark := kind.entity.tick[0]) in kind.fields and mark not in fields:
            fields += (mark,)
        named = any(isinstance(of := kind.fields.get(name), TextField) and of.names not in ("", "entity") for name in fields)
        if named and "entity" in kind.fields and "entity" not in fields:  # of what such a cell speaks: without it there are no words for it
            fields += ("entity",)
        return Query(filter=parse_filter(self.filters), sort=sort, fields=fields, q=self.words, limit=SIZE, cursor=self.cursor)

    def seen(self, kind: Kind) -> Asked:
        """Without the order and the columns that the reader does not see: that is no reason to show nothing."""
        sort = ",".join(word for word in self.sort.split(",") if word.removeprefix("-") in kind.fields)
        return replace(self, sort=sort, columns=tuple(name for name in self.columns if name in kind.fields))

    def shown(self, kind: Kind) -> list[str]:
        """The columns that were chosen, or the entity's own; what its reader may not see is left out."""
        return [name for name in self.columns if name in kind.fields] or kind.columns()


def read(request: PageRequest) -> Asked:
    """What an address says by itself, without looking at the view that it may name."""
    asked = of_pairs(request.query)
    view = request.asked(VIEW)
    return replace(asked, view=view or request.asked(BEGUN), saved=bool(view), cursor=request.asked("cursor"))


def of_pairs(pairs: Pairs) -> Asked:
    """The filters, words, order and columns of pairs."""
    named = dict(pairs)
    filters = tuple((name, value) for name, value in pairs if name not in RESERVED and not name.startswith(OWN))
    columns = tuple(name for name in named.get(COLUMNS, "").split(",") if name)
    return Asked(filters, named.get("q", "").strip(), named.get("sort", ""), columns)


def of_text(text: str) -> Asked:
    """What a form keeps of an address, as its query."""
    pairs = parse_qsl(text.lstrip("?"), keep_blank_values=True)
    named = dict(pairs)
    return replace(of_pairs(pairs), view=named.get(VIEW, "") or named.get(BEGUN, ""), saved=VIEW in named)


def of_view(row: Row) -> Asked:
    """What a saved view shows."""
    filters = tuple(parse_qsl(str(row.get("conditions") or ""), keep_blank_values=True))
    columns = tuple(name for name in str(row.get("columns") or "").split(",") if name)
    return Asked(filters, str(row.get("words") or ""), str(row.get("ordered_by") or ""), columns, str(row["id"]), saved=True)


def as_values(asked: Asked) -> dict[str, object]:
    """What a view keeps of it."""
    return {
        "conditions": query_of(asked.filters).lstrip("?") or None,
        "words": asked.words or None,
        "ordered_by": asked.sort or None,
        "columns": ",".join(asked.columns) or None,
    }


def same(first: Asked, second: Asked) -> bool:
    """Whether both show the same."""
    return sorted(first.filters) == sorted(second.filters) and first.state()[len(first.filters) :] == second.state()[len(second.filters) :]
