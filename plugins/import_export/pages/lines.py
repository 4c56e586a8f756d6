"""The rows of a file as the page of its check shows them: cells with what they are understood as, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from plugins.import_export.external import LABEL
from plugins.import_export.mapping.currencies import beside, is_beside, label_beside
from plugins.import_export.pages.choices import fields_of, is_external
from plugins.import_export.plan import Plan, Wish
from plugins.import_export.staging import files
from plugins.import_export.tables import OUTCOMES
from plugins.import_export.values import read_columns
from sdk import Context, _
from sdk.context import Row
from sdk.fields import AnyRecordField, ChoiceField, Field, LinkField

PROBLEMS = ("failed", "skipped", "warned")
"""Outcomes of which a row has something to tell."""


@dataclass(frozen=True)
class Cell:
    """A cell as it stands now; `read` is what it is understood as where that reads differently, `problem` why it cannot be taken."""

    place: int
    text: str
    read: str
    problem: str
    nearest: str
    mended: bool


@dataclass(frozen=True)
class Line:
    """A row: what the last check says of it, and what stands in it now. `fresh`: something in it was mended since."""

    number: int
    outcome: str
    said: str
    left_out: bool
    fresh: bool
    reason: str
    cells: Sequence[Cell]

    @property
    def bad(self) -> bool:
        """Whether something in it is to be mended."""
        return bool(self.reason) or any(cell.problem for cell in self.cells)


@dataclass(frozen=True)
class Head:
    """A column that is taken: its heading in the file, and the field that it becomes."""

    place: int
    heading: str
    field: str
    label: str


def heads_of(ctx: Context, wish: Wish, file: Row, place: int, plan: Plan | None = None) -> Iterator[Head]:
    """The columns that are taken, in the order of the file; where nobody has said which, those of the plan."""
    fields, headings = ctx.records(wish.entity).fields(), cast("list[str]", files.sheets_of(file)[place]["headings"])
    taken = fields_of(wish, headings) or ({at: name for name, at in plan.columns.items()} if plan is not None else {})
    if plan is not None:
        taken |= {at: beside(name) for name, at in plan.currencies.items()}
    for at, name in sorted(taken.items()):
        if name in fields or is_external(name):
            yield Head(at, headings[at], name, ctx.say(fields[name].label) if name in fields else ctx.say(LABEL))
        elif is_beside(name, fields):
            yield Head(at, headings[at], name, label_beside(ctx, fields[name.rpartition(".")[0]]))


def lines_of(ctx: Context, rows: Sequence[Mapping[str, object]], heads: Sequence[Head], plan: Plan | None, wish: Wish) -> Iterator[Line]:
    """Rows with what is wrong in them: what is known at once of their cells, and of those that nobody has touched what the check said."""
    musts = _musts(ctx, wish)
    texts = [cast("list[str]", row["cells"]) for row in rows]
    values, flaws = read_columns(plan, texts) if plan is not None and rows else ({}, {})
    wrong = {(flaw.row, name): flaw for name, found in flaws.items() for flaw in found}
    for index, row in enumerate(rows):
        about, corrected = cast("Mapping[str, object] | None", row["told"]), cast("list[str]", row["corrected"])
        then, left_out = cast("list[str] | None", about["cells"]) if about else None, bool(row["left_out"])
        fresh = bool(corrected) if then is None else [*then, *[""] * (len(texts[index]) - len(then))] != texts[index]
        outcome = "" if about is None else "warned" if about["warned"] else str(about["outcome"])
        counts = about is not None and not fresh and not left_out and outcome in PROBLEMS
        open_ = list(cast("list[Mapping[str, object]]", about["problems"])) if about is not None and counts else []
        cells, seen = list[Cell](), set[str]()
        for head in heads:
            text = texts[index][head.place] if head.place < len(texts[index]) else ""
            first = head.field not in seen
            seen.add(head.field)
            flaw = wrong.get((index, head.field)) if first and not left_out else None
            mine = [one for one in open_ if one["column"] in (head.heading, head.field)]
            open_ = [one for one in open_ if one not in mine]
            if flaw is not None:
                problem, nearest = ctx.say(flaw.message, flaw.params), str(flaw.params.get("nearest") or "")
            else:
                problem, nearest = (
                    "; ".join(str(one["reason"]) for one in mine),
                    next((str(one["nearest"]) for one in mine if one["nearest"]), ""),
                )
            if not problem and counts and outcome == "failed" and not text.strip() and head.field in musts:
                problem = ctx.say(_("is required"))
            value = values[head.field][index] if first and head.field in values else None
            read = _reading(ctx, plan.fields[head.field], value) if plan is not None and value is not None else ""
            nearest = "" if repr(nearest) in problem else nearest  # it is said there
            cells.append(Cell(head.place, text, read if read != text.strip() else "", problem, nearest, head.heading in corrected))
        said = ctx.say(OUTCOMES[outcome]) if outcome in OUTCOMES else ""
        rest = "; ".join(
            f"{column_label(ctx, wish, str(one['column']))}: {one['reason']}" if one["column"] else str(one["reason"]) for one in open_
        )
        yield Line(int(str(row["number"])), outcome, said, left_out, fresh, rest, cells)


def column_label(ctx: Context, wish: Wish, column: str) -> str:
    """A heading as it stands; a field that no column is for by its label."""
    field = ctx.records(wish.entity).fields().get(column)
    return column if field is None else ctx.say(field.label)


def _musts(ctx: Context, wish: Wish) -> list[str]:
    if wish.mode == "update":
        return []
    given = {word.partition("=")[0] for word in wish.set}
    return [name for name, one in ctx.records(wish.entity).fields().items() if one.required and one.default is None and name not in given]


def options_of(ctx: Context, wish: Wish, heads: Sequence[Head]) -> dict[str, list[str]]:
    """What may stand in the columns of choices."""
    fields = ctx.records(wish.entity).fields()
    choices = {head.field: field for head in heads if isinstance(field := fields.get(head.field), ChoiceField)}
    return {name: [ctx.say(label) for label in field.options.values()] for name, field in choices.items()}


def _reading(ctx: Context, field: Field, value: object) -> str:
    """What a cell is understood as; a link is looked up only when it is imported."""
    if isinstance(field, LinkField | AnyRecordField):
        return ""
    if isinstance(field, ChoiceField):
        return ctx.say(field.options.get(str(value), str(value)))
    return field.format(value)
