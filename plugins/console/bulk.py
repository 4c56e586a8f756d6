"""What is done to several records of a list at once: another value of one field, another owner, into the recycle bin and out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from plugins.console import asked as asked_
from plugins.console.cells import titles_of
from plugins.console.inputs import Input, inputs_in_a_row, typed, unclear
from plugins.console.registry import Kind, kind_at, query_of
from sdk import (
    SIGNED_IN,
    BadRequest,
    Condition,
    Context,
    Draft,
    Forbidden,
    Invalid,
    Outcome,
    PageRequest,
    PageRoute,
    Query,
    Redirect,
    Rendering,
    _,
)  # fmt: skip
from sdk.context import Row, id_of
from sdk.fields import AnyRecordField
from sdk.pages import worded
from sdk.permissions import BULK_EDIT

MOST = 500
EDIT, OWNER, DELETE = "edit", "owner", "delete"
# What the form says itself begins with "_", as a field of the entity may be called state.
_VERBS = {EDIT: "update", OWNER: "update", DELETE: "delete"}


@dataclass(frozen=True)
class Refused:
    """Records that were left as they are, and why: one reason with all that it holds for."""

    reason: str
    names: Sequence[str]


def show(ctx: Context, request: PageRequest) -> Redirect:
    """There is nothing to do without chosen records: back to the list."""
    return Redirect(kind_at(ctx, request.path["plugin"], request.path["plural"]).path)


def act(ctx: Context, request: PageRequest) -> Rendering:
    """Ask what is to be done with the chosen records; then do it, and tell what became of each."""
    kind = kind_at(ctx, request.path["plugin"], request.path["plural"])
    wanted = request.typed("_act")
    every = request.typed("_every") == "true"
    ids, beyond = everything(kind, request) if every else (chosen(request), request.typed("_beyond") == "true")
    if wanted not in _VERBS:
        raise BadRequest(_("expected act to be one of {known}"), known=", ".join(_VERBS))
    if not kind.can(_VERBS[wanted]):
        raise Forbidden(_("you don’t have permission to {verb} {entity}"), verb=_VERBS[wanted], entity=kind.name)
    if len(ids) > 1 and not ctx.can(f"{kind.name}.{BULK_EDIT}"):
        raise Forbidden(_("you don’t have permission to edit several {entity} records at once"), entity=kind.name)
    if request.typed("_sure") != "true":
        return _question(kind, wanted, ids, request, beyond=beyond)
    if wanted == DELETE:
        return _told(kind, ids, ctx.records(kind.name).write([Draft("delete", {}, id) for id in ids]), wanted, request, beyond=beyond)
    name = "owner" if wanted == OWNER else request.typed("_field")
    if name not in editable(kind):
        return _question(kind, wanted, ids, request, beyond=beyond)
    values = typed(_only(kind, name), request)
    outcomes = ctx.records(kind.name).write([Draft("update", values, id) for id in ids])
    wrong = _same_everywhere(kind, name, outcomes)
    wrong = unclear(kind, values).get(name, wrong) if wrong else ""
    if wrong:
        return _question(kind, wanted, ids, request, wrong, beyond=beyond)
    return _told(kind, ids, outcomes, wanted, request, beyond=beyond)


def everything(kind: Kind, request: PageRequest) -> tuple[list[UUID], bool]:
    """The ids of all that the list finds, in its order, and whether there are more than `MOST`; raises BadRequest for none."""
    query = asked_.of_text(request.typed("_state")).query(kind)
    page = kind.ctx.records(kind.name).query(replace(query, fields=("id",), limit=MOST, cursor=""))
    if not page.data:
        raise BadRequest(_("the list no longer finds any records: go back and look again"))
    return [id_of(row) for row in page.data], page.next is not None


def chosen(request: PageRequest) -> list[UUID]:
    """The ids of ticked rows, each once; raises BadRequest for none, for more than `MOST`, and for what is no id."""
    words = list(dict.fromkeys(request.chosen("id")))
    if not 1 <= len(words) <= MOST:
        raise BadRequest(_("select 1 to {most} records"), most=MOST)
    try:
        return [UUID(word) for word in words]
    except ValueError as failure:
        raise BadRequest(_("one of the selected records has no ID")) from failure


def editable(kind: Kind) -> dict[str, str]:
    """The fields that can be given another value in one go."""
    unfit = {name for name, field in kind.written.items() if isinstance(field, AnyRecordField) or field.unique or field.secret}
    return {name: kind.ctx.say(field.label) for name, field in kind.written.items() if name not in unfit}


def _only(kind: Kind, name: str) -> Kind:
    """The entity as if it had this field alone."""
    return replace(kind, fields={name: kind.fields[name]})


def input_of(kind: Kind, name: str, values: Row, problems: Mapping[str, str]) -> Input:
    """One field of a form."""
    return inputs_in_a_row(_only(kind, name), values, problems)[0]


def _question(kind: Kind, wanted: str, ids: Sequence[UUID], request: PageRequest, problem: str = "", *, beyond: bool = False) -> Rendering:
    names = editable(kind)
    name = "owner" if wanted == OWNER else request.typed("_field")
    values: dict[str, object] = typed(_only(kind, name), request) if problem else {}
    return Rendering(
        "console/bulk.html",
        {
            "kind": kind,
            "act": wanted,
            "ids": ids,
            "beyond": beyond,
            "state": request.typed("_state"),
            "fields": list(names.items()),
            "name": name if name in names else "",
            "input": input_of(kind, name, values, {name: problem} if problem else {}) if name in names else None,
            "back": asked_.of_text(request.typed("_state")).at(kind),
        },
        422 if problem else 200,
    )


def _same_everywhere(kind: Kind, name: str, outcomes: Sequence[Outcome]) -> str:
    """What is wrong with the value itself: said by each of them, and of that field."""
    found = set()
    for outcome in outcomes:
        problems = outcome.refusal.problems if isinstance(outcome.refusal, Invalid) else ()
        found.add("; ".join(kind.ctx.say(one.message, worded(kind.ctx, one.params)) for one in problems if one.field == name))
    return found.pop() if len(found) == 1 else ""


def _told(kind: Kind, ids: Sequence[UUID], outcomes: Sequence[Outcome], wanted: str, request: PageRequest, *, beyond: bool) -> Rendering:
    refused = [(id, outcome) for id, outcome in zip(ids, outcomes, strict=True) if outcome.refusal is not None]
    return Rendering(
        "console/outcome.html",
        {
            "kind": kind,
            "act": wanted,
            "done": sum(outcome.refusal is None and outcome.changed for outcome in outcomes),
            "same": sum(outcome.refusal is None and not outcome.changed for outcome in outcomes),
            "refused": reasons(kind, refused),
            "beyond": len(ids) if beyond else 0,
            "back": asked_.of_text(request.typed("_state")).at(kind),
        },
    )


def reasons(kind: Kind, refused: Sequence[tuple[UUID, Outcome]]) -> list[Refused]:
    """Refusals by what they say."""
    titles = kind.ctx.records(kind.name).titles([id for id, _outcome in refused]) if refused else {}
    by_reason: dict[str, list[str]] = {}
    for id, outcome in refused:
        refusal = outcome.refusal
        assert refusal is not None
        said = "; ".join(_labelled(kind, one.field, kind.ctx.say(one.message, worded(kind.ctx, one.params))) for one in refusal.problems)
        by_reason.setdefault(said or kind.ctx.say(refusal.message, worded(kind.ctx, refusal.params)), []).append(titles.get(id, str(id)))
    return [Refused(reason, names) for reason, names in by_reason.items()]


def _labelled(kind: Kind, name: str, said: str) -> str:
    field = kind.fields.get(name)
    return f"{kind.ctx.say(field.label)}: {said}" if field is not None else said


# --- the recycle bin ---------------------------------------------------------------------------------------------------------------


def bin(ctx: Context, request: PageRequest) -> Rendering:
    """What is in the recycle bin of an entity, for who may take it out again."""
    return _bin(_restorable(ctx, request), request)


def restore(ctx: Context, request: PageRequest) -> Rendering:
    """Take the chosen records out of the recycle bin, and tell which could not be."""
    kind = _restorable(ctx, request)
    if not request.chosen("id"):
        return _bin(kind, request, idle=True)
    ids = chosen(request)
    outcomes = ctx.records(kind.name).write([Draft("restore", {}, id) for id in ids])
    refused = [(id, outcome) for id, outcome in zip(ids, outcomes, strict=True) if outcome.refusal is not None]
    still = (
        ctx.records(kind.name).find((Condition("id", "in", tuple(str(id) for id, _outcome in refused)),), MOST, deleted=True)
        if refused
        else []
    )
    names = {row["id"]: str(row.get(kind.title) or "—") for row in still}
    told = [Refused(one.reason, [names.get(UUID(name), name) if len(name) == 36 else name for name in one.names])
            for one in reasons(kind, refused)]  # fmt: skip
    return _bin(kind, request, told, len(ids) - len(refused))


def _restorable(ctx: Context, request: PageRequest) -> Kind:
    kind = kind_at(ctx, request.path["plugin"], request.path["plural"])
    if not kind.can("delete"):
        raise Forbidden(_("you don’t have permission to {verb} {entity}"), verb="delete", entity=kind.name)
    return kind


def _bin(kind: Kind, request: PageRequest, refused: Sequence[Refused] = (), done: int = 0, *, idle: bool = False) -> Rendering:
    """What was deleted last comes first: nothing else changes what lies there."""
    words, shown = request.asked("q").strip(), [name for name in ("id", kind.title, "owner", "updated_at") if name in kind.fields]
    sort = ("-updated_at",) if "updated_at" in shown else ()
    asked = Query(sort=sort, fields=tuple(shown), q=words, limit=asked_.SIZE, cursor=request.asked("cursor"), deleted=True)
    page = kind.ctx.records(kind.name).query(asked)
    owners = titles_of(kind, page.data, ["owner"] if "owner" in kind.fields else [])
    kept = [("q", words)] if words else []
    return Rendering(
        "console/bin.html",
        {
            "kind": kind,
            "rows": [
                (row["id"], str(row.get(kind.title) or "—"), owners.of("core.user", row.get("owner")), row.get("updated_at"))
                for row in page.data
            ],
            "refused": refused,
            "done": done,
            "idle": idle,
            "words": words,
            "more": f"{kind.path}/bin{query_of([*kept, ('cursor', page.next)])}" if page.next else "",
        },
    )


PAGES = (
    PageRoute("bulk", path="/{plugin}/{plural}/bulk", title=_("Multiple records"), permission=SIGNED_IN, view=show, submit=act),
    PageRoute("bin", path="/{plugin}/{plural}/bin", title=_("Recycle bin"), permission=SIGNED_IN, view=bin, submit=restore),
)
