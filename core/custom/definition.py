"""What a tenant says of a field that it adds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

PREFIX = "custom"
"""A custom field is called `custom.<key>`, as those that plugins add are `<plugin>.<name>`."""


@dataclass(frozen=True)
class Definition:
    """One row of `core_custom_fields`, as a value that can be looked up by."""

    id: UUID
    entity: str
    key: str
    kind: str
    label: str
    label_zh: str | None = None
    target: str = ""
    written_options: str = "[]"
    default: str | None = None
    source: str = ""
    link: str = ""
    measure: str = ""
    where: str = ""
    expression: str = ""
    result: str = ""
    shown_if: str = ""
    required_if: str = ""
    required: bool = False
    unique: bool = False
    indexed: bool = False
    search: bool = False
    sensitive: bool = False
    personal: bool = False
    gone: bool = False
    """Whether it is in the recycle bin: nobody sees the field, and its values stay."""

    @classmethod
    def of(cls, id: UUID, values: Mapping[str, Any]) -> Definition:
        """From the values of a record."""
        more: dict[str, Any] = {
            name: bool(values.get(name)) for name in ("required", "unique", "indexed", "search", "sensitive", "personal")
        }
        more |= {
            name: values.get(name) or ""
            for name in ("source", "link", "measure", "where", "expression", "result", "shown_if", "required_if")
        }
        return cls(
            id, str(values["entity"]), str(values["key"]), str(values["kind"]), str(values["label"]), values.get("label_zh"),
            values.get("target") or "", json.dumps(values.get("options") or []), values.get("default"), **more,
            gone=values.get("deleted_at") is not None,
        )  # fmt: skip

    @property
    def name(self) -> str:
        """What the field is called in the entity."""
        return f"{PREFIX}.{self.key}"

    @property
    def options(self) -> list[dict[str, str]]:
        """The options of a choice, in order."""
        read: list[dict[str, str]] = json.loads(self.written_options)
        return read

    @cached_property
    def slot(self) -> str:
        """Where its values stand in the document: another field of the same key, made once this one is gone, has another slot.

        So what stands there is always of the kind that it is read as.
        """
        return f"{self.key}_{self.id.hex[-8:]}"
