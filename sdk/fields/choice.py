"""One of a few declared words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import sqlalchemy as sa

from sdk.fields.base import Field, FlawError, Mapped, ReportRole, wrong_type
from sdk.text import Text, _


@dataclass(frozen=True, kw_only=True)
class ChoiceField(Field):
    options: Mapping[str, Text] = field(default_factory=dict)

    kind: ClassVar[str] = "choice"
    role: ClassVar[ReportRole] = ReportRole.DIMENSION
    widget: ClassVar[str] = "select"

    def column_type(self) -> sa.types.TypeEngine[Any]:
        return sa.String(40)

    def check(self, cell: object) -> object:
        if not isinstance(cell, str):
            raise wrong_type(_("text"), cell)
        if cell not in self.options:
            raise FlawError("unknown_choice", _("expected one of {options}"), options=", ".join(self.options))
        return cell

    def read_cell(self, cell: str, style: Mapping[str, str]) -> object:
        by_word = {label.casefold(): key for key, label in self.options.items()}
        return self.check(by_word.get(cell.casefold(), cell.casefold() if cell.casefold() in self.options else cell))

    def json_schema(self) -> dict[str, object]:
        return {"type": "string", "enum": list(self.options)}


def choice(label: Text, options: Mapping[str, Text], *, default: str | None = None, required: bool = False,
           track: bool = False, readonly: bool = False, index: bool = False) -> Mapped[Any]:  # fmt: skip
    """One of `options`, a mapping from the stored key to its label."""
    return Mapped(ChoiceField(label=label, options=dict(options), default=default, required=required, track=track,
                              readonly=readonly, index=index))  # fmt: skip
