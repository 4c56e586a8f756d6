"""A colour as screens know it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from sdk import Mapped, Text, _
from sdk.fields import FlawError, TextField

_FORM = re.compile(r"#[0-9a-f]{6}\Z")


@dataclass(frozen=True, kw_only=True)
class ColorField(TextField):
    """Red, green and blue in hexadecimal, kept in lower case."""

    length: int = 7

    kind: ClassVar[str] = "color"
    widget: ClassVar[str] = "color"

    def check(self, cell: object) -> object:
        checked = TextField.check(self, cell)
        if checked is None:
            return None
        if not _FORM.match(made := str(checked).lower()):
            raise FlawError("malformed", _("expected a color such as #1a2b3c"))
        return made

    def sought(self, cell: str) -> object:
        return str(TextField.sought(self, cell)).lower()

    def json_schema(self) -> dict[str, object]:
        return {"type": "string", "pattern": "^#[0-9a-f]{6}$"}

    def input_schema(self) -> dict[str, object]:
        return {"type": "string", "pattern": "^#[0-9a-fA-F]{6}$" if self.required else "^(#[0-9a-fA-F]{6})?$"}


def color(label: Text) -> Mapped[str | None]:
    """A colour."""
    return Mapped(ColorField(label=label, example="#1a2b3c"))
