"""How the company stands, at the top of the administration: people, plugins, work in the background, what is not well, what was changed last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from plugins.console.admin import audit, health, jobs, plugins
from plugins.console.registry import PREFIX, kind_of
from sdk import Context, Panel, Rendering, Slot, _

_LATELY, _FEW = 6, 4


@dataclass(frozen=True)
class Figure:
    """One number with what it counts, and where one sees more; `tone` is of what asks for a look."""

    label: str
    count: int
    more: str
    href: str
    tone: str = ""


@dataclass(frozen=True)
class Glance:
    """What there is to be seen; of what the reader may not look into, nothing."""

    figures: Sequence[Figure]
    ill: Sequence[health.Check]
    well: bool
    lately: Sequence[audit.Shown] | None
    """None where they cannot be read any more."""


def glance(ctx: Context) -> Glance:
    """Counts and a few newest rows: nothing here grows with what the company keeps."""
    checks = list(health.checks(ctx)) if ctx.can(health.RIGHT) else []
    ill = [one for one in checks if one.tone != "good"]
    lately = audit.lately(ctx, _LATELY) if ctx.can(f"{audit.NAME}.read") else []
    return Glance(list(_figures(ctx)), ill, bool(checks) and not ill, lately)


def ailing(ctx: Context, _nothing: Mapping[str, object]) -> Rendering | None:
    """What is not well, on the first page of who can do something about it."""
    ill = [one for one in health.checks(ctx) if one.tone != "good"]
    return Rendering("console/home_ill.html", {"ill": ill[:_FEW], "count": len(ill)}) if ill else None


def _figures(ctx: Context) -> Iterator[Figure]:
    if ctx.can("core.user.read"):
        people = kind_of(ctx, "core.user")
        if "active" in people.fields:
            counts = _counts(ctx, people.name, "active")
            away = ctx.say(_("left: {count}"), {"count": counts.get("False", 0)}) if counts.get("False") else ""
            yield Figure(ctx.say(_("People")), counts.get("True", 0), away, f"{people.path}?active=true")
    if ctx.can(plugins.RIGHT):
        listed = cast("Mapping[str, Any]", ctx.api("GET", plugins.ROOT))["data"]
        on = sum(bool(one["enabled"]) for one in listed)
        off = ctx.say(_("off: {count}"), {"count": len(listed) - on}) if on < len(listed) else ""
        yield Figure(ctx.say(_("Active plugins")), on, off, f"{PREFIX}/admin/plugins")
    if ctx.can("core.job.read"):
        states = health.states_of_jobs(ctx)
        failed, waiting, held = states.get("dead", 0), states.get("waiting", 0), states.get("held", 0)
        waits = [ctx.say(_("waiting: {count}"), {"count": waiting})] if waiting else []
        waits += [ctx.say(_("on hold: {count}"), {"count": held})] if held else []
        yield Figure(ctx.say(_("Failed jobs")), failed, ctx.say(_(", ")).join(waits), jobs.HERE, "bad" if failed else "")


def _counts(ctx: Context, entity: str, by: str) -> Mapping[str, int]:
    return {str(row[by]): cast("int", row["count"]) for row in ctx.records(entity).aggregate(["count"], [by])}


PANELS: Sequence[Panel] = (
    Panel("health", slot=Slot.HOME, label=_("Needs your attention"), permission=health.RIGHT, view=ailing, position=45),
)
