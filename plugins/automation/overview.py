"""Rules as pages: the list with a switch in each row, and a rule's own page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from marshmallow import ValidationError

from plugins.automation import journal, matching, rehearsal, revisions, routes, rules, running, trials
from plugins.automation.matching import BUDGET, RUN
from plugins.automation.parts import WHOLE
from plugins.automation.revisions import PARTS, REVISION, RULE
from plugins.automation.rule import Rule, kind_of
from plugins.automation.sentences import about_there, called, of_rule
from plugins.automation.tables import FAILED
from plugins.automation.triggers import DATE, MANUAL
from sdk import Condition, Context, PageRequest, PageRoute, Query, Redirect, Refusal, Rendering, Trigger, _
from sdk.clauses import record_typed
from sdk.context import Row, id_of
from sdk.days import instant
from sdk.pages import told
from sdk.routes import record_id

READ, CREATE, UPDATE, DELETE = (f"automation.rule.{verb}" for verb in ("read", "create", "update", "delete"))
SIZE = 50
LATELY = timedelta(days=7)
_WHOLE = ("id", "version", "name", "entity", "trigger", "parameters", "conditions", "actions", "active", "owner", "runs_as", "revision",
          "draft_of", "position", "updated_at", "created_at", "stopped_because")  # fmt: skip
ON, OFF, FAILING = "on", "off", "failing"


def at(ctx: Context, id: object = "", more: str = "") -> str:
    """The address of the list, of a rule, or of a page of a rule."""
    return ctx.page(f"/automation/rules{f'/{id}' if id else ''}{more}")


# --- the list ----------------------------------------------------------------------------------------------------------


def show_all(ctx: Context, request: PageRequest) -> Rendering:
    """All rules on what the tenant has, each as a sentence, with what became of it."""
    return _list(ctx, request)


def _list(ctx: Context, request: PageRequest, refusal: Refusal | None = None) -> Rendering:
    words, state, entity = request.asked("q").strip(), request.asked("state"), request.asked("entity")
    there, clauses = about_there(ctx, RULE)
    if state in (ON, OFF):
        clauses.append(Condition("active", "eq", ("true" if state == ON else "false",)))
    if entity:
        clauses.append(Condition("entity", "eq", (entity,)))
    if state == FAILING:
        failing = _counts(ctx, _since(ctx, LATELY), FAILED)
        clauses.append(Condition("id", "in", tuple(failing) or (str(UUID(int=0)),)))
    asked = Query(filter=tuple(clauses), sort=("position", "name"), fields=_WHOLE, q=words, limit=SIZE, cursor=request.asked("cursor"))
    page = ctx.records(RULE).query(asked)
    kept = [(name, value) for name, value in (("q", words), ("state", state), ("entity", entity)) if value]
    return Rendering(
        "automation/rules.html",
        {
            "rows": rows_of(ctx, page.data), "following": page.next or "", "q": words, "state": state, "entity": entity, "kept": kept,
            "entities": sorted(((one, called(ctx, one)) for one in there), key=lambda pair: pair[1]),
            "problems": told(ctx, refusal), "stops": ctx.can("automation.rule.stop"),
            "may_create": ctx.can(CREATE),
        },
        200 if refusal is None else refusal.status,
    )  # fmt: skip


def rows_of(ctx: Context, rules: Sequence[Row]) -> list[dict[str, object]]:
    """Rules as lines of the list: in words, with the last run, the runs of today and the failures of a week."""
    ids = [str(row["id"]) for row in rules]
    today = instant(ctx.today(), ctx.zone)
    ran, failed, last = _counts(ctx, today), _counts(ctx, _since(ctx, LATELY), FAILED), _last(ctx, ids)
    may = ctx.can(UPDATE)
    return [
        {
            "id": id, "version": row["version"], "name": row["name"], "active": row["active"], "draft": row.get("draft_of") is not None,
            "said": of_rule(ctx, row), "last": last.get(id), "today": ran.get(id, 0), "failed": failed.get(id, 0), "may": may,
            "stopped": None if row["active"] else row.get("stopped_because"),
        }
        for id, row in zip(ids, rules, strict=True)
    ]  # fmt: skip


def _since(ctx: Context, span: timedelta) -> datetime:
    return ctx.now() - span


def _counts(ctx: Context, since: datetime, state: str = "") -> dict[str, int]:
    """How many runs of each rule have begun since then."""
    clauses = (Condition("created_at", "gte", (since,)), *((Condition("state", "eq", (state,)),) if state else ()))
    return {str(row["rule.id"]): cast("int", row["count"]) for row in ctx.records(RUN).aggregate(["count"], ["rule"], clauses)}


def _last(ctx: Context, ids: Sequence[str]) -> dict[str, object]:
    if not ids:
        return {}
    rows = ctx.records(RUN).aggregate(["max:created_at"], ["rule"], (Condition("rule", "in", tuple(ids)),))
    return {str(row["rule.id"]): row["max:created_at"] for row in rows}


def switch(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Switch a rule on or off."""
    active = request.typed("active") == "true"
    try:
        ctx.records(RULE).update(request.id(), {"active": active}, expected_version=request.version())
    except Refusal as refusal:
        if request.part:
            raise  # a script shows it in its own words
        return _rule(ctx, request, refusal) if request.typed("on") == "page" else _list(ctx, request, refusal)
    if request.part:
        row = ctx.records(RULE).get(request.id(), fields=_WHOLE)
        return Rendering("automation/rule_row.html", {"row": rows_of(ctx, [row])[0]})
    return Redirect(at(ctx, request.id()) if request.typed("on") == "page" else at(ctx))


def stop_all(ctx: Context, request: PageRequest) -> Redirect:
    """Switch all rules off at once."""
    rules.stop_all(ctx)
    return Redirect(at(ctx))


def back(ctx: Context, request: PageRequest) -> Redirect:
    """There is no page of its own."""
    return Redirect(at(ctx, request.path.get("id", "")))


# --- one rule ----------------------------------------------------------------------------------------------------------


def show(ctx: Context, request: PageRequest) -> Rendering:
    """A rule as a sentence, its runs, its versions."""
    return _rule(ctx, request)


def _rule(ctx: Context, request: PageRequest, refusal: Refusal | None = None) -> Rendering:
    row = ctx.records(RULE).get(request.id(), fields=_WHOLE)
    entity = str(row["entity"])
    rows, following = journal.page_of(ctx, [Condition("rule", "eq", (row["id"],))], limit=journal.FEW)
    return Rendering(
        "automation/rule.html",
        {
            "rule": row, "line": rows_of(ctx, [row])[0], "runs": rows, "more": bool(following), "versions": versions(ctx, row),
            "people": _people(ctx, [row.get("owner"), row.get("runs_as")]), "draft": _draft(ctx, row), "problems": told(ctx, refusal),
            "has_past": _has_past(ctx, row), "past": _past(ctx, request, row), "pick": _pick(ctx, entity),
            "by_hand": row["trigger"] == MANUAL and ctx.can(journal.RUN_RULES),
            "may_create": ctx.can(CREATE), "may_delete": ctx.can(DELETE), "budget": BUDGET, "per_minute": running.PER_MINUTE,
        },
        200 if refusal is None else refusal.status,
    )  # fmt: skip


def _pick(ctx: Context, entity: str) -> str:
    """Where one of the records is chosen that the rule is about."""
    if not ctx.offers(entity) or not ctx.can(f"{entity}.read"):
        return ""
    of = ctx.entity(entity)
    return ctx.page(f"/pick/{of.plugin}/{of.plural}")


def _people(ctx: Context, ids: Sequence[object]) -> dict[str, str]:
    wanted = {UUID(str(id)) for id in ids if id is not None}
    if not wanted or not ctx.can("core.user.read"):
        return {}
    return {str(id): name for id, name in ctx.records("core.user").titles(wanted).items()}


def _draft(ctx: Context, row: Row) -> str:
    """The draft of the rule's next version, if there is one."""
    found = ctx.records(RULE).find((Condition("draft_of", "eq", (row["id"],)),), 1)
    return str(id_of(found[0])) if found else ""


def versions(ctx: Context, row: Row) -> list[dict[str, object]]:
    """What the rule was, the newest first, each in words, with who made it so."""
    asked = Query(filter=(Condition("rule", "eq", (row["id"],)),), sort=("-number",), limit=20)
    found = ctx.records(REVISION).query(asked).data
    names = _people(ctx, [one.get("by") for one in found])
    return [
        {"number": one["number"], "at": one["created_at"], "by": names.get(str(one.get("by")), ""), "said": of_rule(ctx, one),
         "here": one["number"] == row["revision"]}
        for one in found
    ]  # fmt: skip


def _has_past(ctx: Context, row: Row) -> bool:
    """Whether what would have begun the rule is kept: events are, times and hands are not."""
    trigger = kind_of(ctx, Trigger, str(row["trigger"]))
    try:
        given = trigger.parameters().load(cast("dict[str, Any]", row["parameters"] or {})) if trigger is not None else {}
    except ValidationError:
        return False
    return trigger is not None and row["trigger"] != DATE and bool(trigger.events(str(row["entity"]), given))


def _past(ctx: Context, request: PageRequest, row: Row) -> Mapping[str, Any] | None:
    """What the rule would have done lately, where somebody asks."""
    if not request.asked("days"):
        return None
    days = min(90, max(1, int(word))) if WHOLE.fullmatch(word := request.asked("days")) else 30
    try:
        found: Mapping[str, Any] = rehearsal.rehearse(ctx, matching.rule_by_id(ctx, UUID(str(row["id"]))), days)
    except Refusal as refusal:
        return {"days": days, "refused": told(ctx, refusal)}
    href = {str(one["id"]): journal.address_of(ctx, str(row["entity"]), one["id"]) for one in found["samples"]}
    return {**found, "days": days, "refused": [], "href": href}


def act(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """What is done with a rule from its page: a draft of the next version, a draft put in force, an earlier version, a start by hand."""
    id, do = request.id(), request.typed("do")
    try:
        if do == "draft":
            return Redirect(at(ctx, id_of(revisions.draft(ctx, id)), "/edit"))
        if do == "publish":
            return Redirect(at(ctx, id_of(revisions.publish(ctx, id))))
        if do == "version":
            number = request.typed("number")
            one = revisions.revision_of(ctx, id, int(number) if WHOLE.fullmatch(number) else 0)
            ctx.records(RULE).update(id, {name: one[name] for name in PARTS}, expected_version=request.version())
        if do == "start":
            ctx.require(journal.RUN_RULES)
            about = str(ctx.records(RULE).get(id, fields=("entity",))["entity"])
            routes.start_for(ctx, id, [record_id(record_typed(ctx, about, request, "record"))])
    except Refusal as refusal:
        return _rule(ctx, request, refusal)
    return Redirect(request.typed("then") if request.typed("then").startswith(ctx.page("/")) else at(ctx, id))


def ask_trial(ctx: Context, request: PageRequest) -> Redirect:
    """A trial is sent from the rule's page."""
    return Redirect(at(ctx, request.id(), "#try"))


def show_trial(ctx: Context, request: PageRequest) -> Rendering:
    """What a rule would do for a record."""
    rule = matching.rule_by_id(ctx, request.id())
    word = record_typed(ctx, rule.entity, request, "record")
    found, problems = attempted(ctx, rule, record_id(word)) if word else (None, [ctx.say(_("Choose a record first."))])
    return Rendering("automation/tried.html", {"found": found, "problems": problems, "name": rule.name, "back": at(ctx, rule.id)})


def attempted(ctx: Context, rule: Rule, record: UUID) -> tuple[Mapping[str, Any] | None, list[str]]:
    """What a rule would do, as it is shown; or why it cannot be tried."""
    try:
        found: Mapping[str, Any] = trials.tried(ctx, rule, record)
    except Refusal as refusal:
        return None, told(ctx, refusal)
    steps = [{**one, "pairs": journal.plain(ctx, one["went_in"], str(one["action"]), rule.entity)} for one in found["steps"]]
    return {**found, "steps": steps, "left": len(steps) < len(rule.actions)}, []


PAGES = (
    PageRoute("trial", path="/rules/{id}/trial", title=_("Test"), permission=READ, view=ask_trial, submit=show_trial),
    PageRoute("rules", path="/rules", title=_("Rules"), permission=READ, view=show_all),
    PageRoute("rule", path="/rules/{id}", title=_("Rule"), permission=READ, view=show, submit=act),
    PageRoute("switch", path="/rules/{id}/switch", title=_("On or off"), permission=UPDATE, view=back, submit=switch),
    PageRoute("stops", path="/rules/stops", title=_("Turn off all rules"), permission="automation.rule.stop", view=back, submit=stop_all),
)
