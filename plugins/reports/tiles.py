"""Tiles of dashboards: what there is to choose from, and what one shows when it is narrowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from importlib.util import find_spec
from uuid import UUID

from plugins.reports import figures, own, ready
from plugins.reports.choices import Group, Option
from plugins.reports.narrowing import Narrowing
from plugins.reports.periods import today
from sdk import SIGNED_IN, Batch, Context, NotFound, Panel, Refusal, Rendering, Report, Slot, _
from sdk.context import Row
from sdk.pages import VARIANT, offered

NAME = "reports.tile"
REPORT, OWN, PANEL = "report", "own", "panel"
_ROWS = 8
CHARTS = {"charts": find_spec("vl_convert") is not None}
"""What a panel that draws a chart asks of the frame."""


@dataclass(frozen=True)
class Narrow:
    """What a dashboard is narrowed to: a period, a person, a pipeline."""

    period: Narrowing
    owner: str = ""
    pipeline: str = ""

    @property
    def words(self) -> Mapping[str, object]:
        """As panels get it."""
        start, end = self.period.start, self.period.end
        found = {"start": start and start.isoformat(), "end": end and end.isoformat(), "owner": self.owner, "pipeline": self.pipeline}
        return {name: value for name, value in found.items() if value}


@dataclass(frozen=True)
class Shown:
    """A tile as a page shows it: what was drawn, or a word of why there is nothing. A panel brings its own head (`headed`)."""

    id: str
    title: str
    shape: str
    width: int
    href: str = ""
    drawn: object = None
    headed: bool = False
    always: bool = False
    note: str = ""


def catalogue(ctx: Context) -> list[Group]:
    """All that can be a tile for the actor."""
    tiles = offered(ctx, Slot.TILE)
    panels = [Option(f"{PANEL}:{one.full_key}", ctx.say(one.label)) for one in tiles if one.variants is None]
    several = [Group(ctx.say(one.label), [Option(f"{PANEL}:{one.full_key}:{key}", name) for key, name in one.variants(ctx)])
               for one in tiles if one.variants is not None]  # fmt: skip
    mine = [Option(f"{OWN}:{one['id']}", str(one["name"])) for one in own.mine(ctx)]
    by_entity: dict[str, list[Option]] = {}
    for report in ready.offered(ctx):
        about = ctx.say(ctx.entity(report.entity).plural_label)
        by_entity.setdefault(about, []).append(Option(f"{REPORT}:{report.full_key}", ctx.say(report.label)))
    groups = [Group(ctx.say(_("Plugin panels")), panels), *several, Group(ctx.say(_("My reports")), mine)]
    return [group for group in (*groups, *(Group(about, options) for about, options in by_entity.items())) if group.options]


def prepare(ctx: Context, batch: Batch) -> None:
    """A tile comes from a report, an own report or a panel; that it is there is another matter: plugins come and go."""
    for change in batch.standing():
        kind, _colon, key = str(change.after("source") or "").partition(":")
        if kind not in (REPORT, OWN, PANEL) or not key:
            text = _("expected report:KEY, own:ID or panel:KEY, such as report:pipeline.won_by_month")
            change.refuse("source", "no_source", text)


def shown(ctx: Context, tile: Row, narrow: Narrow, giver: object) -> Shown:
    """One tile of a dashboard that belongs to `giver`, with whom its own reports are shared; what cannot be shown says so in its place."""
    kind, _colon, key = str(tile["source"]).partition(":")
    bare = Shown(str(tile["id"] or ""), str(tile["title"] or key), str(tile["shape"]), int(str(tile["width"])))
    try:
        return _panel(ctx, bare, key, narrow) if kind == PANEL else _report(ctx, bare, kind, key, narrow, giver)
    except NotFound:
        return _gone(ctx, bare, key, key.partition(".")[0] if kind != OWN else "")
    except Refusal as refusal:
        return replace(bare, note=ctx.say(refusal.message, refusal.params))


def _gone(ctx: Context, bare: Shown, key: str, plugin: str) -> Shown:
    """In the place of what a plugin brings that the tenant does not have at present; without one, of an own report that there is no more."""
    called = ctx.called(plugin) if plugin else ctx.say(_("Report"))
    text = (
        _("This tile belongs to the plugin {plugin}, which is turned off or not available to you.")
        if plugin
        else _("This report no longer exists.")
    )
    return replace(bare, title=called if bare.title == key else bare.title, note=ctx.say(text, {"plugin": called}))


def _panel(ctx: Context, bare: Shown, key: str, narrow: Narrow) -> Shown:
    name, _colon, variant = key.partition(":")
    found = next((one for one in offered(ctx, Slot.TILE) if one.full_key == name and bool(variant) == (one.variants is not None)), None)
    if found is None:
        raise NotFound(_("there is nothing at this address"))
    return replace(
        bare,
        title=bare.title if bare.title != key else ctx.say(found.label),
        drawn=ctx.draw(found, {**narrow.words, VARIANT: variant} if variant else narrow.words, {"frame": CHARTS}),
        headed=True,
    )


def _report(ctx: Context, bare: Shown, kind: str, key: str, narrow: Narrow, giver: object) -> Shown:
    if kind == OWN:
        row = ctx.as_system().records(own.NAME).get(_id(key))
        if str(row["owner"]) not in (str(giver), str(ctx.actor.user_id)):  # a question is its owner's, who gives it with the dashboard
            raise NotFound(_("there is nothing at this address"))
        question = str(row["question"])
        if (entity := dict(own.pairs(question)).get("entity", "")) and not ctx.offers(entity):
            return _gone(ctx, replace(bare, title=str(row["name"]) if bare.title == key else bare.title), key, entity.partition(".")[0])
        report, title, href = own.report(ctx, question, str(row["name"])), str(row["name"]), f"/reports/query?{question}"
    else:
        report = ready.find(ctx, key)
        label = report.figure if bare.shape == "number" and report.figure is not None else report.label
        title, href = ctx.say(label), f"/reports/reports/{key}"
    report, title = _narrowed(ctx, report, narrow), title if bare.title == key else bare.title
    shape = partial(_figures, report=report, shape=bare.shape, title=title, narrow=narrow)
    panel = Panel("report", slot=Slot.TILE, label=_("Report"), permission=SIGNED_IN, view=shape, plugin="reports")
    return replace(bare, title=title, href=href, drawn=ctx.draw(panel, {}, {"frame": CHARTS}),
                   always=not report.period and bool(narrow.period.start or narrow.period.end))  # fmt: skip


def _figures(ctx: Context, _nothing: Mapping[str, object], *, report: Report, shape: str, title: str, narrow: Narrow) -> Rendering:
    """The numbers of a report in one of the shapes; drawn as panels are, so that one that fails leaves the others."""
    start, end = narrow.period.start, narrow.period.end
    if shape == "number":
        report = replace(report, by=(), measures=report.measures[:1])
    made, change, against = figures.of(ctx, report, start, end), None, None
    if shape == "number" and report.period and start is not None and end is not None:
        measure, day = report.measures[0], today(ctx)
        first, last = ready.before(start, end)
        now = made.rows[0]
        if start <= day < end:  # a period that is not over is compared with as many days of the one before
            against = (first, min(first + (day - start), last))
            now = ready.rows(ctx, report, start, day)[0]
        change = _change(now.get(measure), ready.rows(ctx, report, *(against or (first, last)))[0].get(measure))
    return Rendering(
        "reports/figures.html",
        {
            "figures": made,
            "shape": shape,
            "title": title,
            "change": change,
            "against": against,
            "most": _ROWS,
            "span": (start, end) if report.period and start and end else (),
        },
    )


def _id(written: str) -> UUID:
    try:
        return UUID(written)
    except ValueError:
        raise NotFound(_("there is nothing at this address")) from None


def _narrowed(ctx: Context, report: Report, narrow: Narrow) -> Report:
    """With the person and the pipeline, where its records have them."""
    fields = ctx.records(report.entity).fields()
    more = [f"{name}={value}" for name, value in (("owner", narrow.owner), ("pipeline", narrow.pipeline)) if value and name in fields]
    return replace(report, where=(*report.where, *more))


def _change(now: object, before: object) -> Decimal | None:
    """By how much per cent it is more, or less, than in the period before; None where that cannot be said."""
    there, then = _plain(now), _plain(before)
    return None if there is None or not then else ((there - then) / abs(then) * 100).quantize(Decimal(1))


def _plain(value: object) -> Decimal | None:
    if isinstance(value, Mapping):
        return Decimal(str(value["amount"]))
    return None if value is None or isinstance(value, list) else Decimal(str(value))
