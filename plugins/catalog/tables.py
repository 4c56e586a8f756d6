"""Products."""

from __future__ import annotations

from decimal import Decimal

from sdk import Mapped, Record, _
from sdk import fields as f


class Product(Record):
    """Something we sell."""

    __tablename__ = "catalog_products"

    name: Mapped[str] = f.synonyms(
        f.text(_("Name"), required=True, search=True, match=True, track=True),
        "Product",
        "Product name",
        "Item",
        "产品",
        "产品名称",
        "商品名称",
    )
    sku: Mapped[str | None] = f.text(_("SKU"), length=60, unique=True, match=True, search=True)
    series: Mapped[str | None] = f.text(_("Product line"), length=100, index=True)
    price: Mapped[f.Money | None] = f.money(_("List price"), track=True, least=Decimal(0), places=4)
    unit: Mapped[str | None] = f.text(_("Unit"), length=20)
    active: Mapped[bool] = f.boolean(_("For sale"), default=True, track=True)
    description: Mapped[str | None] = f.long_text(_("Description"))
