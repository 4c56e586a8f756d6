"""A report as a document to print or to send: what it is about, its chart and all of its numbers, as a PDF."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from plugins.reports import chart, figures, narrowing, table
from plugins.reports.figures import Figures, Number
from plugins.reports.formats import Formats
from sdk import Context, Report, Unavailable, _

SOURCE = Path(__file__).parent / "templates" / "report.typ"
_WIDE = 6
"""With so many columns the sheet lies on its side."""


def pdf(ctx: Context, report: Report, span: tuple[date | None, date | None], formats: Formats) -> bytes:
    """The document, its numbers as the reader writes them; raises Unavailable where the extra is not installed."""
    found = figures.of(ctx, report, *span)
    written = formats if formats.region else replace(formats, region=ctx.locale)
    picture = b"" if found.chart is None else chart.drawn(_untitled(found.chart), "svg", formats, ctx.locale)
    return _set(_values(ctx, found, span, written) | {"chart": bool(picture)}, picture, int(ctx.now().timestamp()))


def _untitled(drawn: dict[str, object]) -> dict[str, object]:
    """The heading says what the chart is about."""
    return {name: value for name, value in drawn.items() if name != "title"}


def _values(ctx: Context, found: Figures, span: tuple[date | None, date | None], written: Formats) -> dict[str, object]:
    report = found.report
    lines = [[*line.words, *_cells(report, line.numbers, written)] for line in found.lines]
    total = _cells(report, found.total, written)
    left_out = _("{count} more {count:row is|rows are} in the export.")
    unpriced = _("{count} {count:record is|records are} counted but not priced: no {field}.")
    notes = [ctx.say(left_out, {"count": found.left_out})] if found.left_out else []
    notes += [ctx.say(unpriced, {"count": one.count, "field": one.label}) for one in found.unpriced]
    return {
        "title": ctx.say(report.label),
        "lang": ctx.locale.partition("_")[0],
        "about": [*_period(ctx, report, span, written), *narrowing.words(ctx, report.entity, report.where)],
        "heads": [*found.heads, *found.measures],
        "words": len(found.heads),
        "rows": lines if report.by else [total],
        "total": [ctx.say(_("Total")), *[""] * (len(found.heads) - 1), *total] if lines else [],
        "nothing": ctx.say(_("No results.")) if report.by and not lines else "",
        "notes": notes,
        "made": ctx.say(_("As of {when}"), {"when": written.instant(ctx.now())}),
        "wide": len(found.heads) + len(found.measures) > _WIDE,
    }


def _period(ctx: Context, report: Report, span: tuple[date | None, date | None], written: Formats) -> list[str]:
    if not report.period:
        return []
    return [ctx.say(_("All time")) if span == (None, None) else " – ".join("…" if day is None else written.day(day) for day in span)]


def _cells(report: Report, numbers: Sequence[Number], written: Formats) -> list[str]:
    """Each amount on a line of its own, as on the page."""
    return [
        "\n".join(table.text(value, written, word) for value in one.values) or "—"
        for word, one in zip(report.measures, numbers, strict=True)
    ]


@cache
def _typesetter() -> tuple[Any, Any]:
    """The typesetter, and one font with Latin and Chinese, the same on every machine."""
    font = find_spec("noto_cjk_sans_otc")
    try:
        import typst  # noqa: PLC0415 (an extra: the rest of the plugin works without it)
    except ModuleNotFoundError as failure:
        raise Unavailable(_("PDF requires an extra: pip install 'dealwright[reports]'"), code="missing_extra") from failure
    paths = [] if font is None or font.origin is None else [str(Path(font.origin).parent)]
    return typst, typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=paths)


def _set(values: dict[str, object], picture: bytes, made_at: int) -> bytes:
    """The source is ours and the values are data beside it: nothing of what people write is a program here."""
    typst, fonts = _typesetter()
    with tempfile.TemporaryDirectory(prefix="dealwright-") as name:
        root = Path(name)
        (root / "main.typ").write_bytes(SOURCE.read_bytes())
        (root / "chart.svg").write_bytes(picture)
        (root / "values.json").write_text(json.dumps(values, ensure_ascii=False), encoding="utf-8")
        nowhere = str(root / "packages")
        compiler = typst.Compiler(
            str(root / "main.typ"), root=name, font_paths=fonts, ignore_system_fonts=True, package_path=nowhere, package_cache_path=nowhere
        )
        return bytes(compiler.compile(format="pdf", timestamp=made_at))
