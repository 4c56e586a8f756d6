"""By which parts of journals a record was made or changed, where the journals were looked through before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0006"
down_revision = "0005"

ORIGINS, PARTS, IMPORTS = "import_export_origins", "import_export_parts", "import_export_imports"
ARE = ("tenant_id", "id", "import_id", "entity", "rows")
_AT_ONCE, _MOST, _BITS = 50, 128, 64


def upgrade() -> None:
    migrations.create_table(
        op,
        ORIGINS,
        sa.Column("import_id", columns.key(), nullable=False),
        sa.Column("part_id", columns.key(), nullable=False),
        sa.Column("entity", sa.String(80), nullable=False),
        sa.Column("stem", sa.String(80), nullable=False),
        sa.Column("first", sa.String(32), nullable=False),
        sa.Column("last", sa.String(32), nullable=False),
        sa.Column("records", sa.Text(), nullable=True),
        migrations.foreign_key(ORIGINS, "import_id", IMPORTS),
        migrations.foreign_key(ORIGINS, "part_id", PARTS),
    )
    for column in ("import_id", "part_id", "stem"):
        migrations.create_index(op, ORIGINS, column)
    with migrations.all_rows(op, PARTS), migrations.all_rows(op, IMPORTS), migrations.all_rows(op, ORIGINS):
        _fill(op.get_bind())
    op.drop_index(f"ix_{PARTS}_oldest", PARTS)
    for column in ("oldest", "newest"):
        op.drop_column(PARTS, column)


def _fill(connection: Any) -> None:
    """The origins of what the journals hold, some parts at a time."""
    key = columns.key()
    parts = sa.table(
        PARTS,
        *(sa.column(name, key) for name in ("tenant_id", "id", "import_id")),
        *(sa.column(name) for name in ("entity", "rows", "before")),
    )
    imports = sa.table(IMPORTS, sa.column("tenant_id", key), sa.column("id", key), sa.column("dry_run"))
    names = ("tenant_id", "id", "import_id", "part_id", "entity", "stem", "first", "last", "records", "version", "created_at", "updated_at")
    kinds = {**dict.fromkeys(names[:4], key), **dict.fromkeys(names[-2:], columns.UtcDateTime())}
    origins = sa.table(ORIGINS, *(sa.column(name, kinds.get(name)) for name in names))
    mine = sa.and_(imports.c.tenant_id == parts.c.tenant_id, imports.c.id == parts.c.import_id)
    question = (
        sa.select(*(parts.c[name] for name in ARE))
        .join(imports, mine)
        .where(~imports.c.dry_run)
        .order_by(parts.c.tenant_id, parts.c.id)
        .limit(_AT_ONCE)
    )
    tried = sa.exists().where(mine, imports.c.dry_run)
    connection.execute(sa.update(parts).where(tried).values(before=None))  # of dry runs, which nobody undoes
    last: Any = None
    while True:
        after = sa.true() if last is None else sa.tuple_(parts.c.tenant_id, parts.c.id) > sa.tuple_(*(sa.literal(one, key) for one in last))
        found = connection.execute(question.where(after)).all()
        if rows := [row for part in found for row in _of(part)]:
            connection.execute(sa.insert(origins), rows)
        if len(found) < _AT_ONCE:
            return
        last = (found[-1].tenant_id, found[-1].id)


def _of(part: Any) -> Iterator[dict[str, object]]:
    fates = [(letter, UUID(id)) for _number, letter, id in json.loads(part.rows or "[]") if id]
    made, changed = (sorted({id for letter, id in fates if letter == wanted}) for wanted in "cu")
    now = datetime.now(UTC)
    for group, whole in ((made, True), *((group, False) for group in _groups(changed))):
        if group:
            yield {
                "tenant_id": part.tenant_id, "id": _id_beside(part.id, group[0], whole=whole), "import_id": part.import_id, "part_id": part.id,
                "entity": part.entity, "stem": "#" + _stem(group), "first": group[0].hex, "last": group[-1].hex,
                "records": None if whole else " ".join(id.hex for id in group), "version": 1, "created_at": now, "updated_at": now,
            }  # fmt: skip


def _id_beside(part: UUID, first: UUID, *, whole: bool) -> UUID:
    """An id as old as the part, so that origins stand in the order of their parts; its tail is that of a record, and so no other's."""
    return UUID(int=part.int >> 64 << 64 | 1 << 63 | (first.int ^ int(whole)) & (1 << 62) - 1)


def _groups(ids: list[UUID]) -> Iterator[list[UUID]]:
    if not ids:
        return
    place = len(_stem(ids))
    if len(ids) <= _MOST or place == _BITS:
        yield ids
        return
    cut = next(index for index, id in enumerate(ids) if id.int >> (127 - place) & 1)
    yield from _groups(ids[:cut])
    yield from _groups(ids[cut:])


def _stem(ids: list[UUID]) -> str:
    apart = (ids[0].int ^ ids[-1].int) >> _BITS
    return f"{ids[0].int >> _BITS:064b}"[: _BITS - apart.bit_length()]


def downgrade() -> None:
    migrations.drop_table(op, ORIGINS)
    for column in ("oldest", "newest"):
        op.add_column(PARTS, sa.Column(column, columns.UtcDateTime(), nullable=True))
    migrations.create_index(op, PARTS, "oldest")
    parts = sa.table(PARTS, *(sa.column(name, columns.UtcDateTime()) for name in ("oldest", "newest")))
    with migrations.all_rows(op, PARTS):  # of any time: whatever was looked for is looked for in all of them
        op.execute(parts.update().values(oldest=datetime(1970, 1, 1, tzinfo=UTC), newest=datetime(9999, 1, 1, tzinfo=UTC)))
