"""Which of a system's files a file is: by the headings that it has, and by its name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from plugins.import_export.files import Book, Sheet
from sdk import BadRequest, Context, Importer, Source, _
from sdk.transfer import PEOPLE, plain


@dataclass(frozen=True)
class Found:
    """A sheet that was recognised."""

    source: Source
    file: str
    sheet: Sheet

    @property
    def label(self) -> str:
        """What it is called in the list of imports: the same each time, so that a run that was killed finds its place."""
        name = self.file if self.sheet.name in ("", PurePosixPath(self.file).stem) else f"{self.file} · {self.sheet.name}"
        return f"{name} · {self.source.entity}"[:255]


def systems(ctx: Context) -> dict[str, Importer]:
    """The importers by what they are asked for: the key that the plugin gave, in full where that of another plugin has the same."""
    there = ctx.declared(Importer)
    counted = Counter(one.key for one in there)
    return {one.key if counted[one.key] == 1 else one.full_key: one for one in there}


def importer_of(ctx: Context, system: str, books: Sequence[tuple[str, Book]]) -> Importer:
    """The importer that was named, or the one that recognises most of the files; raises BadRequest."""
    called = systems(ctx)
    there = list(called.values())
    known = ", ".join(sorted(called)) or "-"
    if system:
        found = called.get(system) or next((one for one in there if one.full_key == system), None)
        if found is None:
            raise BadRequest(_("importer {system!r} does not exist; available: {known}"), system=system[:60], known=known)
        return found
    counted = sorted(((_seen(one, books), -place) for place, one in enumerate(there)), reverse=True)
    if not counted or not counted[0][0]:
        raise BadRequest(_("these are not files of a supported system; supported: {known}"), code="unknown_system", known=known)
    return there[-counted[0][1]]


def _seen(importer: Importer, books: Sequence[tuple[str, Book]]) -> int:
    return sum(bool(_sources(importer, name, sheet)) for name, book in books for sheet in book.sheets)


def recognised(ctx: Context, importer: Importer, books: Sequence[tuple[str, Book]]) -> tuple[list[Found], list[str]]:
    """The sheets in the order of the importer's sources, people first, and the names of those that are none of them or of no use here."""
    found: list[Found] = []
    unknown: list[str] = []
    for name, book in books:
        for sheet in book.sheets:
            sources = [one for one in _sources(importer, name, sheet) if one.entity == PEOPLE or ctx.offers(one.entity)]
            found += [Found(source, name, sheet) for source in sources]
            if not sources:
                unknown.append(name if len(book.sheets) == 1 else f"{name} · {sheet.name}")
    order = {id(source): place for place, source in enumerate(importer.sources)}
    return sorted(found, key=lambda one: (one.source.entity != PEOPLE, order[id(one.source)], one.label)), unknown


def _sources(importer: Importer, name: str, sheet: Sheet) -> list[Source]:
    """Those whose signs the sheet has; where some go by its name, too, these alone. Several of one kind of file may make several records."""
    headings = {plain(heading) for heading in sheet.headings}
    stem = plain(PurePosixPath(name).stem)
    fits = [one for one in importer.sources if {plain(sign) for sign in one.signs} <= headings]
    named = [one for one in fits if any(plain(word) in stem for word in one.names)]
    if named:
        return named
    most = max((len(one.signs) for one in fits), default=0)
    return [one for one in fits if len(one.signs) == most]
