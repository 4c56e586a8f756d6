"""A two-page contract as PDF and Word, from the record to the bytes, beside the typesetter alone."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from uuid import UUID

import typst

from bench.data import Installation
from bench.table import Line, times
from core.context import Work
from plugins.documents import workers
from plugins.documents.copies import make
from plugins.documents.offers import Wish, choose
from plugins.documents.presentation import day_of, presented
from sdk import Draft
from sdk.context import id_of
from sdk.fields import Money, Reference

ROUNDS, LINES = 15, 12
BUDGET = "< 150 ms warm"


def measure(installation: Installation) -> list[Line]:
    """Warm: the renderer's process is there, as it is after the first document."""
    booted = installation.boot()
    work = booted.system(installation.tenant)
    contracts = [Reference("orders.contract", id) for id in _contracts(work)]
    lines = []
    for locale, words in (("zh_CN", "Chinese"), ("en", "English")):
        wishes = [Wish(about, "orders.contract", "pdf", locale) for about in contracts]
        lines.append(_line(f"document: contract of two pages, PDF, {words}", installation, work, wishes))
    wishes = [Wish(about, "orders.contract", "docx", "en") for about in contracts]
    mine = median(_seconds(partial(_made, work, wish)) for wish in wishes) * 1000
    lines.append(Line("document: the same as Word", installation.kind, f"{mine:.1f} ms"))
    workers.pool().close()
    booted.close()
    return lines


def _line(name: str, installation: Installation, work: Work, wishes: Sequence[Wish]) -> Line:
    """Each round sets another contract: a typesetter that has set a page before remembers it."""
    first, *others = wishes
    bare = _typesetter(work, first)
    _made(work, first)
    bare()
    pairs = [(_seconds(partial(_made, work, wish)), _seconds(bare)) for wish in others]
    mine, raw = (median(each) * 1000 for each in zip(*pairs, strict=True))
    return Line(
        name, installation.kind, f"{mine:.1f} ms", f"{raw:.1f} ms typst alone", times(median(one / other for one, other in pairs)), BUDGET
    )


def _made(work: Work, wish: Wish) -> bytes:
    with work.transaction():
        return make(work, wish).content


def _typesetter(work: Work, wish: Wish) -> Callable[[], object]:
    """The same source and values, compiled in this process, fonts known; each time with another number, as nothing else would be work."""
    with work.transaction():
        chosen = choose(work, wish)
        values = presented(chosen.spec, chosen.spec.values(work, wish.about.id), day_of(work, work.now()), chosen.locale)
    found = find_spec("noto_cjk_sans_otc")
    assert found is not None and found.origin is not None
    fonts = typst.Fonts(include_system_fonts=False, font_paths=[str(Path(found.origin).parent)])
    folder = tempfile.TemporaryDirectory(prefix="dealwright-bench-")
    root = Path(folder.name)
    for name, part in chosen.files.items():
        (root / name).write_bytes(part)
    turn = iter(range(10**6))

    def compile_() -> object:
        (root / "values.json").write_text(
            json.dumps({**values, "number": f"CON-{next(turn)}", "subject": f"Gateways {next(turn)}", "kept": folder.name})
        )
        return typst.Compiler(str(root / "main.typ"), root=folder.name, font_paths=fonts, ignore_system_fonts=True).compile(format="pdf")

    return compile_


def _contracts(work: Work) -> list[UUID]:
    """Contracts over an order of some lines."""
    with work.transaction(write=True):
        account = work.records("customers.account").find((), 1)[0]["id"]
        product = work.records("catalog.product").find((), 1)[0]["id"]
        order = id_of(work.records("orders.order").create({"name": "Gateways", "account": account}))
        drafts = [
            Draft(
                "create", {"order": order, "product": product, "quantity": n + 1, "unit_price": Money(Decimal(100), "CNY"), "tax_rate": 13}
            )
            for n in range(LINES)
        ]
        work.records("orders.order_line").write(drafts)
        values = {"account": account, "order": order, "value": Money(Decimal(113), "CNY"), "renewal": "automatic"}
        return [id_of(work.records("orders.contract").create({"name": f"Gateways {n}", **values})) for n in range(ROUNDS + 1)]


def _seconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started
