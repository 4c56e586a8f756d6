"""The menu of the company plugin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from plugins.company import demo, numbers, pages, profile, rates, routes, tables
from plugins.company.master import MASTER_DATA
from sdk import (
    EVERYBODY,
    Access,
    Batch,
    Capabilities,
    Context,
    Entity,
    Extension,
    Manifest,
    MasterData,
    MenuEntry,
    PageRoute,
    Panel,
    RateSource,
    Route,
    Scope,
    Side,
    Verb,
    _,
    hookimpl,
)
from sdk.files import take_away

manifest = Manifest(
    name="company",
    version="0.1",
    title=_("Company"),
    summary=_("Company profile, currencies with dated rates, number sequences and lists."),
    capabilities=Capabilities(files=True),
)

KEEPERS: dict[str, Access] = {
    EVERYBODY: {Verb.READ: Scope.ALL},
    "finance": Scope.ALL,
    "sales_manager": {Verb.READ: Scope.ALL, Verb.CREATE: Scope.ALL, Verb.UPDATE: Scope.ALL},
}
MONEY: dict[str, Access] = {EVERYBODY: {Verb.READ: Scope.ALL}, "finance": Scope.ALL}
READERS: dict[str, Access] = {EVERYBODY: {Verb.READ: Scope.ALL}}
PREPARE: dict[str, Callable[[Context, Batch], None]] = {
    rates.NAME: rates.prepare_rates,
    rates.CURRENCY: rates.keep_one_default,
    numbers.NAME: numbers.prepare_sequences,
    profile.NAME: profile.keep_single,
}


@hookimpl
def register_entities() -> Sequence[Entity]:
    return (
        Entity(
            tables.Profile, "profile", "profiles", _("Company profile"), _("Company profile"), owned=False, access=READERS, merges=False
        ),
        Entity(tables.Currency, "currency", "currencies", _("Currency"), _("Currencies"), owned=False, access=MONEY, merges=False),
        Entity(
            tables.Rate, "rate", "rates", _("Exchange rate"), _("Exchange rates"), title="currency", owned=False, access=MONEY, merges=False
        ),
        Entity(
            tables.Sequence, "sequence", "sequences", _("Number sequence"), _("Number sequences"), owned=False, access=MONEY, merges=False
        ),
        Entity(
            tables.Counter,
            "counter",
            "counters",
            _("Earlier period"),
            _("Earlier periods"),
            title="period",
            owned=False,
            verbs=frozenset({Verb.READ}),
        ),
        Entity(tables.Industry, "industry", "industries", _("Industry"), _("Industries"), owned=False, access=KEEPERS, merges=False),
        Entity(tables.Source, "source", "sources", _("Source"), _("Sources"), owned=False, access=KEEPERS, merges=False),
        Entity(tables.Holiday, "holiday", "holidays", _("Holiday"), _("Holidays"), owned=False, access=MONEY, merges=False),
        Entity(tables.Region, "region", "regions", _("Region"), _("Regions"), owned=False, access=KEEPERS),
    )


@hookimpl
def register_extensions() -> Sequence[Extension]:
    return (Extension("core.user", Side(tables.Preference, "user_id")),)


@hookimpl
def register_routes() -> Sequence[Route]:
    return routes.ROUTES


@hookimpl
def register_master_data() -> Sequence[MasterData]:
    return MASTER_DATA


@hookimpl
def register_rate_sources() -> Sequence[RateSource]:
    return (RateSource("company", rates.rates_of),)


@hookimpl
def prepare_changes(ctx: Context, batch: Batch) -> None:
    if batch.entity in PREPARE:
        PREPARE[batch.entity](ctx, batch)


@hookimpl
def validate_changes(ctx: Context, batch: Batch) -> None:
    if batch.entity == "core.tenant":
        rates.keep_currency(ctx, batch)


@hookimpl
def demo_data(ctx: Context, random: Random, months: int) -> None:
    demo.fill(ctx, random, months)


@hookimpl
def tenant_purged(ctx: Context) -> None:
    take_away(ctx, "company.profile", "logo")


@hookimpl
def register_pages() -> Sequence[PageRoute]:
    return pages.PAGES


@hookimpl
def register_panels() -> Sequence[Panel]:
    return pages.PANELS


@hookimpl
def register_navigation() -> Sequence[MenuEntry]:
    kept = (
        ("profile", _("Company profile"), "building"),
        ("currency", _("Currencies"), "globe"),
        ("rate", _("Exchange rates"), "trend"),
        ("sequence", _("Number sequences"), "list"),
        ("industry", _("Industries"), "list"),
        ("source", _("Sources"), "list"),
        ("region", _("Regions"), "list"),
        ("holiday", _("Holidays"), "calendar"),
    )
    money = MenuEntry(
        "money", label=_("Currencies and rates"), section="admin", path="/company/money", permission="company.rate.update", icon="receipt",
        position=49, palette=True,
    )  # fmt: skip
    lists = [
        MenuEntry(
            key,
            label=label,
            section="admin",
            entity=f"company.{key}",
            permission=f"company.{key}.update",
            icon=icon,
            position=place,
            palette=True,
        )
        for place, (key, label, icon) in enumerate(kept, 50)
    ]
    return (money, *lists)
