"""The columns of a board: the words of a choice, or the records that a link may lead to, in their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from plugins.console.cells import ENDS, tone_of
from plugins.console.inputs import Option
from plugins.console.registry import Kind
from sdk import BadRequest, Condition, PageRequest, Query, _
from sdk.context import Row
from sdk.fields import ChoiceField, LinkField

MOST = 60
"""Columns of a board."""
_GROUPS = 200


@dataclass(frozen=True)
class Lane:
    """One column: `key` is the value of its records in an address, "" for those without one.

    `days` is how long a record is expected to stand in it (0: nobody says), `over` that it is an end, where nothing is late any more.
    """

    key: str
    label: str
    tone: str = "plain"
    days: int = 0
    over: bool = False
    note: str = ""

    @property
    def id(self) -> str:
        """Its name among the elements of the page, where a key may have blanks; no key is written as that of those without one."""
        return quote(self.key, safe="") or "%"

    def holds(self, by: str) -> Condition:
        """The records that stand in it."""
        return Condition(by, "eq", (self.key,)) if self.key else Condition(by, "empty", ("true",))


@dataclass(frozen=True)
class Group:
    """The link that narrows the columns (the pipeline of the stages): `chosen` is the id of one of the options."""

    name: str
    label: str
    options: Sequence[Option]
    chosen: str

    def holds(self) -> Condition:
        """The records of the chosen one."""
        return Condition(self.name, "eq", (self.chosen,))


def by_of(kind: Kind, request: PageRequest) -> str:
    """The field by which the address wants the board (`_by=stage`), or the likeliest; raises BadRequest."""
    by = request.asked("_by") or next(iter(kind.boards), "")
    if by not in kind.boards:
        raise BadRequest(_("there is no board by {field!r}; available: {fields}"), field=by[:80], fields=", ".join(kind.boards) or "-")
    return by


def group_of(kind: Kind, by: str, request: PageRequest) -> Group | None:
    """What narrows the columns: what the address filters by, or the one that is marked as the default, or the first."""
    field = kind.fields[by]
    within, usual = (field.within, field.usual) if isinstance(field, LinkField) else ("", "")
    target = kind.target(kind.fields[within]) if within in kind.fields else None
    if target is None:
        return None
    marked = (usual,) if usual in target.fields else ()
    rows = target.ctx.records(target.name).query(Query(fields=("id", target.title, *marked), sort=("id",), limit=_GROUPS)).data
    titles = {str(row["id"]): str(row.get(target.title) or "—") for row in rows}
    wanted = request.asked(within)
    likely = [str(row["id"]) for row in rows if row.get(usual)] or list(titles)
    chosen = next((id for id, title in titles.items() if wanted in (id, title)), "") if wanted else next(iter(likely), "")
    if wanted and not chosen:
        raise BadRequest(_("{entity} {id!r} does not exist"), entity=target.name, id=wanted[:80])
    options = [Option(id, title, id == chosen) for id, title in titles.items()]
    return Group(within, kind.ctx.say(kind.fields[within].label), options, chosen)


def lanes_of(kind: Kind, by: str, group: Group | None) -> list[Lane]:
    """The columns in their order."""
    field = kind.fields[by]
    if isinstance(field, ChoiceField):
        return [Lane(key, kind.ctx.say(word), tone_of(field, key), over=tone_of(field, key) in ENDS) for key, word in field.options.items()]
    target = kind.target(field)
    assert target is not None and isinstance(field, LinkField)
    narrowed = (Condition(field.within, "eq", (group.chosen,)),) if group is not None and field.within in target.fields else ()
    if narrowed and not (group and group.chosen):
        return []
    names = [name for name in ("type", "expected_days", "guidance") if name in target.fields]
    asked = Query(filter=narrowed, fields=("id", target.title, *names), sort=("position", "id"), limit=MOST)
    return [_stage(target, row) for row in target.ctx.records(target.name).query(asked).data]


def _stage(target: Kind, row: Row) -> Lane:
    """A record as a column; its type, its days and its guidance, where it has such, say more."""
    kind_of_stage = target.fields.get("type")
    tone = tone_of(kind_of_stage, row.get("type")) if isinstance(kind_of_stage, ChoiceField) else "plain"
    days, note = row.get("expected_days"), row.get("guidance")
    return Lane(str(row["id"]), str(row.get(target.title) or "—"), tone, days if isinstance(days, int) else 0, tone in ENDS,
                str(note or ""))  # fmt: skip


def without(kind: Kind, by: str) -> Lane:
    """The column of records without a value."""
    return Lane("", kind.ctx.say(_("No {label}"), {"label": kind.ctx.say(kind.fields[by].label)}))


def lane_at(lanes: Sequence[Lane], key: str) -> Lane | None:
    """The column with this key."""
    return next((lane for lane in lanes if lane.key == key), None)


def by_key(by: str, field: LinkField | ChoiceField | object, row: Mapping[str, object]) -> str:
    """In which column a row of `aggregate` by this field belongs."""
    value = row[f"{by}.id"] if isinstance(field, LinkField) else row[by]
    return "" if value is None else str(value)
