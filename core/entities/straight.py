"""From the database's cells to JSON without anything between: for those who want nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from core.data.direct import Direct, direct
from core.entities.serialize import Convert
from core.entities.wire import place, wired

if TYPE_CHECKING:
    from core.entities.read import Reader


@dataclass(frozen=True)
class Straight:
    """Statements whose rows are raw, what makes JSON of these, and how a cursor keeps the cells at its places."""

    legs: Sequence[Direct]
    convert: Convert
    places: Sequence[Callable[[Any], Any]]


def straight(
    reader: Reader, key: tuple[object, ...], names: Sequence[str], legs: Sequence[sa.Select[Any]], places: Sequence[int] = ()
) -> Straight | None:
    """Kept under `key`, as the legs are; None where something of it cannot be written straight from the database's cells, or is not shown
    on each of the rows."""
    if not reader.plain():
        return None

    def made() -> tuple[Straight | None]:
        columns, sqlite = list(legs[0].selected_columns), reader.work.platform.database.is_sqlite
        convert = wired([reader.shape.fields[name] for name in names], columns, sqlite=sqlite)
        compiled = [one for leg in legs if (one := direct(leg, reader.work.connection.dialect)) is not None]
        if convert is None or len(compiled) < len(legs):
            return (None,)
        return (Straight(compiled, convert, [place(columns[at].type, sqlite=sqlite) for at in places]),)

    return reader.shape.kept(("straight", *key), made)[0]
