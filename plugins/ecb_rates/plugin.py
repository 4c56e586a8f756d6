"""The menu of the plugin of the European Central Bank's exchange rates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from plugins.ecb_rates import fetching, pages
from plugins.ecb_rates.bank import HOST
from plugins.ecb_rates.settings import EcbRates
from sdk import Capabilities, Manifest, MenuEntry, PageRoute, Panel, Route, Schedule, Settings, _, hookimpl

manifest = Manifest(
    name="ecb_rates",
    version="0.1",
    title=_("ECB exchange rates"),
    summary=_("Fetches the European Central Bank’s daily reference rates for the currencies in use."),
    requires=("company",),
    capabilities=Capabilities(
        data=(
            f"{fetching.CURRENCY}.read:code,active",
            f"{fetching.RATE}.read:currency,on",
            f"{fetching.RATE}.create:currency,on,rate,source",
        ),
        network=(HOST,),
        jobs=("fetch",),
    ),
)


@hookimpl
def register_settings() -> Sequence[Settings]:
    return (Settings(EcbRates),)


@hookimpl
def register_schedules() -> Sequence[Schedule]:
    return (Schedule("fetch", fetching.each_day, every=timedelta(hours=6), label=_("Fetch exchange rates")),)


@hookimpl
def register_routes() -> Sequence[Route]:
    return pages.ROUTES


@hookimpl
def register_pages() -> Sequence[PageRoute]:
    return pages.PAGES


@hookimpl
def register_panels() -> Sequence[Panel]:
    return pages.PANELS


@hookimpl
def register_navigation() -> Sequence[MenuEntry]:
    return (
        MenuEntry("fetch", label=_("ECB exchange rates"), section="admin", path="/ecb_rates/fetch", permission=pages.MAY, icon="refresh",
                  position=58, palette=True),
    )  # fmt: skip
