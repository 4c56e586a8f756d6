"""`db revision`: what a plugin's declared tables have that the database has not, written as a migration."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import render_op_text
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from alembic.util import rev_id
from sqlalchemy.engine import Connection

from core.data import migrate
from core.data.engine import Database
from core.data.migrate import Branch
from sdk import Conflict, Record, _, columns, migrations
from sdk.columns import Exact, JsonData, UtcDateTime
from sdk.definitions import scale_in

_DIGITS, _SINGLE = 18, 24
"""Digits of an exact amount; bits of a number that PostgreSQL keeps in four bytes, at most."""
_STANDARD = frozenset({"tenant_id", "id", "owner_id", "version", "created_at", "updated_at", "deleted_at", "custom"})


def revise(database: Database, branch: Branch, message: str, beside: Iterable[str] = ()) -> Path | None:
    """Write the migration that brings the database to what the plugin declares; None when nothing is missing.

    `beside` names the other plugins: one whose name begins like this one's keeps its tables.
    The database must be at the plugin's newest revision. Raises Conflict where it is not.
    """
    there, up, down = _missing(database, branch, beside)
    return _write(branch, message, there, up, down) if up else None


def missing(database: Database, branch: Branch, beside: Iterable[str] = ()) -> list[str]:
    """The operations of the migration that `revise` would write; none where the database is as the plugin declares. Raises as it does."""
    found: list[str] = []
    for line in _missing(database, branch, beside)[1]:
        if found and (line[:1].isspace() or line.startswith(")")):  # it goes on
            found[-1] += f" {line.strip()}"
        else:
            found.append(line)
    return found


def _missing(database: Database, branch: Branch, beside: Iterable[str]) -> tuple[str | None, list[str], list[str]]:
    with database.reading_as_owner() as connection:
        there = migrate.current(connection, branch)
        if there != branch.head():
            raise Conflict(_("the schema of {plugin!r} is behind its code; run `dealwright db upgrade` first"), plugin=branch.plugin)
        mine = f"{branch.plugin}_"
        theirs = tuple(f"{other}_" for other in beside if other.startswith(mine))

        def ours(name: str | None, kind: str, _parents: Any) -> bool:
            return kind != "table" or ((name or "").startswith(mine) and not (name or "").startswith(theirs))

        context = MigrationContext.configure(
            connection,
            opts={"include_name": ours, "include_object": lambda item, name, kind, *rest: ours(name, kind, None) and not item.info.get("view"),
                  "target_metadata": Record.metadata, "version_table": branch.version_table, "compare_type": _other_type},
        )  # fmt: skip
        with _scales_known(connection):
            script = produce_migrations(context, Record.metadata)
        assert script.upgrade_ops is not None and script.downgrade_ops is not None
        if not script.upgrade_ops.ops:
            return there, [], []
        rendering = AutogenContext(context, Record.metadata, opts=dict(context.opts) | {"sqlalchemy_module_prefix": "sa.",
                                   "alembic_module_prefix": "op.", "user_module_prefix": None, "render_item": _render_item})  # fmt: skip
        return there, _lines(rendering, script.upgrade_ops.ops), _lines(rendering, script.downgrade_ops.ops)


@contextmanager
def _scales_known(connection: Connection) -> Iterator[None]:
    """Inside, exact amounts that the database has are seen as such. SQLite says of them that they are whole numbers; how many digits behind
    the point these have stands in the words by which the table was made. Tables from before that was written say nothing of it."""
    made: dict[str, str] = {}
    if connection.dialect.name == "sqlite":
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'table'"
        made = {str(row.name): str(row.sql) for row in connection.exec_driver_sql(query)}

    def seen(_inspector: Any, table: sa.Table, column: dict[str, Any]) -> None:
        kind = column["type"]
        if connection.dialect.name == "sqlite":
            if (places := scale_in(made.get(table.name, ""), column["name"])) is not None:
                column["type"] = Exact(places)
        elif type(kind) is sa.NUMERIC and kind.precision == _DIGITS and kind.scale is not None:
            column["type"] = Exact(kind.scale)

    sa.event.listen(sa.Table, "column_reflect", seen)
    try:
        yield
    finally:
        sa.event.remove(sa.Table, "column_reflect", seen)


def _other_type(context: MigrationContext, _inspected: Any, _column: Any, there: Any, declared: Any) -> bool:
    """Whether the database has a column as another type, in its own words: there are fewer of them than types here."""
    assert context.dialect is not None
    if context.dialect.name == "sqlite" and isinstance(there, Exact):
        return not isinstance(declared, Exact) or there.places != declared.places
    mine, theirs = (_in_words(context.dialect, one) for one in (declared, there))
    texts = {mine.partition("(")[0], theirs.partition("(")[0]} <= {"TEXT", "VARCHAR"}
    return mine != theirs and not (texts and "(" not in mine + theirs)  # a text without a limit is the same under either name


def _in_words(dialect: sa.Dialect, kind: Any) -> str:
    """A type as its database calls it, under one name where it has several."""
    said: str = dialect.type_compiler_instance.process(kind).partition(" COLLATE ")[0]
    if dialect.name != "postgresql":
        return said
    base, _open, arguments = said.partition("(")
    if base in ("NUMERIC", "DECIMAL") and arguments:
        return f"NUMERIC({arguments}" if "," in arguments else f"NUMERIC({arguments[:-1]}, 0)"
    if base == "FLOAT":
        return "REAL" if arguments and int(arguments[:-1]) <= _SINGLE else "DOUBLE PRECISION"
    return {"DECIMAL": "NUMERIC", "CHAR": "CHAR(1)"}.get(said, said)


def _write(branch: Branch, message: str, there: str | None, up: list[str], down: list[str]) -> Path:
    branch.directory.mkdir(parents=True, exist_ok=True)
    face = branch.directory / "__init__.py"
    if not face.exists():  # a package, so that build tools take it along
        face.write_text(f'"""The migrations of {branch.plugin}."""\n', encoding="utf-8")
    number = f"{int(there) + 1:04d}" if there and there.isdigit() else ("0001" if there is None else rev_id())
    text = (migrate.TEMPLATE / "script.py.mako").read_text(encoding="utf-8")
    words = {
        "${message}": message[:1].upper() + message[1:].rstrip(".") + ".",
        "${repr(up_revision)}": _quoted(number), "${repr(down_revision)}": _quoted(there),
        '${upgrades if upgrades else "pass"}': "\n    ".join(up) or "pass",
        '${downgrades if downgrades else "pass"}': "\n    ".join(down) or "pass",
    }  # fmt: skip
    for word, value in words.items():
        text = text.replace(word, value)
    for module in ("columns", "sa"):
        if not re.search(rf"\b{module}\.", text):
            text = (
                text.replace("import sqlalchemy as sa\n", "")
                if module == "sa"
                else text.replace("from sdk import columns, migrations", "from sdk import migrations")
            )
    slug = re.sub(r"[^a-z0-9]+", "_", message.lower()).strip("_")[:40]
    path = branch.directory / f"{number}_{slug}.py"
    path.write_text(text, encoding="utf-8")
    return path


def _quoted(value: str | None) -> str:
    return "None" if value is None else f'"{value}"'


def _lines(rendering: AutogenContext, operations: list[Any], dropped: frozenset[str] = frozenset()) -> list[str]:
    lines: list[str] = []
    dropped |= {operation.table_name for operation in operations if isinstance(operation, ops.DropTableOp)}
    for operation in operations:
        if isinstance(operation, ops.ModifyTableOps):
            lines += _lines(rendering, operation.ops, dropped)
        elif isinstance(operation, ops.CreateTableOp) and _is_record(operation):
            lines += _create(operation)
        elif isinstance(operation, ops.DropTableOp):
            lines.append(f'migrations.drop_table(op, "{operation.table_name}")')
        elif isinstance(operation, ops.CreateIndexOp):
            lines += _index(rendering, operation)
        elif isinstance(operation, ops.DropIndexOp) and operation.table_name in dropped:
            continue  # goes with its table
        elif isinstance(operation, ops.CreateForeignKeyOp | ops.DropConstraintOp) and (linked := _link(operation)):
            lines.append(linked)
        elif isinstance(operation, ops.AlterColumnOp) and (altered := _alter(operation, rendering.dialect)):
            lines.append(altered)
        else:
            lines += render_op_text(rendering, operation).splitlines()
    return lines


def _is_record(operation: ops.CreateTableOp) -> bool:
    return {column.name for column in operation.columns if isinstance(column, sa.Column)} >= _STANDARD


def _create(operation: ops.CreateTableOp) -> list[str]:
    lines = ["migrations.create_table(", "    op,", f'    "{operation.table_name}",']
    for item in operation.columns:
        if isinstance(item, sa.Column) and item.name not in _STANDARD:
            lines.append(f'    sa.Column("{item.name}", {_type(item.type)}, nullable={item.nullable}),')
    links = []
    for item in operation.columns:
        if isinstance(item, sa.ForeignKeyConstraint):
            column = next(name for name in item.column_keys if name != "tenant_id")
            target = item.elements[0].target_fullname.partition(".")[0]
            links.append(f'    migrations.foreign_key("{operation.table_name}", "{column}", "{target}"),')
    return [*lines, *sorted(links), ")"]  # constraints come as a set: the same tables give the same file


def _index(rendering: AutogenContext, operation: ops.CreateIndexOp) -> list[str]:
    table, names = operation.table_name, [getattr(column, "name", column) for column in operation.columns]
    if operation.index_name == f"ix_{table}_owner":
        return []  # made with the table
    columns = [str(name) for name in names[1:]]
    if operation.unique and operation.index_name == f"uq_{table}_{'_'.join(columns)}":
        listed = ", ".join(f'"{column}"' for column in columns)
        return [f'migrations.create_unique(op, "{table}", {listed})']
    if columns and operation.index_name == f"ix_{table}_{columns[0]}":
        return [f'migrations.create_index(op, "{table}", "{columns[0]}")']
    return render_op_text(rendering, operation).splitlines()


def _link(operation: ops.CreateForeignKeyOp | ops.DropConstraintOp) -> str:
    """The line for a link that comes to a table that is there, or goes, which SQLite has no statement for; nothing for other constraints."""
    if isinstance(operation, ops.CreateForeignKeyOp):
        table, column, target = operation.source_table, operation.local_cols[-1], operation.referent_table
        ours = (operation.local_cols, operation.remote_cols) == (["tenant_id", column], ["tenant_id", "id"]) and not any(
            operation.kw.values()
        )
        return f'migrations.create_link(op, "{table}", "{column}", "{target}")' if ours else ""
    table, name = operation.table_name, str(operation.constraint_name or "")
    if operation.constraint_type != "foreignkey" or not name.startswith(f"fk_{table}_"):
        return ""
    return f'migrations.drop_link(op, "{table}", "{name.removeprefix(f"fk_{table}_")}")'


def _alter(operation: ops.AlterColumnOp, dialect: sa.Dialect | None) -> str:
    """The line for another type or nullability, which SQLite has no statement for; nothing where more is altered."""
    said = [f"type_={_type(operation.modify_type)}"] if operation.modify_type is not None else []
    said += [f"nullable={operation.modify_nullable}"] if operation.modify_nullable is not None else []
    said += [f"using={using}"] if operation.modify_type is not None and (using := _using(operation, dialect)) else []
    more = operation.modify_server_default is not False or operation.modify_comment is not False or operation.modify_name is not None
    return (
        f'migrations.alter_column(op, "{operation.table_name}", "{operation.column_name}", {", ".join(said)})' if said and not more else ""
    )


def _using(operation: ops.AlterColumnOp, dialect: sa.Dialect | None) -> str:
    """Where the author says what the values become, as they do not become it by themselves."""
    assert dialect is not None and operation.existing_type is not None and operation.modify_type is not None
    said = dialect.type_compiler_instance.process
    old, new = said(operation.existing_type), said(operation.modify_type)
    if migrations.is_exact(old, operation.modify_type):
        return '{"sqlite": migrations.SAY_HERE, "postgresql": migrations.SAY_HERE}'
    return "" if migrations.is_alike(old, new, operation.modify_type) else "migrations.SAY_HERE"


def _type(kind: sa.types.TypeEngine[Any]) -> str:
    if isinstance(kind, Exact):
        return "columns.Exact()" if kind.places == columns.SCALE else f"columns.Exact({kind.places})"
    if isinstance(kind, UtcDateTime):
        return "columns.UtcDateTime()"
    if isinstance(kind, sa.Uuid):
        return "columns.key()"
    if isinstance(kind, JsonData):
        return "columns.json_data()"
    if isinstance(kind, sa.String) and type(kind) in (sa.String, sa.VARCHAR) and kind.length is not None:
        return f"sa.String({kind.length})"
    if type(kind).__name__ == "JSONB":
        return "columns.json_data()"
    if getattr(sa, type(kind).__name__, None) is None:  # of one database alone, or somebody's own
        try:
            kind = kind.as_generic()
        except (NotImplementedError, AttributeError):
            return f"{type(kind).__name__}()"  # its import and its arguments are the author's to write: nobody here knows them
    return f"sa.{kind!r}" if not isinstance(kind, sa.Interval) else "sa.Interval()"


def _render_item(kind: str, item: Any, _context: Any) -> str | bool:
    return _type(item) if kind == "type" else False
