"""A sheet of theirs, read as a sheet of ours: our fields as headings, their ids as ours."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any
from uuid import UUID

from plugins.import_export.external import FIELD as EXTERNAL
from plugins.import_export.external import fitting
from plugins.import_export.files import Sheet
from plugins.import_export.imports import HISTORY
from plugins.import_export.mapping.words import written
from plugins.import_export.migrating.external import ExternalIds
from plugins.import_export.migrating.people import People
from sdk import Context, Problem, Source, Taken, _
from sdk.fields import AnyRecordField
from sdk.transfer import plain

CHUNK, _MOST_TEXT = 500, 100_000
OPEN_LINK = "open_link"
UNLINKED = _("no {target} with the ID {value!r} is in these files or came in earlier; the record was imported without it")
_NO_ID = re.compile(r"0{15}(AAA)?\Z")
"""What Salesforce writes where there is none."""
type_row = tuple[int, list[str]]


class Translation:
    """Reads a file twice: once for the words whose meaning is to be asked, then row by row, a part at a time.

    `loose` counts the links whose ids nobody knows: the cell stays empty, and each such row is warned of (`unlinked`).
    """

    def __init__(self, ctx: Context, source: Source, sheet: Sheet, ids: ExternalIds, people: People, values: Mapping[str, str]) -> None:
        self.ctx, self.source, self.sheet, self.ids, self.people = ctx, source, sheet, ids, people
        self._places = {plain(heading): place for place, heading in reversed(list(enumerate(sheet.headings)))}
        self.history = source.history is not None and ctx.can(HISTORY)
        """Whether its rows are imported as history."""
        fields = written(ctx.records(source.entity).fields(), history=self.history)
        self._fields = {one.name: one for one in fields.values()}
        self.takes = [one for one in source.takes if one.field in fields and self._is_there(one)]
        self.by: UUID | None = None
        """The import that brings these rows: what it has named itself is not known from before."""
        self.names = any(plain(heading) in self._places for heading in source.id) and EXTERNAL not in fields
        """Whether the file has ids of theirs, by which the import names the records that it makes."""
        self._values = values
        """`field:theirs` → ours, as who imports has said."""
        self._meanings: dict[str, Mapping[str, str]] = {}
        self._own: dict[str, str] = {}
        self.met: dict[str, tuple[UUID | None, int]] = {}
        """Whom of ours their people are, and in how many rows they stand."""
        self.loose = self.left_out = self.known = 0
        self._open: list[Problem] = []
        """The links of the row at hand whose ids nobody knows."""

    def _is_there(self, taken: Taken) -> bool:
        headings = (*taken.headings, *taken.instead, *(heading for many in taken.links.values() for heading in many))
        return bool(taken.otherwise) or any(plain(heading) in self._places for heading in headings)

    @property
    def ignored(self) -> list[str]:
        """Their headings that nothing is made of."""
        used = {
            plain(heading)
            for one in self.source.takes
            for heading in (*one.headings, *one.instead, *(h for many in one.links.values() for h in many))
        }
        used |= {plain(heading) for heading in self.source.id}
        return [heading for heading in self.sheet.headings if plain(heading) not in used]

    def as_ours(self) -> Sheet:
        """The sheet that is imported; it asks the tenant what words mean when it is first read."""
        self._learn()
        return Sheet(
            self.sheet.name,
            (*(one.field for one in self.takes), *([EXTERNAL] if self.names else [])),
            self.sheet.exact,
            self._rows,
            self.sheet.delimiter,
        )

    def found_out(self) -> dict[str, object]:
        """What the report says beside what the import counts, as JSON keeps it with that import: what was read then is not read again."""
        told, size = list[tuple[str, str, int]](), 0
        for shown, (id, rows) in sorted(self.met.items(), key=lambda one: -one[1][1]):  # those of most rows first
            told.append((shown, id.hex if id else "", rows))
            size += len(json.dumps(told[-1]))
            if size > _MOST_TEXT:
                break
        return {"known": self.known, "left_out": self.left_out, "loose": self.loose, "met": told}

    def recall(self, kept: Mapping[str, Any]) -> None:
        """What was found out before the migration was stopped."""
        self.known, self.left_out, self.loose = (int(kept[name]) for name in ("known", "left_out", "loose"))
        self.met = {shown: (UUID(id) if id else None, rows) for shown, id, rows in kept["met"]}

    def read_through(self) -> None:
        """Find it out, of a file whose import had ended before anything of it was kept."""
        for _row in self.as_ours().rows():
            pass

    def unlinked(self) -> Iterator[tuple[type_row, list[Problem]]]:
        """The rows that have such a link, with what is told of each."""
        for row in self._rows() if self.loose else ():
            if self._open:
                yield row, self._open

    # --- before --------------------------------------------------------------------------------------------------

    def _learn(self) -> None:
        asking = [one for one in self.takes if one.meaning is not None]
        said: dict[str, set[str]] = {one.field: set() for one in asking}
        parents: set[str] = set()
        own = [headings for one in self.takes for entity, headings in one.links.items() if entity == self.source.entity]
        for _number, cells in self.sheet.rows() if asking or own else ():
            for one in asking:
                said[one.field].add(self._said(one, cells))
            parents |= {self._cell(cells, headings) for headings in own}
        for one in asking:
            assert one.meaning is not None
            self._meanings[one.field] = one.meaning(self.ctx, frozenset(said[one.field] - {""}))
        if parents - {""}:
            self._learn_own(parents)

    def _learn_own(self, parents: set[str]) -> None:
        """What is linked within the file is named as rows of one file name one another: by what people call it."""
        title = next((one for one in self.takes if one.field == self.ctx.entity(self.source.entity).title), None)
        for _number, cells in self.sheet.rows() if title is not None else ():
            if (id := self._cell(cells, self.source.id)) in parents and title is not None:
                self._own[id] = self._said(title, cells)

    # --- row by row ----------------------------------------------------------------------------------------------

    def _rows(self) -> Iterator[type_row]:
        self.loose = self.left_out = self.known = 0
        self.met = {}
        rows = self.sheet.rows()
        while part := list(islice(rows, CHUNK)):
            yield from self._part(part)

    def _part(self, rows: Sequence[type_row]) -> Iterator[type_row]:
        ids = {id for _number, cells in rows if (id := self._cell(cells, self.source.id))}
        before = self.ids.known(self.source.entity, ids, but_by=self.by) if ids else {}
        fit = {*fitting(self.ctx, ids)}
        linked = self._linked(rows)
        for number, cells in rows:
            if self._is_left_out(_by_heading(self.sheet.headings, cells)):
                self.left_out += 1
            elif self._cell(cells, self.source.id) in before:
                self.known += 1
            else:
                self._open = []
                id = self._cell(cells, self.source.id)
                yield number, [*(self._ours(one, cells, linked) for one in self.takes), *([id if id in fit else ""] if self.names else [])]

    def _is_left_out(self, row: Mapping[str, str]) -> bool:
        source = self.source
        if source.leaves_out is not None and source.leaves_out(row):
            return True
        return source.history is not None and not self.history and source.history(row)

    def _linked(self, rows: Sequence[type_row]) -> dict[str, dict[str, UUID]]:
        """Of all ids in these rows, by entity, those that are known."""
        asked: dict[str, set[str]] = {}
        for one in self.takes:
            for entity, headings in one.links.items():
                if self.ctx.offers(entity):
                    asked.setdefault(entity, set()).update(id for _number, cells in rows for id in _ids(self._cell(cells, headings)))
        return {entity: self.ids.known(entity, ids) for entity, ids in asked.items()}

    def _ours(self, one: Taken, cells: Sequence[str], linked: Mapping[str, Mapping[str, UUID]]) -> str:
        if one.links and (found := self._link(one, cells, linked)):
            return found
        said = self._said(one, cells)
        if one.people:
            return self._person(said) if said else ""
        meant = self._values.get(f"{one.field}:{said}") or self._meanings.get(one.field, {}).get(said, said)
        return meant or one.otherwise

    def _person(self, said: str) -> str:
        shown, id = self.people.one(said)
        self.met[shown] = (id, self.met.get(shown, (id, 0))[1] + 1)
        return "" if id is None else str(id)

    def _link(self, one: Taken, cells: Sequence[str], linked: Mapping[str, Mapping[str, UUID]]) -> str:
        any_record, missing = isinstance(self._fields[one.field], AnyRecordField), list[Problem]()
        for entity, headings in one.links.items():
            for id in _ids(self._cell(cells, headings)):
                heading = next(one for one in headings if id in self._cell(cells, (one,)))
                missing.append(Problem(heading, OPEN_LINK, UNLINKED, {"target": entity, "value": id}))
                if (ours := linked.get(entity, {}).get(id)) is not None:
                    return f"{entity}:{ours}" if any_record else str(ours)
                if entity == self.source.entity and id in self._own:
                    return self._own[id]
        if missing and not self._said(one, cells):
            self.loose += 1
            self._open.append(missing[0])
        return ""

    def _said(self, one: Taken, cells: Sequence[str]) -> str:
        if one.joined is not None:
            words = [word for heading in one.headings if (word := self._cell(cells, (heading,)))]
            text = one.joined.join(words)
        else:
            text = self._cell(cells, one.headings)
        text = text or self._cell(cells, one.instead)
        return one.turned(text) if one.turned is not None and text else text

    def _cell(self, cells: Sequence[str], headings: Sequence[str]) -> str:
        """The first of these that is filled."""
        for heading in headings:
            place = self._places.get(plain(heading))
            if place is not None and place < len(cells) and (text := cells[place].strip()):
                return text
        return ""


def _ids(cell: str) -> list[str]:
    return [word for part in cell.split(";") if (word := part.strip()) and not _NO_ID.match(word)]


def _by_heading(headings: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    return {plain(heading): cell for heading, cell in zip(headings, cells, strict=False)}
