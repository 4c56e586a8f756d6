"""A sample template of the company’s own, begun from one that a plugin ships."""

from __future__ import annotations

import io

from plugins.documents import templates
from sdk import Context, DocumentTemplate, Upload

BASE, FORMAT, LOCALE = "orders.quote", "docx", "zh_CN"
NAME = "报价单（本公司版式）"


def fill(ctx: Context) -> None:
    """Nothing where nobody has quotes to print."""
    if any(spec.full_key == BASE for spec in ctx.declared(DocumentTemplate)):
        begun = templates.shipped(ctx, BASE, FORMAT, LOCALE)
        templates.upload(ctx, BASE, NAME, LOCALE, Upload(begun.filename, io.BytesIO(begun.content)))
