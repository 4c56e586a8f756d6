"""Documents to look at on a page: the first sheets of a PDF as pictures, what a Word file says as text. Nothing of them is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from plugins.documents import workers
from plugins.documents.offers import Wish, choose
from plugins.documents.presentation import day_of, presented, sample
from sdk import Context, DocumentTemplate, NotFound, _


@dataclass(frozen=True)
class Preview:
    """`pages` are addresses of pictures that hold the picture; `blocks` are paragraphs and rows, where there is no picture."""

    name: str
    pages: Sequence[str] = ()
    blocks: Sequence[Sequence[str]] = ()


def of_record(ctx: Context, wish: Wish) -> Preview:
    """The document that a wish would make of a record now. Raises NotFound, Forbidden, Invalid."""
    chosen = choose(ctx, wish)
    values = presented(chosen.spec, chosen.spec.values(ctx, wish.about.id), day_of(ctx, ctx.now()), chosen.locale)
    return _shown(ctx, chosen.name, chosen.format, chosen.files, values)


def of_files(
    ctx: Context, spec: DocumentTemplate, name: str, format: str, files: Mapping[str, bytes], locale: str, record: UUID | None
) -> Preview:
    """What a template, also one that is not kept yet, makes of a record, or of the examples of its variables."""
    day = day_of(ctx, ctx.now())
    if record is None:
        return _shown(ctx, name, format, files, sample(spec, day, locale))
    if record not in ctx.records(spec.entity).values([record]):
        raise NotFound(_("{entity} {id} does not exist"), entity=spec.entity, id=str(record))
    return _shown(ctx, name, format, files, presented(spec, spec.values(ctx, record), day, locale))


def _shown(ctx: Context, name: str, format: str, files: Mapping[str, bytes], values: Mapping[str, object]) -> Preview:
    answer = workers.shown(name, format, files, values, ctx.now())
    pages = [f"data:image/png;base64,{page}" for page in cast("list[str]", answer.get("pages", []))]
    return Preview(name, pages, cast("list[list[str]]", answer.get("blocks", [])))
