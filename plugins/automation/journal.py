"""The run log as a page: which rule ran for which record, what came of it, what each action did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from marshmallow import fields

from plugins.automation import running
from plugins.automation.matching import RUN
from plugins.automation.revisions import RULE
from plugins.automation.rule import kind_of
from plugins.automation.sentences import called, called_action, label_of, value_of
from plugins.automation.tables import DONE, FAILED, STATES, STOPPED, UNDONE, WAITING
from sdk import Action, Condition, Context, PageRequest, PageRoute, Panel, Query, Redirect, Refusal, Rendering, Slot, Text, _
from sdk.clauses import title_of
from sdk.context import Row, id_of
from sdk.pages import ABOUT, ANY_ENTITY, told
from sdk.workflow import Shape

STEP, USER = "automation.step", "core.user"
RUN_RULES = "automation.rule.run"
TONES = {DONE: "good", FAILED: "bad", STOPPED: "warm", UNDONE: "warm", WAITING: "info"}
SIZE, FEW = 50, 10
_FIELDS = (
    "id",
    "rule",
    "about",
    "subject",
    "event",
    "state",
    "attempts",
    "error",
    "created_at",
    "started_at",
    "finished_at",
    "revision",
    "causes",
)


@dataclass(frozen=True)
class Line:
    """A run as a line of the log; `href` leads to its record, where who reads may see it."""

    id: str
    at: object
    rule: str
    rule_id: str
    record: str
    href: str
    kind: str
    state: str
    label: str
    tone: str
    error: str
    attempts: int
    may_retry: bool


def page_of(ctx: Context, filter: Sequence[Condition], *, limit: int = SIZE, cursor: str = "") -> tuple[list[Line], str]:
    """Runs, the newest first, and the cursor of what follows ("": nothing)."""
    asked = Query(filter=tuple(filter), sort=("-created_at",), fields=_FIELDS, limit=limit, cursor=cursor)
    page = ctx.records(RUN).query(asked)
    return lines(ctx, page.data), page.next or ""


def lines(ctx: Context, rows: Sequence[Row]) -> list[Line]:
    """Runs as lines; the titles of rules and records by one question for each entity."""
    rules = _titles(ctx, RULE, (row.get("rule") for row in rows))
    subjects: dict[str, set[object]] = {}
    for row in rows:
        if isinstance(about := row.get("about"), Mapping):
            subjects.setdefault(str(about["entity"]), set()).add(about["id"])
    found = {(entity, id): title for entity, ids in subjects.items() for id, title in _titles(ctx, entity, ids).items()}
    may = ctx.can(RUN_RULES)
    return [_line(ctx, row, rules, found, may=may) for row in rows]


def _titles(ctx: Context, entity: str, ids: Iterable[object]) -> dict[str, str]:
    if not ctx.offers(entity) or not ctx.can(f"{entity}.read"):
        return {}
    wanted = {UUID(str(id)) for id in ids if id is not None}
    return {str(id): title for id, title in ctx.records(entity).titles(wanted).items()} if wanted else {}


def _line(ctx: Context, row: Row, rules: Mapping[str, str], found: Mapping[tuple[str, str], str], *, may: bool) -> Line:
    about, state = row.get("about"), str(row["state"])
    entity, id = (str(about["entity"]), str(about["id"])) if isinstance(about, Mapping) else ("", "")
    title = found.get((entity, id), "")
    return Line(
        str(row["id"]), row["created_at"], rules.get(str(row.get("rule")), ""), str(row.get("rule")), title,
        address_of(ctx, entity, id) if title else "", called(ctx, entity) if entity else "", state, ctx.say(STATES[state]), TONES[state],
        str(row.get("error") or ""), cast("int", row.get("attempts") or 0), may and state in (FAILED, STOPPED),
    )  # fmt: skip


def address_of(ctx: Context, entity: str, id: object) -> str:
    """The page of a record."""
    of = ctx.entity(entity)
    return ctx.page(f"/{of.plugin}/{of.plural}/{id}")


# --- the log -----------------------------------------------------------------------------------------------------------


def show(ctx: Context, request: PageRequest) -> Rendering:
    """All runs that one may see, narrowed by rule, outcome and record."""
    return _log(ctx, request)


def _log(ctx: Context, request: PageRequest, problems: Sequence[str] = (), status: int = 200) -> Rendering:
    rule, state, about = request.asked("rule"), request.asked("state"), request.asked("about")
    clauses = [Condition(name, "eq", (value,)) for name, value in (("rule", rule), ("state", state), ("about", about)) if value]
    rows, following = page_of(ctx, clauses, cursor=request.asked("cursor"))
    rules = ctx.records(RULE).query(Query(fields=("id", "name"), sort=("name",), limit=200)).data
    kept = [(name, value) for name, value in (("rule", rule), ("state", state), ("about", about)) if value]
    title = ""
    if about:
        entity, _colon, id = about.partition(":")
        title = _titles(ctx, entity, [id]).get(id, "") or about
    return Rendering(
        "automation/runs.html",
        {
            "rows": rows, "following": following, "rules": rules, "rule": rule, "state": state, "about": about, "title": title, "kept": kept,
            "states": [(key, ctx.say(label)) for key, label in STATES.items() if key != UNDONE], "problems": list(problems),
        },
        status,
    )  # fmt: skip


def show_one(ctx: Context, request: PageRequest) -> Rendering:
    """A run with its steps."""
    return _one(ctx, request)


def _one(ctx: Context, request: PageRequest, refusal: Refusal | None = None) -> Rendering:
    row = ctx.records(RUN).get(request.id(), fields=_FIELDS)
    (line,) = lines(ctx, [row])
    steps = ctx.records(STEP).query(Query(filter=(Condition("run", "eq", (row["id"],)),), limit=200)).data
    entity = str(about["entity"]) if isinstance(about := row.get("about"), Mapping) else ""
    return Rendering(
        "automation/run.html",
        {"line": line, "row": row, "steps": [_step(ctx, one, entity) for one in _latest(steps)], "problems": told(ctx, refusal),
         "took": _took(row)},
        200 if refusal is None else refusal.status,
    )  # fmt: skip


def _latest(steps: Sequence[Row]) -> list[Row]:
    """The steps of the last attempt: those of earlier ones, which failed, are numbered from 1 as well."""
    at = max((str(step.get("at") or "") for step in steps), default="")
    return sorted((step for step in steps if str(step.get("at") or "") == at), key=lambda step: cast("int", step["number"]))


def _step(ctx: Context, row: Row, entity: str) -> dict[str, object]:
    state = str(row["state"])
    return {
        "number": row["number"], "label": called_action(ctx, str(row["action"])), "state": ctx.say(STATES[state]), "tone": TONES[state],
        "went_in": plain(ctx, row.get("went_in"), str(row["action"]), entity), "error": row.get("error"),
        "came_out": plain(ctx, row.get("came_out"), str(row["action"]), entity, made=True),
    }  # fmt: skip


_OUTCOME: Mapping[str, Text] = {"entity": _("Record type"), "id": _("Record"), "fields": _("Changed fields")}


def plain(ctx: Context, document: object, action: str, entity: str, *, made: bool = False) -> list[tuple[str, str]]:
    """What went into an action for a record of `entity`, or came out of it (`made`), as pairs to read: parameters by what their form calls them,
    and what they name by what people call that."""
    if not isinstance(document, Mapping):
        return []
    parameters, of = _words_of(ctx, action, made=made), str(document.get("entity") or entity)
    found = list[tuple[str, str]]()
    for name, value in document.items():
        asked: Mapping[str, Any] = parameters[name].metadata if name in parameters else {}
        label = ctx.say(asked["label"] if asked.get("label") else _OUTCOME.get(str(name), Text(str(name))))
        if isinstance(value, Mapping):
            values = asked.get("shape") is Shape.VALUES
            found += [(label_of(ctx, of, str(inner)), value_of(ctx, of, str(inner), one)) if values else (f"{label}: {inner}", str(one))
                      for inner, one in value.items()]  # fmt: skip
        elif value not in (None, "", [], False):
            options = asked.get("options")
            known = dict(options(ctx, entity, document)) if options is not None and ctx.offers(entity) else {}
            target = str(asked["of"]) if asked.get("shape") is Shape.RECORD else of if name == "id" else ""
            words = [
                known.get(str(one)) or _called(ctx, str(name), one, of, target) for one in (value if isinstance(value, list) else [value])
            ]
            found.append((label, ctx.say(_(", ")).join(words)))
    return found


def _called(ctx: Context, name: str, value: object, of: str, target: str) -> str:
    """What a word of a parameter or a result means, if it is an entity, a field, or a record of `target`; else the word."""
    if value is True:
        return ctx.say(_("yes"))
    if name == "entity":
        return called(ctx, str(value))
    if name == "fields":
        return label_of(ctx, of, str(value))
    return title_of(ctx, target or USER, str(value)) or (called(ctx, target) if target else str(value))  # its kind, of one that nobody sees


def _words_of(ctx: Context, key: str, *, made: bool) -> Mapping[str, fields.Field[Any]]:
    """The parameters of an action by their names in a rule; with `made`, those of what it returns before them."""
    action = kind_of(ctx, Action, key)
    asked = () if action is None else (action.parameters, action.outcome) if made else (action.parameters,)
    return {one.data_key or name: one for schema in asked for name, one in schema().fields.items()}


def _took(row: Row) -> float | None:
    """Seconds from its beginning to its end."""
    times: list[Any] = [row.get("started_at"), row.get("finished_at")]
    if None in times:
        return None
    began, ended = (datetime.fromisoformat(str(one)) for one in times)
    return round((ended - began).total_seconds(), 1)


def retry(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Let a run that failed wait once more."""
    ctx.require(RUN_RULES)
    try:
        running.again(ctx, request.id())
    except Refusal as refusal:
        if request.part:
            raise
        return _one(ctx, request, refusal)
    return Redirect(ctx.page(f"/automation/runs/{request.id()}"))


# --- by a record -------------------------------------------------------------------------------------------------------


def runs_for(_ctx: Context, entity: str) -> bool:
    """Rules are about everything but what they are made of."""
    return not entity.startswith("automation.")


def of_record(ctx: Context, record: Row) -> Rendering:
    """What rules did here: the runs for a record, the newest first."""
    entity = str(record[ABOUT])
    about = f"{entity}:{record['id']}"
    rows, following = page_of(ctx, [Condition("about", "eq", (about,))], limit=FEW)
    by_hand = _startable(ctx, entity)
    return Rendering("automation/of_record.html", {"rows": rows, "more": bool(following), "about": about, "by_hand": by_hand})


def _startable(ctx: Context, entity: str) -> list[Mapping[str, str]]:
    """The rules that are started by hand for such records."""
    if not ctx.can(RUN_RULES):
        return []
    asked = (Condition("entity", "eq", (entity,)), Condition("trigger", "eq", ("automation.manual",)), Condition("active", "eq", ("true",)))
    return [{"id": str(id_of(row)), "name": str(row["name"])} for row in ctx.records(RULE).find(asked, 50)]


PAGES = (
    PageRoute("runs", path="/runs", title=_("Rule history"), permission="automation.run.read", view=show),
    PageRoute("run", path="/runs/{id}", title=_("Run"), permission="automation.run.read", view=show_one, submit=retry),
)
PANELS = (
    Panel(
        "runs",
        slot=Slot.TAB,
        label=_("Rules"),
        permission="automation.run.read",
        view=of_record,
        entity=ANY_ENTITY,
        position=80,
        fits=runs_for,
    ),
)
