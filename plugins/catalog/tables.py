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
    series: Mapped[str | None] = f.synonyms(
        f.text(_("Product line"), length=100, index=True),
        "Product family", "Product category", "Category", "产品系列", "产品类别", "产品分类", "商品分类", "类别", "Produktgruppe", "Warengruppe", "Kategorie",
    )  # fmt: skip
    price: Mapped[f.Money | None] = f.money(_("List price"), track=True, least=Decimal(0), places=4)
    unit: Mapped[str | None] = f.text(_("Unit"), length=20)
    active: Mapped[bool] = f.synonyms(
        f.boolean(_("For sale"), default=True, track=True),
        "Active",
        "Enabled",
        "启用",
        "是否启用",
        "是否在售",
        "上架",
        "是否上架",
        "Aktiv",
        "Actif",
    )
    description: Mapped[str | None] = f.long_text(_("Description"))
