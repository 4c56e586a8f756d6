"""Reports that people keep for themselves."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from plugins.reports.query import run
from sdk import Batch, Change, Condition, Context, Invalid, NotFound, PageRequest, Query, Redirect, Refusal, Report, _
from sdk.context import Row
from sdk.pages import Pairs
from sdk.text import Told

NAME = "reports.own_report"
WORDS = ("entity", "measure", "by", "where", "chart")
MOST = 200
_NONE = "id=00000000-0000-0000-0000-000000000000"
"""Whether a question can be asked is seen without counting anything."""


def mine(ctx: Context) -> list[Row]:
    """Those of the actor, by name; none of what the tenant does not have at present."""
    me = ctx.actor.user_id
    if me is None:
        return []
    rows = ctx.records(NAME).query(Query((Condition("owner", "eq", (str(me),)),), ("name",), ("id", "name", "question"), limit=MOST)).data
    return [row for row in rows if ctx.offers(dict(pairs(str(row["question"]))).get("entity", ""))]


def pairs(question: str) -> list[tuple[str, str]]:
    """A kept question as the pairs of an address."""
    return [pair for pair in parse_qsl(question) if pair[0] in WORDS]


def written(query: Pairs) -> str:
    """The words of an address as they are kept."""
    return urlencode([pair for pair in query if pair[0] in WORDS and pair[1]])


def report(ctx: Context, question: str, name: str) -> Report:
    """A kept question as a report; raises NotFound where the tenant does not have its entity."""
    return asked(ctx, pairs(question), name)


def asked(ctx: Context, query: Pairs, name: str = "") -> Report:
    """The report that the words of an address ask for. Raises NotFound where the tenant does not have its entity."""
    last = dict(query)
    entity = last.get("entity", "")
    measures, by, where = (
        tuple(dict.fromkeys(value for word, value in query if word == one and value)) for one in ("measure", "by", "where")
    )
    if not ctx.offers(entity):
        raise NotFound(_("entity {entity!r} does not exist here"), entity=entity[:80])
    label = Told(name, {}) if name else ctx.entity(entity).plural_label
    return Report("query", label, entity, measures or ("count",), by, where, "", "line" if last.get("chart") == "line" else "bar")


def keep(ctx: Context, request: PageRequest) -> Redirect:
    """Keep the question of the address under a name. Raises Invalid without a name, and for a question that cannot be asked."""
    name = request.typed("name").strip()
    if not name:
        raise Invalid(_("enter a name for the report"))
    ctx.records(NAME).create({"name": name, "question": written(request.query)})
    return Redirect(f"{request.address.partition('/reports/')[0]}/reports/reports")


def prepare(ctx: Context, batch: Batch) -> None:
    """A question names an entity, and can be asked."""
    for change in batch.standing():
        if change.before is None or change.changes("question"):
            _check(ctx, change)


def _check(ctx: Context, change: Change) -> None:
    found = pairs(str(change.after("question") or ""))
    entity = dict(found).get("entity", "")
    measures, by, where = ([value for name, value in found if name == word] for word in ("measure", "by", "where"))
    try:
        run(ctx, entity, measures, by, [*where, _NONE])
    except Refusal as refusal:
        change.refuse("question", "bad_question", _("the report can’t be run: {reason}"), reason=ctx.say(refusal.message, refusal.params))
