"""References to a record of any entity: what a task, a comment or a file is about."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from sdk.columns import key
from sdk.fields.base import Field, FlawError, Mapped, ReportRole, wrong_type
from sdk.fields.text import plain_text
from sdk.text import Text, _

_ENTITY = r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*"
_ID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_WRITTEN = re.compile(rf"(?P<entity>{_ENTITY}):(?P<id>{_ID})\Z", re.ASCII)
_NAMED = re.compile(rf"(?P<entity>{_ENTITY}):(?P<word>\S(?:.*\S)?)\Z", re.ASCII | re.DOTALL)
_LONGEST = 100
_LONGEST_WORD = 255


class Reference(NamedTuple):
    """A record by the full name of its entity and its id."""

    entity: str
    id: UUID

    def __str__(self) -> str:
        return f"{self.entity}:{self.id}"


class NamedReference(NamedTuple):
    """A record by the full name of its entity and what people call it; the write door looks it up."""

    entity: str
    word: str

    def __str__(self) -> str:
        return f"{self.entity}:{self.word}"


@dataclass(frozen=True, kw_only=True)
class AnyRecordField(Field):
    """A reference in two columns, the id and the entity's name; both or neither. The write door checks that it is there.

    In files what people call the record may stand in the place of its id: `plugin.entity:Acme`.
    """

    parent: bool = False
    remark: bool = False

    kind: ClassVar[str] = "any_record"
    operators: ClassVar[tuple[str, ...]] = ("eq", "ne", "in", "empty")
    role: ClassVar[ReportRole] = ReportRole.DIMENSION
    widget: ClassVar[str] = "any_record"
    sortable: ClassVar[bool] = False

    def column_type(self) -> sa.types.TypeEngine[Any]:
        return key()

    def siblings(self) -> Mapping[str, sa.types.TypeEngine[Any]]:
        return {"entity": sa.String(_LONGEST)}

    @property
    def entity_attribute(self) -> str:
        """The column that holds the entity's name."""
        return f"{self.attribute}_entity"

    def split(self, value: object) -> tuple[object, ...]:
        return (value.id, value.entity) if isinstance(value, Reference) else (None, None)

    def join(self, cells: Sequence[object]) -> object:
        id, entity = cells
        return Reference(str(entity), id) if isinstance(id, UUID) else None

    def check(self, cell: object) -> object:
        if isinstance(cell, Reference | NamedReference):
            return cell
        if isinstance(cell, str):
            return self.sought(cell.strip()) if cell.strip() else None
        if not isinstance(cell, dict):
            raise wrong_type(_('an object such as {"entity": "plugin.entity", "id": "..."}'), cell)
        if unknown := sorted(str(name) for name in set(cell) - {"entity", "id"}):
            raise FlawError("unknown_key", _("unknown key {got}"), got=unknown[0][:40])
        return self.sought(f"{cell.get('entity')}:{cell.get('id')}")

    def read_cell(self, cell: str, style: Mapping[str, str]) -> object:
        named = None if _WRITTEN.match(cell) else _NAMED.match(cell)
        if named is None or len(named["entity"]) > _LONGEST:
            return self.sought(cell)
        return NamedReference(named["entity"], plain_text(named["word"], _LONGEST_WORD))

    def sought(self, cell: str) -> Reference:
        written = _WRITTEN.match(cell)
        if written is None or len(written["entity"]) > _LONGEST:
            raise FlawError("malformed", _("expected an entity and an ID, such as plugin.entity:01890a5d-ac96-774b-bcce-b302099a8057"))
        return Reference(written["entity"], UUID(written["id"]))

    def wire(self, *cells: str) -> str:
        return f"(None if {cells[0]} is None else {{'entity': {cells[1]}, 'id': {cells[0]}}})"

    def json_schema(self) -> dict[str, object]:
        properties = {
            "entity": {"type": "string", "pattern": f"^{_ENTITY}$", "maxLength": _LONGEST},
            "id": {"type": "string", "format": "uuid"},
        }
        return {"type": "object", "properties": properties, "required": ["entity", "id"], "additionalProperties": False}

    def input_schema(self) -> dict[str, object]:
        return {"anyOf": [self.json_schema(), self.sought_schema()]}

    def sought_schema(self) -> dict[str, object]:
        return {"type": "string", "pattern": f"^{_ENTITY}:{_ID}$", "maxLength": _LONGEST + 37}


def any_record(label: Text, *, required: bool = False, parent: bool = False, remark: bool = False, track: bool = False,
               readonly: bool = False) -> Mapped[Any]:  # fmt: skip
    """A record of any entity that the tenant has, as `Reference`; on the wire `{"entity": "plugin.entity", "id": "..."}`.

    `parent=True`: who reaches that record reaches this one (comments, files). Such a record cannot be about another such record.

    `remark=True`, with it: the record is what its owner says about that one and no part of it (comments): who may read that one may
    write such of his own, and change and delete them; a part asks for the right to change it.
    """
    return Mapped(AnyRecordField(label=label, required=required, parent=parent, remark=remark, track=track, readonly=readonly, index=True))
