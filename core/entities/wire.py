"""Cells as the database writes them, straight to JSON: no id, amount or instant is made only to be written as text again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson
import sqlalchemy as sa

from core.entities.serialize import Convert, source_of
from sdk.columns import SCALE, Exact, JsonData, UtcDateTime
from sdk.fields import DateTimeField, DecimalField, Field, MoneyField
from sdk.fields.any_record import AnyRecordField
from sdk.fields.number import exact_text

_KEPT = 8192
_PLAIN = (Field.wire, DateTimeField.wire, AnyRecordField.wire)
"""What these write is the cell itself."""
_EXACT = (DecimalField.wire, MoneyField.wire)


def wired(fields: Sequence[Field], columns: Sequence[sa.ColumnElement[Any]], *, sqlite: bool) -> Convert | None:
    """A function from rows of raw cells (`Direct.rows`) to what the fields' own serializer would make of them; None where one of the fields
    or columns is of a kind that is not known here."""
    cells, at = list[str](), 0
    names = _SQLITE if sqlite else _POSTGRESQL
    for field in fields:
        for column in columns[at : at + len(field.columns())]:
            cell = _cell(field, column.type, f"c{at}", sqlite=sqlite)
            if cell is None:
                return None
            cells.append(cell)
            at += 1
    made: Convert = eval(source_of(fields, cells), dict(names))  # noqa: S307 (made of field declarations alone)
    return made


def place(kind: sa.types.TypeEngine[Any], *, sqlite: bool) -> Callable[[Any], Any]:
    """A raw cell of a type as a cursor keeps it."""
    names = _SQLITE if sqlite else _POSTGRESQL
    if isinstance(kind, sa.Float):
        return lambda cell: None if cell is None else float(cell)
    if isinstance(kind, sa.Uuid):
        return names["key_wire"]
    if isinstance(kind, UtcDateTime):
        return names["instant_wire"]
    if isinstance(kind, Exact):
        exact = names["exact_text"]
        return lambda cell: None if cell is None else exact(cell, 0, kind.places)
    return _same


def _same(cell: Any) -> Any:
    return cell


def _cell(field: Field, kind: sa.types.TypeEngine[Any], name: str, *, sqlite: bool) -> str | None:
    """An expression that gives what the field's own `wire` takes, or what its namesake here takes."""
    written = type(field).wire
    if isinstance(kind, Exact):
        places = getattr(field, "places", None) or SCALE if isinstance(field, DecimalField) else SCALE
        return name if written in _EXACT and kind.places == places else None
    if type(kind) is sa.Float and kind.asdecimal:  # a mean
        return f"mean_wire({name}, {field.places})" if isinstance(field, DecimalField) and written in _EXACT else None
    if isinstance(kind, sa.Uuid):
        return (f"key_wire({name})" if sqlite else name) if written in _PLAIN else None
    if isinstance(kind, UtcDateTime):
        return f"instant_wire({name})" if written in _PLAIN else None
    if isinstance(kind, sa.Boolean):
        return (f"(None if {name} is None else {name} != 0)" if sqlite else name) if written in _PLAIN else None
    if isinstance(kind, JsonData):
        return (f"json_wire({name})" if sqlite else name) if written in _PLAIN else None
    plain = type(kind) in (sa.String, sa.Text, sa.Integer, sa.BigInteger, sa.Date)
    return name if plain and (written in _PLAIN or written in _EXACT) else None


@lru_cache(maxsize=_KEPT)
def _key(hex: str | None) -> str | None:
    return None if hex is None else f"{hex[:8]}-{hex[8:12]}-{hex[12:16]}-{hex[16:20]}-{hex[20:]}"


def _document(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)


def _stored_instant(text: str | None) -> str | None:
    """`2026-01-02 03:04:05.000000` of SQLite as RFC 3339 has it, without a fraction that is nought."""
    if text is None:
        return None
    return f"{text[:10]}T{text[11:19]}Z" if text[19:] == ".000000" else f"{text[:10]}T{text[11:]}Z"


def _told_instant(text: str | None) -> str | None:
    """`2026-01-02 03:04:05.12+00` of PostgreSQL, which leaves out zeros at the end."""
    if text is None:
        return None
    if len(text) == len("2026-01-02 03:04:05.000000+00"):
        return f"{text[:10]}T{text[11:26]}Z"
    return f"{text[:10]}T{text[11:-3]}Z" if len(text) == len("2026-01-02 03:04:05+00") else f"{text[:10]}T{text[11:-3]:0<15}Z"


@lru_cache(maxsize=_KEPT)
def _scaled_text(cell: int, least: int = 0, places: int = SCALE) -> str:
    """`exact_text` of a number that is stored as so many ten-thousandths (or of another `places`)."""
    whole, rest = divmod(abs(cell), 10**places)
    fraction = f"{rest:0{places}d}".rstrip("0").ljust(least, "0") if rest else "0" * least
    return f"{'-' if cell < 0 else ''}{whole}.{fraction}" if fraction else f"{'-' if cell < 0 else ''}{whole}"


@lru_cache(maxsize=_KEPT)
def _told_text(cell: str, least: int = 0, places: int = SCALE) -> str:
    """`exact_text` of a number that the database has written."""
    whole, _point, fraction = cell.partition(".")
    if len(fraction) > places:
        return exact_text(Decimal(cell), least, places)
    fraction = fraction.rstrip("0").ljust(least, "0")
    return f"{whole}.{fraction}" if fraction else whole


def _scaled_mean(cell: float | None, places: int) -> int | None:
    """A number that is not exact, as it would be stored if it were."""
    return None if cell is None else int(_mean(cell).scaleb(places).to_integral_value())


def _told_mean(cell: str | float | None, _places: int) -> str | None:
    return str(_mean(cell)) if isinstance(cell, float) else cell


def _mean(cell: float) -> Decimal:
    return Decimal(f"{cell:.10f}")  # as SQLAlchemy reads it


def _scaled_money(cell: int | None, currency: str | None) -> dict[str, str | None] | None:
    return None if cell is None else {"amount": _scaled_text(cell, 2), "currency": currency}


def _told_money(cell: str | None, currency: str | None) -> dict[str, str | None] | None:
    if cell is None:
        return None
    plain = cell[-5:-4] == "." and cell[-2:] == "00"  # as nearly all are: two of four places
    return {"amount": cell[:-2] if plain else _told_text(cell, 2), "currency": currency}


_SQLITE: dict[str, Callable[..., Any]] = {
    "key_wire": _key, "instant_wire": _stored_instant, "json_wire": _document, "exact_text": _scaled_text, "money_wire": _scaled_money,
    "mean_wire": _scaled_mean,
}  # fmt: skip
_POSTGRESQL: dict[str, Callable[..., Any]] = {
    "key_wire": _same,
    "instant_wire": _told_instant,
    "exact_text": _told_text,
    "money_wire": _told_money,
    "mean_wire": _told_mean,
}
