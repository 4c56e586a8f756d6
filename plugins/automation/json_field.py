"""A field that holds a JSON document: what a rule is made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sa

from sdk import Mapped, Text, _
from sdk.columns import json_data
from sdk.fields import Field, FlawError

LONGEST, KEPT = 20_000, 2_000_000
"""Characters of what people write, and of what we write down ourselves."""
DEEPEST = 12


@dataclass(frozen=True, kw_only=True)
class JsonField(Field):
    """A list or an object; `of` says which. At most `longest` characters, twelve levels deep, without null characters."""

    of: type = list
    longest: int = LONGEST

    kind: ClassVar[str] = "json"
    operators: ClassVar[tuple[str, ...]] = ("empty",)
    widget: ClassVar[str] = "json"
    sortable: ClassVar[bool] = False

    def column_type(self) -> sa.types.TypeEngine[Any]:
        return json_data()

    def check(self, cell: object) -> object:
        if not isinstance(cell, self.of):
            raise FlawError("type", _("expected a list") if self.of is list else _("expected an object"))
        try:
            written = json.dumps(cell, allow_nan=False, ensure_ascii=False)
            written.encode()  # half of a character that takes two is none
            deep, clean = _depth(cell), _clean(cell)
        except (TypeError, ValueError, RecursionError) as failure:
            raise FlawError("malformed", _("expected JSON")) from failure
        if len(written) > self.longest or deep > DEEPEST:
            raise FlawError("too_long", _("at most {limit} characters in {depth} levels"), limit=self.longest, depth=DEEPEST)
        if not clean:
            raise FlawError("control_character", _("contains an invalid character; remove it"))
        return cell

    def read_cell(self, cell: str, style: Mapping[str, str]) -> object:
        try:
            return self.check(json.loads(cell))
        except (ValueError, RecursionError) as failure:
            if isinstance(failure, FlawError):
                raise
            raise FlawError("malformed", _("expected JSON")) from failure

    def format(self, value: object) -> str:
        return "" if value is None else json.dumps(value, ensure_ascii=False)

    def json_schema(self) -> dict[str, object]:
        return {"type": "array", "items": {}} if self.of is list else {"type": "object"}

    def sought_schema(self) -> dict[str, object]:
        return {"type": "string"}


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


def _clean(value: object) -> bool:
    """Whether no text in it holds a null character, which PostgreSQL keeps nowhere."""
    if isinstance(value, dict):
        return all("\x00" not in key and _clean(one) for key, one in value.items())
    return all(map(_clean, value)) if isinstance(value, list) else not isinstance(value, str) or "\x00" not in value


def document(label: Text, of: type = list, *, readonly: bool = False, sensitive: bool = False,
             personal: bool = False, hands_over: bool = False) -> Mapped[Any]:  # fmt: skip
    """A JSON document, nothing by itself."""
    return Mapped(JsonField(label=label, of=of, readonly=readonly, sensitive=sensitive, personal=personal, hands_over=hands_over,
                            longest=KEPT if readonly else LONGEST))  # fmt: skip
