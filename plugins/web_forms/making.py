"""A form from a name, with the fields that nearly every form asks for; and changes to all of its fields at once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from plugins.web_forms.forms import FIELD, FORM, offered
from sdk import Context, Draft
from sdk.context import Row, id_of

COMMON = (("name", True), ("company", False), ("email", True), ("phone", False), ("notes", False))
STEP = 10
_NO_KEY = re.compile(r"[^a-z0-9]+")


def begin(ctx: Context, values: Mapping[str, object]) -> Row:
    """A new form with the common fields; raises what the door refuses."""
    with ctx.transaction(write=True):
        form = ctx.records(FORM).create(values)
        there = offered(ctx)
        drafts = [
            Draft("create", {"form": form["id"], "field": name, "required": required, "position": STEP * number})
            for number, (name, required) in enumerate(COMMON, 1)
            if name in there
        ]
        ctx.records(FIELD).write_all(drafts)
    return form


def key_of(name: str) -> str:
    """A key from a name; "" where it has no letters that a key may have."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _NO_KEY.sub("-", plain).strip("-")[:60]


def in_order(ctx: Context, rows: list[Row]) -> None:
    """Number the fields as they stand."""
    drafts = [
        Draft("update", {"position": STEP * number}, id_of(row)) for number, row in enumerate(rows, 1) if row["position"] != STEP * number
    ]
    ctx.records(FIELD).write_all(drafts)
