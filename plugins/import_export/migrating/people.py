"""Whom another system means by an owner: by mail address, or by name where that is one person's alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from uuid import UUID

from plugins.import_export.files import Sheet
from plugins.import_export.persons import plain_name
from sdk import BadRequest, Context, Source, _, where
from sdk.context import id_of
from sdk.transfer import plain

_MOST = 100_000


class People:
    """Our active people by what others call them, and who was not found, with how many rows."""

    def __init__(self, ctx: Context, said: Iterable[str]) -> None:
        rows = ctx.as_system().records("core.user").find(where(active=True), _MOST)
        self.names = {id_of(row): str(row["name"]) for row in rows}
        self._by: dict[str, UUID] = {}
        counts = Counter(plain_name(row["name"]) for row in rows)
        self._by |= {plain_name(row["name"]): id_of(row) for row in rows if counts[plain_name(row["name"])] == 1}
        self._by |= {plain_name(row["email"]): id_of(row) for row in rows if row["email"]}
        self._theirs: dict[str, str] = {}
        self.matched: dict[str, str] = {}
        self.unknown: Counter[str] = Counter()
        for word in said:
            theirs, _equals, ours = word.partition("=")
            id = self._by.get(plain_name(ours))
            if not theirs or id is None:
                raise BadRequest(_("invalid owner {word!r}; use 'Theirs=our email address or name'"), word=word[:200])
            self._by[plain_name(theirs)] = id

    def learn(self, source: Source, sheet: Sheet) -> None:
        """A file of their people: what its ids mean."""
        places = {plain(heading): place for place, heading in enumerate(sheet.headings)}
        ids = [places[plain(one)] for one in source.id if plain(one) in places]
        told = [places[plain(one)] for taken in source.takes for one in taken.headings if plain(one) in places]
        named = [places[plain(one)] for taken in source.takes if taken.field == "name" for one in taken.headings if plain(one) in places]
        for _number, cells in sheet.rows():
            whole = dict(enumerate(cells))
            found = next((self._by[plain_name(whole[place])] for place in told if plain_name(whole.get(place)) in self._by), None)
            name = next((whole[place].strip() for place in (*named, *told) if whole.get(place, "").strip()), "")
            for place in ids:
                if word := plain_name(whole.get(place)):
                    if found is not None:
                        self._by.setdefault(word, found)
                    self._theirs[word] = name

    def one(self, said: str) -> tuple[str, UUID | None]:
        """What they call who is meant, and the id of the one whom we know, if any."""
        word = plain_name(said)
        tail = word.rpartition("(")[2].rstrip(")").strip()  # Jane Doe (jane@acme.example)
        shown = self._theirs.get(word) or said.strip()
        return shown[:200], self._by.get(word) or self._by.get(tail)

    def count(self, met: Mapping[str, tuple[UUID | None, int]]) -> None:
        """Who was met in a file, and in how many rows."""
        for shown, (id, rows) in met.items():
            if id is None:
                self.unknown[shown] += rows
            else:  # who has left since the part of a migration that met them is called as there
                self.matched[shown] = self.names.get(id, shown)

    def told(self) -> Mapping[str, object]:
        """For the report."""
        return {"matched": dict(sorted(self.matched.items())[:200]), "unknown": dict(self.unknown.most_common(200))}
