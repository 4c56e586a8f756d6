"""An entity goes for good with all of its records and what hangs on them: asked for by its key, done in the background, in parts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import sqlalchemy as sa
from marshmallow import Schema, fields, validate

from core.audit import entries
from core.custom import cells
from core.custom.definition import PREFIX, Definition
from core.custom.entity_checks import NAME, PURGE, records_of
from core.custom.entity_tables import CustomEntity, CustomRecord
from core.custom.forgetting import forget_soon, without_slots
from core.custom.keys import custom_keys
from core.custom.kinds import field_of
from core.custom.tables import CustomField
from core.entities import journal, merged
from core.entities.rows import rows_of
from core.search import index
from sdk import Condition, Context, Draft, Invalid, Job, NotFound, Problem, Record, Request, Response, Route, Verb, _
from sdk.columns import among
from sdk.context import Row, id_of
from sdk.fields import AnyRecordField
from sdk.permissions import IMPLIED

if TYPE_CHECKING:
    from core.context import Work

JOB = "purge_entity"
_PART = 200
MOST_TOKENS = 100_000
_FILE = re.compile(r"[0-9a-f]{32}\Z")


class NewPurge(Schema):
    """The key once more, so that nobody deletes another entity than he means."""

    key = fields.String(required=True, validate=validate.Length(1, 40))


class PurgeRow(Schema):
    """What goes: the entity is nowhere from now on, its records are deleted in the background."""

    entity = fields.String(required=True)
    records = fields.Integer(required=True)


def purge(ctx: Context, request: Request) -> object:
    """Take an entity out of sight for good and let its records be deleted. Raises NotFound, Invalid, Conflict where another is part of it."""
    work, id = cast("Work", ctx), request.id()
    row = _definition(work, id)
    name = f"{PREFIX}.{row['key']}"
    if request.body["key"] != row["key"]:
        problem = Problem("key", "other_key", _("expected the key of the entity, {key!r}"), {"key": str(row["key"])})
        raise Invalid(_("some values are invalid"), problems=[problem])
    making, count = CustomEntity.table(), records_of(work, id)
    if not row["gone"]:
        work.as_system().records(NAME).write_all([Draft("delete", {}, id, act=PURGE)])
    # Past the door, as what is in the recycle bin is not changed there.
    work.connection.execute(making.update().where(making.c.tenant_id == work.tenant.id, making.c.id == id).values(purging=True))
    entries.note(work, NAME, id, "purge", {"key": [row["key"], None], "records": [count, None]})
    journal.ask(work, f"core.{JOB}", [{"id": str(id)}], as_system=True)
    return Response({"entity": name, "records": count}, 202)


def _definition(work: Work, id: UUID) -> Row:
    """The definition, for who sees any; one in the recycle bin is as good."""
    records, this = work.as_system().records(NAME), (Condition("id", "eq", (id,)),)
    for deleted in (False, True) if work.can(f"{NAME}.read") else ():
        for row in records.find(this, 1, deleted=deleted):
            if not row["purging"]:
                return {**row, "gone": deleted}
    raise NotFound(_("{entity} {id} does not exist"), entity=NAME, id=str(id))


def delete_records(ctx: Context, arguments: Mapping[str, object]) -> None:
    """All records of an entity that is purged, a part at a time, and at last the entity itself; begun again, it goes on where it was."""
    work, id = cast("Work", ctx), UUID(str(arguments["id"]))
    table, making = CustomRecord.table(), CustomEntity.table()
    mine = (making.c.tenant_id == work.tenant.id, making.c.id == id, making.c.purging)
    part = sa.select(table.c.id).where(table.c.tenant_id == work.tenant.id, table.c.kind_id == id).order_by(table.c.id).limit(_PART)
    while True:
        with work.transaction(write=True):
            key = work.connection.execute(sa.select(making.c.key).where(*mine)).scalar()
            if key is None:  # done by an earlier attempt
                return
            ids = list(work.connection.execute(part).scalars())
            if not ids:
                _finish(work, id, f"{PREFIX}.{key}")
                return
            _Removal(work).records(f"{PREFIX}.{key}", table, ids)


def _finish(work: Work, id: UUID, name: str) -> None:
    """Nothing is left that another entity of the same key would find: fields, links to it, grants, the definition."""
    system, field, making = work.as_system(), CustomField.table(), CustomEntity.table()
    words = tuple(f"{name}.{word}" for word in (*Verb, *IMPLIED))
    for entity, condition in (
        ("core.grant", Condition("permission", "in", words)),
        ("core.custom_field", Condition("target", "eq", (name,))),
        ("core.custom_field", Condition("source", "eq", (name,))),
    ):
        records = system.records(entity)
        while found := records.find((condition,)):
            records.write_all([Draft("delete", {}, id_of(row)) for row in found])
    forget_soon(work, sa.or_(field.c.target == name, field.c.source == name))
    tokens = system.records("core.token")
    for row in tokens.find((), MOST_TOKENS):
        allows = row["allows"]
        left = [word for word in allows if not f"{word}.".startswith((f"{name}.", f"{name}:"))] if isinstance(allows, list) else allows
        if left != allows:  # an entity of the same key that comes later is another
            tokens.update(id_of(row), {"allows": left})
    work.connection.execute(field.delete().where(field.c.tenant_id == work.tenant.id, field.c.entity == name))
    merged.forget(work.connection, work.tenant.id, lambda entity: entity == name)
    work.connection.execute(making.delete().where(making.c.tenant_id == work.tenant.id, making.c.id == id))
    work.access_changed()


class _Removal:
    """Deletes rows with what hangs on them, in the open transaction."""

    def __init__(self, work: Work) -> None:
        self.work, self.connection, self.tenant = work, work.connection, work.tenant.id

    def records(self, entity: str, table: sa.Table, ids: Sequence[UUID]) -> None:
        """Records of an entity: what is part of one goes, what only names one stays without it."""
        for holder, other, reference in self._references():
            named = (
                other.c.tenant_id == self.tenant,
                other.c[reference.entity_attribute] == entity,
                among(other.c[reference.attribute], ids),
            )
            if reference.parent or reference.required:
                found = list(self.connection.execute(sa.select(other.c.id).where(*named)).scalars())
                for some in _parts(found):
                    self.records(holder, other, some)
            else:
                self.connection.execute(other.update().where(*named).values(dict.fromkeys(reference.columns())))
        self._unname(entity, ids)
        self._rows(table, ids)

    def _unname(self, entity: str, ids: Sequence[UUID]) -> None:
        """Fields of the tenant's own that name one of the records name nothing any more."""
        table = CustomField.table()
        mine = (table.c.tenant_id == self.tenant, table.c.kind == "any_record")
        for row in self.connection.execute(sa.select(table).where(*mine)).mappings():
            holder = self.work.catalog.entities.get(row["entity"])
            if holder is None:
                continue
            field, other = field_of(Definition.of(row["id"], {str(name): cell for name, cell in row.items()})), holder.record.table()
            id, kind = cells.columns(other.c[cells.COLUMN], field)
            named = (*rows_of(holder, other, self.tenant), other.c[cells.COLUMN].is_not(None), kind == entity, id.in_(ids))
            self.connection.execute(
                other.update().where(*named).values({cells.COLUMN: without_slots(other.c[cells.COLUMN], field.columns())})
            )

    def _references(self) -> Iterator[tuple[str, sa.Table, AnyRecordField]]:
        """The fields of all entities, of plugins that are off as well, that may name a record of any kind."""
        for entity in self.work.platform.catalog.entities.values():
            table = entity.record.table()
            for field in entity.record.__fields__.values() if not table.info.get("view") else ():
                if isinstance(field, AnyRecordField) and field.entity_attribute in table.c:
                    yield entity.full_name, table, field

    def _rows(self, table: sa.Table, ids: Sequence[UUID]) -> None:
        for other, column in _pointing(table):
            named = (other.c.tenant_id == self.tenant, among(column, ids))
            if column.nullable:
                self.connection.execute(other.update().where(*named).values({column.name: None}))
            elif "id" in other.c:
                found = list(self.connection.execute(sa.select(other.c.id).where(*named)).scalars())
                for some in _parts(found):
                    self._rows(other, some)
            else:
                self.connection.execute(other.delete().where(*named))
        mine = (table.c.tenant_id == self.tenant, among(table.c.id, ids))
        self._files(table, mine)
        keys = (custom_keys.c.tenant_id == self.tenant, among(custom_keys.c.record_id, ids))
        self.connection.execute(custom_keys.delete().where(*keys))
        index.forget(self.work, ids)
        self.connection.execute(table.delete().where(*mine))

    def _files(self, table: sa.Table, mine: Sequence[sa.ColumnElement[bool]]) -> None:
        """The contents that a row names by their keys. Not after the commit: what is interrupted there would never be removed."""
        columns = [column for column in table.c if isinstance(column.type, sa.String) and column.type.length == 32]
        for row in self.connection.execute(sa.select(*columns).where(*mine)) if columns else ():
            for cell in row:
                if isinstance(cell, str) and _FILE.match(cell):
                    self.work.files.remove(cell)


def _parts(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    yield from (ids[at : at + _PART] for at in range(0, len(ids), _PART))


def _pointing(table: sa.Table) -> Iterator[tuple[sa.Table, sa.Column[Any]]]:
    """The columns of other tables, or of its own, whose foreign key is its id."""
    for other in Record.metadata.tables.values():
        for column in other.c:
            if column.name != "tenant_id" and any(key.column is table.c.id for key in column.foreign_keys):
                yield other, column


JOBS: Sequence[Job] = (Job(JOB, delete_records, label=_("Delete the records of a deleted entity")),)
ROUTES: Sequence[Route] = (
    Route(method="POST", path="/custom_entities/{id}/purges", view=purge, permission=f"{NAME}.delete", status=202,
          summary=_("Delete a custom entity with all of its records"), body=NewPurge, answer=PurgeRow),
)  # fmt: skip
