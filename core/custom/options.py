"""The options of a choice that a tenant makes: their keys and what people call them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sa

from sdk import Mapped, Text, _
from sdk.columns import json_data
from sdk.fields import Field, FlawError
from sdk.fields.base import wrong_type

MOST_OPTIONS = 200
_WORD = r"[^\x00-\x1f\x7f-\x9f,;|\[\]\s]([^\x00-\x1f\x7f-\x9f,;|\[\]]{0,38}[^\x00-\x1f\x7f-\x9f,;|\[\]\s])?"
"""Commas, bars and the like part options from each other in filters, headings and cells of files."""
_KEY, _LABEL = re.compile(rf"{_WORD}\Z"), re.compile(_WORD.replace("0,38", "0,98") + r"\Z")
_PARTS = frozenset({"key", "label", "label_zh"})


@dataclass(frozen=True, kw_only=True)
class OptionsField(Field):
    """A list of `{"key", "label", "label_zh"}`; a bare word stands for a key that is its own label."""

    kind: ClassVar[str] = "options"
    operators: ClassVar[tuple[str, ...]] = ("empty",)
    widget: ClassVar[str] = "options"
    sortable: ClassVar[bool] = False

    def column_type(self) -> sa.types.TypeEngine[Any]:
        return json_data()

    def check(self, cell: object) -> object:
        if not isinstance(cell, list):
            raise wrong_type(_("a list"), cell)
        if len(cell) > MOST_OPTIONS:
            raise FlawError("too_many", _("at most {limit} entries, got {got}"), limit=MOST_OPTIONS, got=len(cell))
        made = [_option(one) for one in cell]
        keys = [one["key"] for one in made]
        if twice := next((key for key in keys if keys.count(key) > 1), None):
            raise FlawError("duplicate", _("the option {got!r} appears twice"), got=twice)
        return made or None

    def read_cell(self, cell: str, style: Mapping[str, str]) -> object:
        if not cell.startswith("["):
            return self.check([part.strip() for part in cell.split(";") if part.strip()])
        try:
            return self.check(json.loads(cell))
        except (json.JSONDecodeError, RecursionError) as failure:
            raise FlawError("malformed", _("expected JSON")) from failure

    def format(self, value: object) -> str:
        return json.dumps(value, ensure_ascii=False) if value else ""

    def json_schema(self) -> dict[str, object]:
        return {"type": "array", "items": {"type": "object", "properties": {part: {"type": "string"} for part in sorted(_PARTS)}}}

    def input_schema(self) -> dict[str, object]:
        key, label = (
            {"type": "string", "pattern": f"^{_WORD}$"},
            {"type": "string", "pattern": f"^{_LABEL.pattern.removesuffix(chr(92) + 'Z')}$"},
        )
        parts = {"key": key, "label": label, "label_zh": label}
        whole = {"type": "object", "properties": parts, "required": ["key"], "additionalProperties": False}
        return {"type": "array", "items": {"anyOf": [key, whole]}, "maxItems": MOST_OPTIONS, "uniqueItems": True}

    def sought_schema(self) -> dict[str, object]:
        return {"type": "string"}


def _option(cell: object) -> dict[str, str]:
    if isinstance(cell, str):
        cell = {"key": cell}
    if not isinstance(cell, dict) or not all(isinstance(word, str) for word in cell.values()):
        raise wrong_type(_("a word, or an object with key, label and label_zh"), cell)
    if unknown := sorted(str(part) for part in cell if part not in _PARTS):
        raise FlawError("unknown_key", _("unknown key {got}"), got=unknown[0][:40])
    words = {part: str(word).strip() for part, word in cell.items() if str(word).strip()}
    words.setdefault("label", words.get("key", ""))
    for part, word in words.items():
        if not (_KEY if part == "key" else _LABEL).match(word):
            raise FlawError(
                "malformed",
                _("the option {got!r} is too long, or contains a comma, semicolon, bar, bracket or control character"),
                got=word[:80],
            )
    if "key" not in words:
        raise FlawError("required", _("each option needs a key"))
    return words


def option_list(label: Text, *, track: bool = False) -> Mapped[Any]:
    """The options of a choice."""
    return Mapped(OptionsField(label=label, track=track))
