"""A sample company and its rates."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from random import Random

from sdk import Context, Draft

STARTS = {"USD": Decimal("7.1"), "EUR": Decimal("7.8"), "JPY": Decimal("0.048")}
"""Roughly what one unit was worth in yuan."""


def fill(ctx: Context, random: Random, months: int) -> None:
    """A profile, and a rate a month that walks a little each time."""
    ctx.records("company.profile").create(
        {
            "name": "山川科技" if ctx.locale == "zh_CN" else "Shanchuan Technology",
            "legal_name": "上海山川科技有限公司", "address": "世纪大道 100 号", "city": "上海", "postal_code": "200120", "country": "中国",
            "tax_number": "91310000XXXXXXXX0X", "phone": "+86 21 5550 1000", "email": "office@shanchuan.example.com",
            "website": "https://shanchuan.example.com", "bank_name": "示例银行上海分行", "bank_account": "6200 0000 0000 0000",
        }
    )  # fmt: skip
    today = ctx.now().date()
    starts = [_month(today, back) for back in range(months + 1, -1, -1)]
    drafts = []
    for currency, rate in STARTS.items():
        if currency == ctx.tenant.currency:
            continue
        for start in starts:
            rate = (rate * Decimal(random.randint(985, 1015)) / 1000).quantize(Decimal("0.000001"))
            drafts.append(Draft("create", {"currency": currency, "on": start, "rate": rate, "source": "demo"}))
    ctx.records("company.rate").write_all(drafts)


def _month(today: date, back: int) -> date:
    year, month = divmod(today.year * 12 + today.month - 1 - back, 12)
    return date(year, month + 1, 1)
