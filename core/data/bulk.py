"""Rows written in sets: many are one statement with a document of JSON, on which the database works while we go on; few are an executemany on
SQLite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date
from functools import lru_cache, partial
from itertools import repeat
from operator import is_
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from core.data import in_flight
from sdk.columns import JsonData, Key, UtcDateTime

_DOCUMENTS = ("JSON", "JSONB")
type_writer = Callable[[Any], Any]
MANY = 500
"""From here on it is worth while not to wait for the server (see `core.data.in_flight`)."""
FEW = 30
"""Fewer rows than that travel as objects: their statement is the same whatever is alike in them, and has its plan already."""


def insert(connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]], *, later: bool = False) -> None:
    """Insert rows that all have the same keys. See `insert_columns`."""
    if 0 < len(rows) < FEW and connection.dialect.name == "postgresql":
        _give(connection, *_of_few(table, rows), len(rows), later=later)
    elif rows:
        insert_columns(connection, table, _columns(rows), later=later)


def insert_columns(connection: Connection, table: sa.Table, columns: Mapping[str, Sequence[Any]], *, later: bool = False) -> None:
    """Insert rows that are given by their columns, of which there is one at least. On PostgreSQL many of them may still be in flight
    afterwards; `later`: few of them may wait for the next statement, to go with what else is to be written by then."""
    count = len(next(iter(columns.values())))
    if not count:
        return
    if connection.dialect.name != "postgresql":
        _insert_into_sqlite(connection, table, columns, count)
        return
    # COPY would be faster still, but PostgreSQL refuses it on tables with row-level security.
    _give(connection, *_made(table, columns, count), count, later=later)


def _give(connection: Connection, statement: str, documents: Sequence[bytes], count: int, *, later: bool) -> None:
    if later and count < MANY and in_flight.possible(connection):
        in_flight.hold(connection, statement, documents)
    else:
        _put(connection, statement, documents, count)


def _insert_into_sqlite(connection: Connection, table: sa.Table, columns: Mapping[str, Sequence[Any]], count: int) -> None:
    _ready_for_sqlite(connection, table, columns, count)()


def _ready_for_sqlite(connection: Connection, table: sa.Table, columns: Mapping[str, Sequence[Any]], count: int) -> Callable[[], object]:
    names = tuple(columns)
    statement, writers = _positional(table, names, connection.dialect)
    if count >= MANY and in_flight.possible(connection):
        alike = {place: column[0] for place, column in enumerate(columns.values()) if _is_alike(column)}
        differing = tuple(place for place in range(len(names)) if place not in alike)
        cells = [_cells(writers[place], columns[names[place]]) for place in differing]
        document = _document(list(zip(*cells, strict=True))) if differing else None
        if document is not None:
            same = [value if (write := writers[place]) is None else write(value) for place, value in alike.items()]
            return partial(in_flight.send_apart, connection, _from_arrays(table.name, names, differing), (*same, document))
    written = [_written(writer, column) for column, writer in zip(columns.values(), writers, strict=True)]
    return partial(_say, connection, statement, list(zip(*written, strict=True)))


def _cells(writer: type_writer | None, column: Sequence[Any]) -> Sequence[Any]:
    """A column of a document of JSON. What is to be kept as a text of JSON stands in it as what it is: SQLite gives it back as that text, and
    nobody writes it down twice."""
    if writer is _json and _MEMBERS.issuperset(map(type, column)):
        return column
    return _written(writer, column)


def _say(connection: Connection, statement: str, rows: list[tuple[Any, ...]]) -> None:
    """Have SQLite write rows, past SQLAlchemy's preparations, which take as long again. Raises what it would."""
    if not connection.in_transaction():  # which SQLAlchemy begins
        connection.exec_driver_sql(statement, rows)
        return
    in_flight.settle(connection)
    in_flight.tell(connection, statement, rows if len(rows) > 1 else rows[0])
    driver: Any = connection.connection.driver_connection
    try:
        if len(rows) > 1:
            driver.executemany(statement, rows)
        else:
            driver.execute(statement, rows[0])
    except driver.Error as failure:
        raise DBAPIError.instance(statement, rows, failure, driver.Error, dialect=connection.dialect) from failure


def _document(rows: Sequence[Sequence[Any]]) -> str | None:
    """Rows as a document of arrays; None where SQLite would not read from it what stands in them."""
    try:
        document = orjson.dumps(rows).decode()
    except TypeError:  # bytes, say
        return None
    return None if r"\u0000" in document else document  # it takes a text to end there


@lru_cache(maxsize=1000)
def _from_arrays(table: str, names: tuple[str, ...], differing: tuple[int, ...]) -> str:
    """An INSERT of what all rows have alike, and of an array for each row of what they have not (SQLite's JSON functions)."""
    taken = {place: f"json_extract(r.value, '$[{at}]')" for at, place in enumerate(differing)}
    cells = ", ".join(taken.get(place, "?") for place in range(len(names)))
    quoted = ", ".join(f'"{name}"' for name in names)
    # As below: names of our own tables only.
    return f'INSERT INTO "{table}" ({quoted}) SELECT {cells} FROM json_each(?) AS r'  # noqa: S608


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def insert_all(connection: Connection, tables: Mapping[sa.Table, Sequence[Mapping[str, Any]]], *, hold: bool = False) -> None:
    """Insert rows into several tables; on PostgreSQL in one statement, with what waits to be inserted. See `insert`.

    `hold`: a few rows go with what is asked next.
    """
    filled = {table: rows for table, rows in tables.items() if rows}
    if sum(map(len, filled.values())) >= MANY:
        ready(connection, filled)()
        return
    for table, rows in filled.items():
        insert(connection, table, rows, later=True)
    if not hold:
        in_flight.settle(connection)


def ready(connection: Connection, tables: Mapping[sa.Table, Sequence[Mapping[str, Any]]]) -> Callable[[], None]:
    """Many rows, written down as the database takes them: what is given inserts them, as `insert_all` does, and has nothing left to do for it."""
    filled = {table: rows for table, rows in tables.items() if rows}
    if connection.dialect.name != "postgresql":
        each = [_ready_for_sqlite(connection, table, _columns(rows), len(rows)) for table, rows in filled.items()]
        return partial(_all, each)
    made = [_made(table, _columns(rows), len(rows)) for table, rows in filled.items()]
    documents = [document for _statement, each in made for document in each]
    return partial(_put, connection, in_flight.together([statement for statement, _documents in made]), documents, MANY)


def _all(inserts: Sequence[Callable[[], object]]) -> None:
    for insert_ in inserts:
        insert_()


def _put(connection: Connection, statement: str, documents: Sequence[bytes], rows: int) -> None:
    if rows >= MANY and in_flight.possible(connection):
        in_flight.send(connection, statement.format(*(f"${number}" for number in range(1, len(documents) + 1))), documents)
    else:
        connection.exec_driver_sql(statement.format(*("%s" for _document in documents)), tuple(one.decode() for one in documents))


def among(connection: Connection, column: sa.ColumnElement[Any], values: Sequence[object]) -> sa.ColumnElement[bool]:
    """`column IN values`: one array, on SQLite one document, in the place of hundreds of parameters, for which the statement would be written anew."""
    if connection.dialect.name != "postgresql":
        words = isinstance(column.type, sa.String) and _document([values])
        return column.in_(sa.select(sa.func.json_each(words[1:-1]).table_valued("value").c.value) if words else values)
    kind = Words() if isinstance(column.type, sa.String) else postgresql.ARRAY(column.type)
    return column == sa.any_(sa.literal(list(values), kind))


class Words(sa.types.TypeDecorator[Sequence[str]]):
    """Many texts as one parameter, written down here: the driver looks at each with an expression, which takes five times as long."""

    impl = postgresql.ARRAY
    cache_ok = True

    def __init__(self) -> None:
        super().__init__(sa.String())

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[Sequence[str] | None], str | None]:
        """What makes the literal of an array of such a list (PostgreSQL, section 8.15.2)."""
        return _array


def _array(words: Sequence[str] | None) -> str | None:
    if not words:
        return None if words is None else "{}"
    whole = "".join(words)
    if '"' in whole or "\\" in whole:
        words = [word.replace("\\", "\\\\").replace('"', '\\"') for word in words]
    return '{"' + '","'.join(words) + '"}'


def _made(table: sa.Table, columns: Mapping[str, Sequence[Any]], count: int) -> tuple[str, list[bytes]]:
    """An INSERT, and the JSON documents that are its parameters. A few rows are one document of objects. Of many the server would spend most
    of its time on the names in them, and on reading again what is the same in all: those values travel once, the others column by column."""
    instants = _instants(table, tuple(columns))
    columns = {name: _in_utc(instants[name], column) if name in instants else column for name, column in columns.items()}
    alike = dict[str, Any]() if count < FEW else {name: column[0] for name, column in columns.items() if _is_alike(column)}
    if not alike or len(alike) == len(columns):
        rows = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
        return _recordset(table, tuple(columns)), [orjson.dumps(rows, default=str)]
    differing = tuple(name for name in columns if name not in alike)
    return _by_columns(table, tuple(columns), differing), _documents(columns, alike, differing)


def _documents(columns: Mapping[str, Sequence[Any]], alike: Mapping[str, Any], differing: Sequence[str]) -> list[bytes]:
    """What all rows have alike, and a column each of what they have not: the parameters of `_from_documents`."""
    return [orjson.dumps([alike], default=str), *(orjson.dumps(columns[name], default=str) for name in differing)]


def _of_few(table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> tuple[str, list[bytes]]:
    """The same of a few rows as they are."""
    names, rows = tuple(rows[0]), [row if type(row) is dict else dict(row) for row in rows]
    for name, kind in _instants(table, names).items():
        if not all(row[name] is None or row[name].tzinfo is UTC for row in rows):
            rows = [{**row, name: cell} for row, cell in zip(rows, _in_utc(kind, [row[name] for row in rows]), strict=True)]
    return _recordset(table, names), [orjson.dumps(rows, default=str)]


def _is_alike(column: Sequence[Any]) -> bool:
    return column[0] is column[-1] and all(map(is_, column, repeat(column[0])))  # equal is not enough: to Python 1 is True


def _in_utc(kind: UtcDateTime, column: Sequence[Any]) -> Sequence[Any]:
    """As the ordinary INSERT does: the document has no room for offsets of seconds, and a naive instant is refused."""
    if all(one is None or one.tzinfo is UTC for one in column):
        return column
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return [kind.process_bind_param(one, dialect) for one in column]


@lru_cache(maxsize=1000)
def _instants(table: sa.Table, names: tuple[str, ...]) -> Mapping[str, UtcDateTime]:
    return {name: kind for name in names if isinstance(kind := table.c[name].type, UtcDateTime)}


@lru_cache(maxsize=1000)
def _positional(table: sa.Table, names: tuple[str, ...], dialect: sa.Dialect) -> tuple[str, Sequence[type_writer | None]]:
    """An INSERT, and what makes of each column's values those that the driver takes: column by column it costs half of row by row."""
    quoted = ", ".join(f'"{name}"' for name in names)
    writers = [
        _WRITERS.get(type(kind)) or kind.dialect_impl(dialect).bind_processor(dialect) for kind in (table.c[name].type for name in names)
    ]
    return f'INSERT INTO "{table.name}" ({quoted}) VALUES ({", ".join("?" * len(names))})', writers  # noqa: S608


def _day(day: date | None) -> str | None:
    """As SQLAlchemy writes it down, in a fifth of the time: an instant, which is a date to Python, without its time."""
    return None if day is None else day.isoformat()[:10]


def _hex(value: UUID | None) -> str | None:
    """As SQLAlchemy writes it down."""
    return None if value is None else value.hex


def _json(value: Any) -> str | None:
    """As SQLAlchemy writes it down."""
    return None if value is None else orjson.dumps(value).decode()


_WRITERS: dict[type, type_writer] = {sa.Date: _day, sa.Uuid: _hex, Key: _hex, JsonData: _json}
_MEMBERS = frozenset((dict, list, type(None)))
"""What SQLite gives back of a document as a text of JSON, or as NULL; any other member would come as its bare value."""


def _written(writer: type_writer | None, values: Sequence[Any]) -> Sequence[Any]:
    if writer is None:
        return values
    if writer is _hex and values[0] is not values[-1]:  # ids of their own, of which each is another
        return [None if value is None else f"{value.int:032x}" for value in values]
    written, last, made = [], values[0], writer(values[0])
    for value in values:  # tenant and time are one object in all rows
        if value is not last:
            last, made = value, writer(value)
        written.append(made)
    return written


@lru_cache(maxsize=1000)
def _recordset(table: sa.Table, names: tuple[str, ...]) -> str:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    typed = ", ".join(f'"{name}" {table.c[name].type.compile(dialect=dialect)}' for name in names)
    quoted = ", ".join(f'"{name}"' for name in names)
    # Names and types of our own tables only; the values are the parameter.
    return f'INSERT INTO "{table.name}" ({quoted}) SELECT * FROM json_to_recordset({{}}::json) AS r({typed})'  # noqa: S608


@lru_cache(maxsize=1000)
def _by_columns(table: sa.Table, names: tuple[str, ...], varying: tuple[str, ...]) -> str:
    """As `_recordset`, from an object of what all rows have alike, and an array for each column in which they differ."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    kinds = {name: table.c[name].type.compile(dialect=dialect) for name in names}
    quoted = ", ".join(f'"{name}"' for name in names)
    return f'INSERT INTO "{table.name}" ({quoted}) {_from_documents(kinds, varying)}'


def _from_documents(kinds: Mapping[str, str], varying: Sequence[str]) -> str:
    """Rows of columns of these types, read from `_documents`."""
    alike = ", ".join(f'"{name}" {kind}' for name, kind in kinds.items() if name not in varying)
    read = {name: f'k."{name}"' for name in kinds} | {name: _cell(kinds[name], f"c{place}") for place, name in enumerate(varying)}
    cells = ", ".join(f'{read[name]} AS "{name}"' for name in kinds)
    arrays = ", ".join(f"json_array_elements{'' if kinds[name] in _DOCUMENTS else '_text'}({{}}::json)" for name in varying)
    columns = ", ".join(f"c{place}" for place in range(len(varying)))
    # As above: names and types of our own tables only.
    return f"SELECT {cells} FROM json_to_recordset({{}}::json) AS k({alike}), ROWS FROM ({arrays}) AS r({columns})"  # noqa: S608


def _cell(kind: str, column: str) -> str:
    """What makes of an array's element a value of the column's type."""
    if kind in _DOCUMENTS:
        return f"CASE json_typeof({column}) WHEN 'null' THEN NULL ELSE {column}::{kind} END"
    # A cast to varchar(n) would cut off what is too long, and say nothing.
    return column if kind.startswith(("VARCHAR", "TEXT")) else f"{column}::{kind}"


def update(connection: Connection, table: sa.Table, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> int:
    """Set `names` on rows by tenant, id and `old_version`; returns how many rows still had that version. On PostgreSQL many are one statement.

    Each row maps `b_id`, `b_tenant`, `b_version` and `v_<name>` for every name.
    """
    if connection.dialect.name == "postgresql" and len(rows) >= FEW and _is_alike([row["b_tenant"] for row in rows]):
        return _update_together(connection, table, tuple(names), rows)
    statement = (
        table.update()
        .where(
            table.c.tenant_id == sa.bindparam("b_tenant"),
            table.c.id == sa.bindparam("b_id"),
            table.c.version == sa.bindparam("b_version"),
        )
        .values({name: sa.bindparam(f"v_{name}") for name in names})
    )
    return connection.execute(statement, list(rows)).rowcount


def _update_together(connection: Connection, table: sa.Table, names: tuple[str, ...], rows: Sequence[Mapping[str, Any]]) -> int:
    """Each by itself would take the server three times as long, and the driver as long again."""
    columns = _columns(rows)
    columns |= {f"v_{name}": list(_in_utc(kind, columns[f"v_{name}"])) for name, kind in _instants(table, names).items()}
    alike = {name: column[0] for name, column in columns.items() if name != "b_id" and _is_alike(column)}
    differing = tuple(name for name in columns if name not in alike)
    documents = _documents(columns, alike, differing)
    statement = _setting(table, names, differing).format(*("%s" for _document in documents))
    # The planner takes any document for thousands of rows, and would read the whole table for thirty: of these it knows how many they are.
    ids = "{" + ",".join(map(str, columns["b_id"])) + "}"
    return connection.exec_driver_sql(f"{statement} AND t.id = ANY(%s::uuid[])", (*(one.decode() for one in documents), ids)).rowcount


@lru_cache(maxsize=1000)
def _setting(table: sa.Table, names: tuple[str, ...], varying: tuple[str, ...]) -> str:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    columns = {"b_tenant": "tenant_id", "b_id": "id", "b_version": "version", **{f"v_{name}": name for name in names}}
    kinds = {known: table.c[name].type.compile(dialect=dialect) for known, name in columns.items()}
    values = ", ".join(f'"{name}" = v."v_{name}"' for name in names)
    mine = "t.tenant_id = v.b_tenant AND t.id = v.b_id AND t.version = v.b_version"
    # As above: names and types of our own tables only.
    return f'UPDATE "{table.name}" AS t SET {values} FROM ({_from_documents(kinds, varying)}) AS v WHERE {mine}'  # noqa: S608
