"""The menu of the catalog plugin."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from plugins.catalog import demo
from plugins.catalog.tables import Product
from sdk import Access, Context, Entity, Manifest, MenuEntry, Scope, Verb, _, hookimpl

manifest = Manifest(name="catalog", version="0.1", title=_("Catalog"), summary=_("The products you sell and their list prices."))

READERS: dict[str, Access] = {role: {Verb.READ: Scope.ALL} for role in ("sales_rep", "sales_manager", "finance", "read_only")}


@hookimpl
def register_entities() -> Sequence[Entity]:
    return (Entity(Product, "product", "products", _("Product"), _("Products"), owned=False, access=READERS),)


@hookimpl
def demo_data(ctx: Context, random: Random, months: int) -> None:
    demo.fill(ctx)


@hookimpl
def register_navigation() -> Sequence[MenuEntry]:
    return (MenuEntry("products", label=_("Products"), section="serve", entity="catalog.product", icon="box", position=10),)
