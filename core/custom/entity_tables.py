"""The definitions of entities that tenants make, and the one table of all their records."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from sdk import Mapped, Record, _
from sdk import fields as f
from sdk.entities import unique_together

MOST_ENTITIES = 50
"""Entities of one tenant's own."""


class CustomEntity(Record):
    """An entity that the tenant makes; it is called `custom.<key>`, and its records are at `/api/v1/custom/<plural>`."""

    __tablename__ = "core_custom_entities"
    __table_args__ = (unique_together("core_custom_entities", "key"), unique_together("core_custom_entities", "plural"))

    key: Mapped[str] = f.text(_("Key"), length=40, required=True, example="project")
    plural: Mapped[str | None] = f.text(_("Plural in URLs"), length=40, example="projects")
    label: Mapped[str] = f.text(_("Label"), length=100, required=True, search=True, track=True)
    label_zh: Mapped[str | None] = f.text(_("Chinese label"), length=100, search=True, track=True)
    plural_label: Mapped[str | None] = f.text(_("Plural label"), length=100, track=True)
    plural_label_zh: Mapped[str | None] = f.text(_("Chinese plural label"), length=100, track=True)
    title_label: Mapped[str | None] = f.text(_("Label of the name field"), length=100, track=True)
    title_label_zh: Mapped[str | None] = f.text(_("Chinese label of the name field"), length=100, track=True)
    parent: Mapped[str | None] = f.with_example(f.key(_("Parent entity"), length=100, match=False), f.NO_EXAMPLE)
    owned: Mapped[bool] = f.boolean(_("Has an owner"), default=True)
    active: Mapped[bool] = f.boolean(_("Active"), default=True, track=True)
    purging: Mapped[bool] = Mapped(f.BooleanField(label=_("Being deleted with its records"), default=False, readonly=True))


class CustomRecord(Record):
    """A record of one of these entities; `kind_id` says of which. Each of them shows the fields that it has."""

    __tablename__ = "core_custom_records"
    __table_args__ = (sa.Index("ix_core_custom_records_name", "tenant_id", "kind_id", "name", "id"),)

    kind_id: Mapped[UUID] = f.link(_("Type"), CustomEntity, required=True)
    name: Mapped[str] = f.text(_("Name"), required=True, track=True)
    parent_id: Mapped[UUID | None] = f.link(_("Part of"), "core.custom_entity", parent=True, timeline=True, track=True)


CustomRecord.table().info["shared"] = True  # whoever reads it names the kind: see `core.testkit.walls`
