"""An entity that a tenant has made itself: what the platform knows of it, from the tenant's own definition."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import new_class
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from core.custom.definition import PREFIX
from core.custom.entity_tables import CustomRecord
from core.custom.kinds import told
from sdk import Entity, Record
from sdk.fields import Field, LinkField, TextField


@dataclass(frozen=True)
class Making:
    """One row of `core_custom_entities`, as a value that can be looked up by."""

    id: UUID
    key: str
    plural: str
    label: str
    plural_label: str
    label_zh: str | None = None
    plural_label_zh: str | None = None
    title_label: str = ""
    title_label_zh: str | None = None
    parent: str = ""
    owned: bool = True

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Making:
        """From a row of the table, or the values of a record."""
        more = {name: row.get(name) for name in ("label_zh", "plural_label_zh", "title_label_zh")}
        return cls(
            row["id"], str(row["key"]), str(row["plural"]), str(row["label"]), str(row["plural_label"]), **more,
            title_label=row.get("title_label") or "", parent=row.get("parent") or "", owned=bool(row["owned"]),
        )  # fmt: skip

    @property
    def name(self) -> str:
        """What the entity is called among all."""
        return f"{PREFIX}.{self.key}"


@dataclass(frozen=True)
class Makings:
    """All entities that a tenant has made and that are in force."""

    each: tuple[Making, ...] = ()

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(self.each)


@dataclass(frozen=True)
class OwnEntity(Entity):
    """Its records stand in one table with those of all others of the kind; `made_as` is the id of the definition that they bear."""

    made_as: UUID = UUID(int=0)


def kind_of(entity: Entity | None) -> UUID | None:
    """What the records of an entity bear in the column `kind_id`, None for one that has a table to itself."""
    return entity.made_as if isinstance(entity, OwnEntity) else None


def entity_of(making: Making) -> OwnEntity:
    """The entity that a definition makes."""
    label, plural = told(making.label, making.label_zh), told(making.plural_label, making.plural_label_zh)
    return OwnEntity(_record(making), making.key, making.plural, label, plural, owned=making.owned, plugin=PREFIX, made_as=making.id)


def _record(making: Making) -> type[Record]:
    """A class with the fields of this entity over the table of all."""

    def table(_cls: type[Record]) -> sa.Table:
        return CustomRecord.table()

    spoken = re.sub(r"(?:^|_)(.)", lambda found: found[1].upper(), making.key)
    body = {"__doc__": making.label, "table": classmethod(table)}
    made: type[Record] = new_class(spoken, (Record,), exec_body=lambda named: named.update(body))
    made.__fields__ = _fields(making)
    return made


def _fields(making: Making) -> dict[str, Field]:
    declared = CustomRecord.__fields__
    name, parent = declared["name"], declared["parent"]
    assert isinstance(name, TextField)
    assert isinstance(parent, LinkField)
    title = told(making.title_label, making.title_label_zh) if making.title_label else name.label
    fields: dict[str, Field] = {"name": replace(name, label=title, search=True, match=True)}
    if making.parent:
        fields["parent"] = replace(parent, target=making.parent, required=True)
    return fields
