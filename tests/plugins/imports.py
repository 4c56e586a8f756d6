"""Imports as tests make them: in this process, from a text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from core.context import Work
from plugins.import_export import imports
from plugins.import_export.plan import Wish
from plugins.import_export.tally import COUNTS
from sdk.context import Row, id_of


@dataclass(frozen=True)
class Done:
    """What became of an import: its record, and the rows that were not taken."""

    record: Row
    rows: list[Row]

    def __getattr__(self, name: str) -> Any:
        return self.record[name]

    @property
    def counts(self) -> dict[str, int]:
        """How many rows had which outcome, those of none left out."""
        return {name: int(str(self.record[name])) for name in COUNTS if self.record[name]}

    @property
    def reasons(self) -> list[tuple[object, object, object]]:
        """Row, column and code of each row that was not taken."""
        return [(row["number"], row["column"], row["code"]) for row in self.rows]


def import_file(work: Work, entity: str, content: str | bytes, **wish: Any) -> Done:
    """Import `content` in the name of `work`'s actor."""
    lists = {name: tuple(wish.pop(name, ())) for name in ("match", "map", "value", "set", "collision", "join", "split", "transform")}
    wanted = Wish(entity, "test.csv", **lists, **wish)
    begun = imports.begin(work, wanted)
    source = io.BytesIO(content.encode() if isinstance(content, str) else content)
    record = imports.carry_out(work, begun, wanted, source)
    return Done(record, list(imports.rows(work, id_of(record), None, 500, "").data))


def written(rows: Iterable[Sequence[object]], delimiter: str = ",") -> str:
    """Rows as CSV."""
    sink = io.StringIO()
    csv.writer(sink, delimiter=delimiter).writerows(rows)
    return sink.getvalue()
