"""Who sees what a visitor has typed: of the fields of a lead, those that one may see of leads."""

from __future__ import annotations

from collections.abc import Collection, Container, Sequence
from dataclasses import replace
from typing import Any

from plugins.web_forms.forms import LEAD
from plugins.web_forms.reading import Said
from sdk import Conflict, Context

OF_SUBMISSIONS = ("said", "reason")


def veil(ctx: Context, rows: Sequence[dict[str, Any]]) -> None:
    """Leave out what stands in fields that the reader does not see of leads, and why there is no lead, which may quote it."""
    if (seen := _seen_alone(ctx)) is None:
        return
    for row in rows:
        if row.get("said") is not None:
            row["said"] = _narrowed(str(row["said"]), seen)
        if "reason" in row:
            row["reason"] = None


def narrows(ctx: Context) -> Collection[str]:
    """What is told in part to who does not see all fields of leads."""
    return () if _seen_alone(ctx) is None else ("said",)


def _seen_alone(ctx: Context) -> Container[str] | None:
    """The fields that the reader sees of leads; None where that is all there are."""
    system = ctx.as_system()
    if not system.offers(LEAD):
        return None
    seen = ctx.records(LEAD).fields().keys() if ctx.can(f"{LEAD}.read") else frozenset[str]()
    return None if seen == system.records(LEAD).fields().keys() else seen


def _narrowed(text: str, names: Container[str]) -> str | None:
    try:
        said = Said.of(text)
    except Conflict:  # erased
        return None
    return replace(said, values={name: words for name, words in said.values.items() if name in names}).as_json()
