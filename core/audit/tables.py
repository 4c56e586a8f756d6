"""The seals of the audit, and the audit as people see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa

from core.events.tables import NO_RECORD
from core.identity.tables import User
from sdk import Channel, Mapped, Record, Text, _
from sdk import fields as f
from sdk.columns import UtcDateTime, json_data, key
from sdk.fields.base import Field

CHANNELS: dict[str, Text] = {
    Channel.API: _("Program"), Channel.PAGE: _("Page"), Channel.IMPORT: _("Import"), Channel.RULE: _("Rule"), Channel.PLUGIN: _("Plugin"),
    Channel.CLI: _("Command line"), Channel.FORM: _("Web form"),
}  # fmt: skip

seals = sa.Table(
    "core_audit_seals",
    Record.metadata,
    sa.Column("tenant_id", key(), primary_key=True),
    sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
    sa.Column("last", key(), nullable=False),  # it seals the entries from behind the last of the seal before it to this one
    sa.Column("until", UtcDateTime(), nullable=False),  # when that one was made
    sa.Column("count", sa.Integer(), nullable=False),
    sa.Column("marks", sa.Text(), nullable=False),  # the beginnings of their digests in order: they tell which one is missing
    sa.Column("content", sa.String(64), nullable=False),  # over their digests
    sa.Column("hash", sa.String(64), nullable=False),  # over all of this and the hash of the seal before it
    sa.Column("adopted", sa.Boolean(), nullable=False),  # whether all of them are from before entries had digests
    sa.Column("dropped", sa.String(64), nullable=True),  # over the hash: the entries were deleted when their time was over
    sa.Column("sealed_at", UtcDateTime(), nullable=False),
)


@dataclass(frozen=True, kw_only=True)
class ChangesField(Field):
    """Old and new values by field; to be read and nothing else, as each reader sees other parts of it."""

    kind: ClassVar[str] = "changes"
    operators: ClassVar[tuple[str, ...]] = ()
    sortable: ClassVar[bool] = False

    def column_type(self) -> sa.types.TypeEngine[Any]:
        return json_data()

    def json_schema(self) -> dict[str, object]:
        pair: dict[str, object] = {"type": "array", "minItems": 2, "maxItems": 2}
        return {"type": "object", "additionalProperties": pair}


@dataclass(frozen=True, kw_only=True)
class AboutField(f.AnyRecordField):
    """The record that an entry is about; of an attempt at an entity as a whole there is none, and it says so."""

    def join(self, cells: Sequence[object]) -> object:
        return None if cells[0] == NO_RECORD else super().join(cells)

    def wire(self, *cells: str) -> str:
        return f"(None if {cells[0]} is None or not {cells[0]}.int else {super().wire(*cells)})"


def _changes(label: Text) -> Mapped[Any]:
    return Mapped(ChangesField(label=label, readonly=True))


class Entry(Record):
    """Who did what, when and through what. Made by a view; nothing writes it but the doors."""

    __tablename__ = "core_audit_entries"

    at: Mapped[datetime] = f.at(_("At"), readonly=True)
    user_id: Mapped[UUID | None] = f.link(_("User"), User, readonly=True)
    actor: Mapped[str] = f.text(_("Who"), length=100, readonly=True)
    impersonator_id: Mapped[UUID | None] = f.link(_("Impersonating that person"), User, readonly=True)
    channel: Mapped[str] = f.choice(_("Channel"), CHANNELS, readonly=True)
    entity: Mapped[str] = f.text(_("Entity"), length=80, readonly=True)
    record: Mapped[UUID | None] = Mapped(AboutField(label=_("Record"), readonly=True, index=True))
    action: Mapped[str] = f.text(_("Action"), length=10, readonly=True)
    changes: Mapped[dict[str, Any] | None] = _changes(_("Changes"))


Entry.table().info["view"] = True  # no migration makes a table of it
