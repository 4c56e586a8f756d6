"""What other systems call records: remembered by imports, for later imports and for links."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import TypeVar, cast
from uuid import UUID

from plugins.import_export.files import Sheet
from plugins.import_export.mapping.words import LOCALES
from sdk import Condition, Context, Draft, _, where
from sdk.context import Row, id_of
from sdk.fields import Field, Flaw, Reference

NAME, FIELD = "import_export.external_id", "external_id"
"""The entity, and the word for a column of such ids in a mapping."""
LABEL = _("ID in another system")
SYSTEM = "import"
"""The system whose ids they are, where none is named; under it exports tell ids where names say too little."""
_PART = 500
_BY_TIME = 7
"""The version of ids that sort by the time of their making (RFC 9562), as ours do."""
type_any = TypeVar("type_any")


def flaws(ctx: Context, cells: Sequence[str]) -> list[Flaw]:
    """What is wrong with a column of ids: such a one fails its row, as no question can be asked with it."""
    return ctx.as_system().records(NAME).fields()[FIELD].read(cells).flaws


def fitting(ctx: Context, words: Iterable[str]) -> list[str]:
    """Of these ids those that can be kept, each once."""
    wanted = sorted({*words} - {""})
    wrong = {flaw.row for flaw in flaws(ctx, wanted)}
    return [word for place, word in enumerate(wanted) if place not in wrong]


class ExternalIds:
    """The ids of one system."""

    def __init__(self, ctx: Context, system: str) -> None:
        self.ctx, self.system = ctx, system
        self.written: dict[str, str] = {}
        """Of ids those that are written otherwise in the file at hand (="00123"): some are kept as they were written."""
        self._rows = ctx.as_system().records(NAME)

    def _known(self, entity: str, words: Iterable[str]) -> dict[str, Row]:
        words = {*words}
        otherwise = {word: self.written[word] for word in words & self.written.keys()}
        found = self._kept(entity, words | {*otherwise.values()})
        before = {word: found[written] for word, written in otherwise.items() if word not in found and written in found}
        return {word: row for word, row in found.items() if word in words} | before

    def _kept(self, entity: str, words: Iterable[str]) -> dict[str, Row]:
        found, wanted = dict[str, Row](), fitting(self.ctx, words)
        for start in range(0, len(wanted), _PART):
            asked = (*where(entity=entity, system=self.system), Condition("external_id", "in", tuple(wanted[start : start + _PART])))
            found |= {str(row["external_id"]): row for row in self._rows.find(asked, _PART)}
        return found

    def find(self, entity: str, words: Iterable[str]) -> dict[str, Row]:
        """By id the live records that it names, as far as the actor sees them."""
        known = {word: row["record"] for word, row in self._known(entity, words).items()}
        ids = {word: one.id for word, one in known.items() if isinstance(one, Reference)}
        there = self.ctx.records(entity).values(ids.values()) if ids else {}
        return {word: there[id] for word, id in ids.items() if id in there}

    def taken(self, entity: str, words: Iterable[str]) -> dict[str, UUID]:
        """By id the live records that it names, whoever sees them."""
        ids = {word: row["record"].id for word, row in self._known(entity, words).items() if isinstance(row["record"], Reference)}
        there = self.ctx.as_system().records(entity).values(ids.values()) if ids else {}
        return {word: id for word, id in ids.items() if id in there}

    def keep(self, entity: str, pairs: Mapping[str, UUID], by: UUID) -> None:
        """Remember for an import which records these name, none of which is taken; one whose record went is another's from now on."""
        known, drafts = self._known(entity, pairs), list[Draft]()
        for word, id in pairs.items():
            row, record = known.get(word), Reference(entity, id)
            if row is None:
                values = {"entity": entity, "system": self.system, "external_id": word, "record": record, "import": by}
                drafts.append(Draft("create", values, act="run"))
            elif row["record"] != record:
                drafts.append(Draft("update", {"external_id": word, "record": record, "import": by}, id_of(row), act="run"))
            elif row["external_id"] != word:
                drafts.append(Draft("update", {"external_id": word}, id_of(row), act="run"))
        self._rows.write_all(drafts)


def names_of(ctx: Context, records: Iterable[Reference]) -> dict[Reference, UUID]:
    """The ids under which these came from an export: told again, they are the same wherever the records come to be."""
    wanted, found = tuple(dict.fromkeys(records)), dict[Reference, UUID]()
    names = ctx.as_system().records(NAME)
    for start in range(0, len(wanted), _PART):
        asked = (*where(system=SYSTEM), Condition("record", "in", wanted[start : start + _PART]))
        for row in names.find(asked, 100_000):
            with suppress(ValueError):  # what other systems call it
                found.setdefault(cast("Reference", row["record"]), UUID(str(row[FIELD])))
    return found


def id_in(cell: str) -> UUID | None:
    """The id that a cell is, if it is one."""
    try:
        return UUID(cell)
    except ValueError:
        return None


def as_made(rows: Iterable[type_any], id_of: Callable[[type_any], str]) -> list[type_any]:
    """Rows in the order in which their records were made, where the ids of their export tell it; else as they are."""
    kept = list(rows)
    ids = [id_in(id_of(row)) for row in kept]
    if any(id is None or id.version != _BY_TIME for id in ids):
        return kept
    return [row for _id, row in sorted(zip(map(str, ids), kept, strict=True), key=itemgetter(0))]


def of_export(ctx: Context, sheet: Sheet, fields: Mapping[str, Field]) -> str | None:
    """The heading of the ids that an export gives its records because others name them by these; None where a file has none."""
    words = {FIELD, *(ctx.speaking(locale).say(LABEL) for locale in LOCALES)}
    places = [place for place, heading in enumerate(sheet.headings) if heading in words] if FIELD not in fields else []
    if len(places) != 1:
        return None
    (place,) = places
    ids = all(len(cells) > place and id_in(cells[place]) is not None for _number, cells in sheet.rows())
    return sheet.headings[place] if ids else None


def give_back(ctx: Context, entity: str, ids: Sequence[UUID], by: UUID, *, gone: bool) -> None:
    """Forget, in an undo, what an import has learned to call these records; of such as are `gone` whatever they were called."""
    names = ctx.as_system().records(NAME)
    for start in range(0, len(ids), _PART):
        about = Condition("record", "in", tuple(Reference(entity, id) for id in ids[start : start + _PART]))
        there = names.find((about,) if gone else (about, *where(**{"import": by})), 100_000)
        names.write_all([Draft("delete", {}, id_of(row), act="undo") for row in there])
