"""Sample products in both languages."""

from __future__ import annotations

from sdk import Context, Draft

PRODUCTS = (
    ("标准版软件许可", "STD-1", "软件", "4800"),
    ("企业版软件许可", "ENT-1", "软件", "26800"),
    ("Gateway G2", "GW-2", "Hardware", "3200"),
    ("Gateway G4", "GW-4", "Hardware", "7600"),
    ("实施服务", "SVC-1", "服务", "12000"),
    ("Support, one year", "SUP-1", "服务", "2400"),
)


def fill(ctx: Context) -> None:
    """A small catalogue of software, devices and services."""
    drafts = [
        Draft("create", {"name": name, "sku": sku, "series": series, "price": {"amount": price, "currency": "CNY"}})
        for name, sku, series, price in PRODUCTS
    ]
    ctx.records("catalog.product").write_all(drafts)
