"""Who sees what a visitor has typed: of the fields of a lead, those that one may see of leads."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace
from typing import Any

from plugins.web_forms.forms import LEAD
from plugins.web_forms.reading import Said
from sdk import Conflict, Context

OF_SUBMISSIONS = ("said", "reason")


def veil(ctx: Context, rows: Sequence[dict[str, Any]]) -> None:
    """Leave out what stands in fields that the reader does not see of leads, and why there is no lead, which may quote it."""
    system = ctx.as_system()
    if not system.offers(LEAD):
        return
    seen = ctx.records(LEAD).fields().keys() if ctx.can(f"{LEAD}.read") else frozenset[str]()
    if seen == system.records(LEAD).fields().keys():
        return
    for row in rows:
        if row.get("said") is not None:
            row["said"] = _narrowed(str(row["said"]), seen)
        if "reason" in row:
            row["reason"] = None


def _narrowed(text: str, names: Container[str]) -> str | None:
    try:
        said = Said.of(text)
    except Conflict:  # erased
        return None
    return replace(said, values={name: words for name, words in said.values.items() if name in names}).as_json()
