"""The id of a record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa

from sdk.columns import key
from sdk.fields.base import Field, FlawError
from sdk.text import _


@dataclass(frozen=True, kw_only=True)
class IdField(Field):
    """A UUID of version 7 (RFC 9562), made by the platform: it sorts by time of creation."""

    kind: ClassVar[str] = "id"
    operators: ClassVar[tuple[str, ...]] = ("eq", "ne", "in")

    def column_type(self) -> sa.types.TypeEngine[Any]:
        return key()

    def check(self, cell: object) -> object:
        if isinstance(cell, UUID):
            return cell
        try:
            return UUID(cell if isinstance(cell, str) and len(cell) == 36 else "")
        except ValueError as failure:
            raise FlawError("malformed", _("expected an ID (UUID)")) from failure

    def json_schema(self) -> dict[str, object]:
        return {"type": "string", "format": "uuid"}
