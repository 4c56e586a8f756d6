"""Fields that were deleted a month ago, with all their values: until then they can be restored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from core.audit import entries
from core.custom.cells import COLUMN
from core.custom.definition import PREFIX, Definition
from core.custom.keys import custom_keys
from core.custom.kinds import KINDS, bare
from core.custom.tables import CustomField
from core.entities.merged import merges
from core.entities.rows import rows_of
from core.search.index import forget_places
from core.search.tables import place_of
from core.tenancy.tables import tenants
from sdk import Batch, Context, Entity, Schedule, _
from sdk.columns import json_data

if TYPE_CHECKING:
    from core.context import Work

KEPT = timedelta(days=30)
SETTLED = timedelta(days=1)
"""How much later values go than the field could last be restored: no restoring is under way then."""
PART = 2_000


class without_slots(GenericFunction[Any]):
    """A JSON document without some slots, NULL where nothing is left. Slots are names of ours."""

    inherit_cache = True
    name = "without_slots"

    def __init__(self, document: sa.ColumnElement[Any], slots: Sequence[str]) -> None:
        super().__init__(document, *(sa.literal_column(f"'{slot}'") for slot in slots), type_=json_data())


@compiles(without_slots, "postgresql")
def _on_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    document, *slots = (compiler.process(part, **kw) for part in element.clauses)
    return f"nullif({document} - ARRAY[{', '.join(slots)}]::text[], '{{}}'::jsonb)"


@compiles(without_slots, "sqlite")
def _on_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    document, *slots = (compiler.process(part, **kw) for part in element.clauses)
    paths = ", ".join(f"'$.' || {slot}" for slot in slots)
    return f"nullif(json_remove({document}, {paths}), '{{}}')"


def check_in_time(work: Work, batch: Batch) -> None:
    """A field is restored while all its values are there."""
    table, late = CustomField.table(), work.now() - KEPT
    for change in batch.changes:
        if change.verb == "restore":
            mine = (table.c.tenant_id == work.tenant.id, table.c.id == change.id, table.c.deleted_at < late)
            if work.connection.execute(sa.select(table.c.id).where(*mine)).first():
                change.forbid(
                    "too_late", _("it was deleted more than {days} days ago, and its values are gone; create another field"), days=KEPT.days
                )


def forget_fields(ctx: Context) -> None:
    """What stands in records under fields that can be restored no more; then these fields. One that finds nothing more is the last."""
    work = cast("Work", ctx)
    for entity, definitions in _gone(work).items():
        found = work.catalog.entities.get(entity)
        if found is None:  # its plugin is away, its table is not known: when that is back
            continue
        slots = [slot for one in definitions if KINDS[one.kind].stored for slot in bare(one).bound(one.name, one.slot).columns()]
        if slots and _forget_values(work, found, slots):
            continue  # somebody who wrote at the same moment may have put one back: the next run looks again
        _forget_definitions(work, definitions)


def forget_soon(work: Work, which: sa.ColumnElement[bool]) -> None:
    """Fields whose values mean nothing any more: none of them is restored, and the next run takes the values out."""
    table = CustomField.table()
    past = work.now() - KEPT - SETTLED - timedelta(seconds=1)
    work.connection.execute(table.update().where(table.c.tenant_id == work.tenant.id, which).values(deleted_at=past))


def _gone(work: Work) -> Mapping[str, list[Definition]]:
    table, found = CustomField.table(), dict[str, list[Definition]]()
    mine = (table.c.tenant_id == work.tenant.id, table.c.deleted_at < work.now() - KEPT - SETTLED)
    with work.transaction():
        for row in work.connection.execute(sa.select(table).where(*mine).order_by(table.c.id)).mappings():
            found.setdefault(row["entity"], []).append(Definition.of(row["id"], {str(name): cell for name, cell in row.items()}))
    return found


def _forget_values(work: Work, entity: Entity, slots: Sequence[str]) -> int:
    """Take the slots out of all rows of the tenant, also of those in the recycle bin, part by part; says how many had one.

    Each statement changes the document as it stands, so that nothing is lost of what others write meanwhile; nobody sees another
    record than before, so its version stays.
    """
    changed, after, table = 0, UUID(int=0), entity.record.table()
    column = table.c[COLUMN]
    holds = sa.or_(*(sa.cast(column, sa.Text()).contains(f'"{slot}"', autoescape=True) for slot in slots))
    while True:
        with work.transaction(write=True):
            mine = (*rows_of(entity, table, work.tenant.id), table.c.id > after)
            ids = list(work.connection.execute(sa.select(table.c.id).where(*mine).order_by(table.c.id).limit(PART)).scalars())
            if not ids:
                return changed
            part = (*rows_of(entity, table, work.tenant.id), table.c.id > after, table.c.id <= ids[-1], column.is_not(None), holds)
            changed += work.connection.execute(table.update().where(*part).values({column: without_slots(column, slots)})).rowcount
            after = ids[-1]


def _forget_definitions(work: Work, definitions: Sequence[Definition]) -> None:
    table, ids = CustomField.table(), [one.id for one in definitions]
    with work.transaction(write=True):
        work.connection.execute(custom_keys.delete().where(custom_keys.c.tenant_id == work.tenant.id, custom_keys.c.field_id.in_(ids)))
        forget_places(work.connection, work.tenant.id, [place_of(one.entity, str(one.id)) for one in definitions])
        mine = (table.c.tenant_id == work.tenant.id, table.c.id.in_(ids))
        for row in work.connection.execute(sa.select(table.c.entity, table.c.key, table.c.deleted_at).where(*mine)).all():
            _forget_merged(work, row.entity, f"{PREFIX}.{row.key}", row.deleted_at)
        work.connection.execute(table.delete().where(*mine))
        version = tenants.c.access_version + 1
        work.connection.execute(tenants.update().where(tenants.c.id == work.tenant.id).values(access_version=version))
        for one in definitions:
            entries.note(work, "core.custom_field", one.id, "purge", {"entity": [one.entity, None], "key": [one.key, None]})


def _forget_merged(work: Work, entity: str, name: str, deleted: datetime) -> None:
    """What merges keep of a field; those from after it was deleted keep it of another field of the same key."""
    named = sa.cast(merges.c.changes, sa.Text()).contains(f'"{name}"', autoescape=True)
    mine = (merges.c.tenant_id == work.tenant.id, merges.c.entity == entity, merges.c.at <= deleted, named)
    for row in work.connection.execute(sa.select(merges.c.id, merges.c.changes).where(*mine)).all():
        own = (merges.c.tenant_id == work.tenant.id, merges.c.id == row.id)
        left = {field: pair for field, pair in row.changes.items() if field != name}
        work.connection.execute(merges.update().where(*own).values(changes=left))


SCHEDULE = Schedule("forget_fields", forget_fields, every=timedelta(days=1), label=_("Remove values of deleted fields"))
