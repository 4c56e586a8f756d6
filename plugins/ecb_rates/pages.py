"""The bank's rates on a page and over HTTP: fetch what is new, now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import cast

from marshmallow import Schema, fields

from plugins.ecb_rates import fetching
from plugins.ecb_rates.bank import Day
from plugins.ecb_rates.settings import EcbRates
from sdk import Context, PageRequest, PageRoute, Panel, Refusal, Rendering, Request, Route, Slot, _
from sdk.pages import told

MAY = f"{fetching.RATE}.create"


class Fetched(Schema):
    """What came of it."""

    written = fields.Integer(required=True)
    latest = fields.Date(required=True, allow_none=True)
    unlisted = fields.List(fields.String(), required=True)


@contextmanager
def asked(ctx: Context, request: Request) -> Iterator[object]:
    """The bank's answer, before any transaction."""
    yield fetching.ask(ctx, fetching.known(ctx))


def fetch(ctx: Context, request: Request) -> object:
    """Write down what is new in it."""
    return Fetched().dump(fetching.keep(ctx, cast("list[Day]", request.prepared)))


def show(ctx: Context, request: PageRequest) -> Rendering:
    """Where the rates come from, and a button."""
    return _page(ctx, {})


@contextmanager
def asked_by_page(ctx: Context, request: PageRequest) -> Iterator[object]:
    """As `asked`; why the bank cannot be asked stands on the page."""
    try:
        prepared: object = fetching.ask(ctx, fetching.known(ctx))
    except Refusal as refusal:
        prepared = refusal
    yield prepared


def submit(ctx: Context, request: PageRequest) -> Rendering:
    """Fetch, and show what came of it on the same page."""
    try:
        if isinstance(request.prepared, Refusal):
            raise request.prepared
        outcome = fetching.keep(ctx, cast("list[Day]", request.prepared))
    except Refusal as refusal:
        return _page(ctx, {"problems": told(ctx, refusal)}, refusal.status)
    return _page(ctx, {"outcome": outcome})


def _page(ctx: Context, more: Mapping[str, object], status: int = 200) -> Rendering:
    there = fetching.known(ctx)
    values = {
        "own": ctx.tenant.currency,
        "since": there.since,
        "automatic": ctx.settings(EcbRates)["automatic"],
        "may_set": ctx.can("core.plugin.update"),
        "here": ctx.page("/ecb_rates/fetch"),
        "problems": [],
        "outcome": None,
        **more,
    }
    return Rendering("ecb_rates/fetch.html", values, status)


def button(ctx: Context, about: Mapping[str, object]) -> Rendering:
    """The way to the page, above the list of rates."""
    return Rendering("ecb_rates/button.html", {})


ROUTES: Sequence[Route] = (
    Route(method="POST", path="/fetch", view=fetch, permission=MAY, summary=_("Fetch new exchange rates from the European Central Bank"),
          answer=Fetched, prepare=asked),
)  # fmt: skip
PAGES: Sequence[PageRoute] = (
    PageRoute("fetch", path="/fetch", title=_("ECB exchange rates"), permission=MAY, view=show, submit=submit, prepare=asked_by_page),
)
PANELS: Sequence[Panel] = (
    Panel("fetch", slot=Slot.LIST, label=_("ECB exchange rates"), permission=MAY, view=button, entity=fetching.RATE),
)
