"""What other systems call stages and reasons, in the tenant's own process: for importers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from sdk import Context, where
from sdk.context import Row
from sdk.transfer import plain

WON, LOST = ("closedwon", "won", "赢单", "成交"), ("closedlost", "lost", "输单", "丢单")
SPLIT = "\n"
type_meaning = Callable[[Context, frozenset[str]], Mapping[str, str]]
_IN_BRACKETS = re.compile(r"\s*\([^()]*\)\Z")
"""The process behind the name of a stage: Closed won (Sales Pipeline)."""


def stages_by(likely: Mapping[str, int]) -> type_meaning:
    """Stages by name or key, else won and lost by their words, else by how `likely` theirs are, in per cent: the open stage that comes nearest.

    A word that says nothing of this stays as it is, and its rows are refused with the stages that there are.
    """
    chances = {plain(word): Decimal(chance) for word, chance in likely.items()}

    def meaning(ctx: Context, words: frozenset[str]) -> Mapping[str, str]:
        stages = _stages(ctx)
        named = {plain(str(row[name])): row for name in ("key", "name") for row in stages if row[name]}

        def meant(word: str) -> Row | None:
            return named.get(plain(word)) or _by_type(stages, word) or _nearest(stages, chances.get(plain(word)))

        found = {word: meant(word) or meant(_IN_BRACKETS.sub("", word)) for word in words}
        return {word: str(row["id"]) for word, row in found.items() if row is not None}

    return meaning


def _stages(ctx: Context) -> Sequence[Row]:
    """Those of the default process, or of the only one that there is, in their order."""
    system = ctx.as_system()
    processes = system.records("pipeline.pipeline").find(where(is_default=True), 1) or system.records("pipeline.pipeline").find((), 1)
    rows = system.records("pipeline.stage").find(where(pipeline=processes[0]["id"]), 500) if processes else []
    return sorted(rows, key=lambda row: int(str(row["position"] or 0)))


def _by_type(stages: Sequence[Row], word: str) -> Row | None:
    type_ = "won" if plain(word) in WON else "lost" if plain(word) in LOST else ""
    return next((row for row in stages if row["type"] == type_), None)


def _nearest(stages: Sequence[Row], chance: Decimal | None) -> Row | None:
    open_ = [row for row in stages if row["type"] == "open"]
    if chance is None or not open_:
        return None
    return min(open_, key=lambda row: abs(Decimal(str(row["probability"] or 0)) - chance))


def lost_reasons(ctx: Context, words: frozenset[str]) -> Mapping[str, str]:
    """Of words that are a stage, a line break and what was said of it: our reason where the stage is lost, else none.

    A reason that is none of ours is `other`: the stage asks for one, and theirs stands in the notes.
    """
    named = _reasons(ctx, "pipeline.lost_reason")
    return _said(words, LOST, named, named.get("other", ""))


def won_reasons(ctx: Context, words: frozenset[str]) -> Mapping[str, str]:
    """The same of what was won; a reason that is none of ours is none, since nobody asks for one, and stands in the notes."""
    return _said(words, WON, _reasons(ctx, "pipeline.won_reason"), "")


def _reasons(ctx: Context, entity: str) -> Mapping[str, str]:
    rows = ctx.as_system().records(entity).find((), 500)
    return {plain(str(row[name])): str(row["key"]) for name in ("name", "key") for row in rows}


def _said(words: frozenset[str], closed: tuple[str, ...], named: Mapping[str, str], otherwise: str) -> Mapping[str, str]:
    parts = {word: word.partition(SPLIT) for word in words}
    return {
        word: named.get(plain(said), otherwise) if plain(_IN_BRACKETS.sub("", stage)) in closed else ""
        for word, (stage, _break, said) in parts.items()
    }
