"""Why a person may see a record, change it or not: the answer of the doors, in words; and with whom it is shared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlencode

from plugins.console.cells import Cell, cells
from plugins.console.record import about
from plugins.console.registry import Kind, kind_at, kind_of
from sdk import SIGNED_IN, Condition, Context, PageRequest, PageRoute, Query, Refusal, Rendering, Text, Verb, _
from sdk.context import Row
from sdk.pages import told

_VERBS: Mapping[str, Text] = {Verb.READ: _("view it"), Verb.UPDATE: _("change it"), Verb.DELETE: _("delete it")}
_SCOPES: Mapping[str, Text] = {
    "none": _("no access: takes away what the role would otherwise have"), "shared": _("records shared with the person"),
    "own": _("the person’s own records"), "subordinates": _("own records and those of direct and indirect reports"),
    "team": _("records of the person’s team and its sub-teams"), "territory": _("own records and those in the person’s territories"),
    "parent": _("records that belong to records the person can reach"), "all": _("all records of the company"),
}  # fmt: skip
_MOST_PEOPLE, _MOST_SHARES = 200, 50


@dataclass(frozen=True)
class Rule:
    """A grant in words; `works` says whether it does it here, `fields` which it is for (none: all)."""

    role: str
    sources: Sequence[str]
    scope: str
    works: bool
    decides: bool
    fields: Sequence[str] = ()


@dataclass(frozen=True)
class Person:
    """Somebody to ask about."""

    id: str
    name: str
    chosen: bool


def show(ctx: Context, request: PageRequest) -> Rendering:
    """May this person do this to the record, and which grant makes it so: of oneself, or of whom one may ask about."""
    kind = kind_at(ctx, request.path["plugin"], request.path["plural"])
    row = ctx.records(kind.name).get(request.id())
    verb = request.asked("verb") if request.asked("verb") in _VERBS else str(Verb.READ)
    asks_others = ctx.can("core.explanation.read") and ctx.can("core.user.read")
    who, field = request.asked("user") if asks_others else "", request.asked("field")
    values = {
        "verbs": [(key, ctx.say(word), key == verb) for key, word in _VERBS.items()],
        "verb": ctx.say(_VERBS[verb]),
        "people": _people(ctx, who) if asks_others else [],
        "fields": [(name, ctx.say(one.label), name == field) for name, one in kind.fields.items()],
        "shares": _shares(ctx, kind, row),
        "shareable": ctx.offers("core.share") and ctx.can("core.share.create"),
    }
    try:
        answer = _answer(ctx, kind, row, verb, who, field)
    except Refusal as refusal:
        return Rendering(
            "console/access.html", {**about(kind, row), **values, "problems": told(ctx, refusal), "allowed": None}, refusal.status
        )
    return Rendering("console/access.html", {**about(kind, row), **values, "problems": [], **answer})


def _answer(ctx: Context, kind: Kind, row: Row, verb: str, who: str, field: str) -> Mapping[str, object]:
    asked = (
        {"action": f"{kind.name}.{verb}", "record": str(row["id"])} | ({"user": who} if who else {}) | ({"field": field} if field else {})
    )
    found = cast("Mapping[str, object]", ctx.api("GET", f"/api/v1/core/explanations?{urlencode(asked)}"))
    rules = cast("Sequence[Mapping[str, object]]", found["rules"])
    names = _roles(ctx, {str(one["role"]) for one in rules})
    return {
        "allowed": found["allowed"],
        "reason": found["detail"],
        "rules": [_rule(kind, one, names, decides=one == found["rule"]) for one in rules],
    }


def _rule(kind: Kind, found: Mapping[str, object], names: Mapping[str, str], *, decides: bool) -> Rule:
    say, fields = kind.ctx.say, cast("Sequence[str] | None", found["fields"])
    scope = say(_SCOPES[str(found["scope"])]) if found["scope"] in _SCOPES else str(found["scope"])
    if found["share"]:
        scope = say(_("{scope}; this one is shared with the person"), {"scope": scope})
    labels = [say(kind.fields[name].label) if name in kind.fields else name for name in fields or ()]
    works = found["reaches"] is not False and found["includes"] is not False
    sources = [_source(kind.ctx, word) for word in cast("Sequence[str]", found["sources"])]
    role = names.get(str(found["role"]), str(found["role"])) or _followed(kind.ctx, cast("Sequence[str]", found["follows"]))
    return Rule(role, sources, scope, works, decides, labels)


def _followed(ctx: Context, permissions: Sequence[str]) -> str:
    """Which rights decide on what is seen for the sake of its parent."""
    entities = dict.fromkeys(word.rpartition(".")[0] for word in permissions)
    words = [ctx.say(ctx.entity(name).plural_label) for name in entities if ctx.offers(name)]
    return ctx.say(_("Rights to {entities}"), {"entities": ctx.say(_(", ")).join(words)}) if words else ""


def _source(ctx: Context, word: str) -> str:
    kind, _colon, name = word.partition(":")
    if kind == "team":
        return ctx.say(_("by the team {name}"), {"name": name})
    return ctx.say({"user": _("granted directly"), "baseline": _("everyone has it")}.get(kind, _("by other means")))


def _roles(ctx: Context, keys: set[str]) -> Mapping[str, str]:
    """What roles are called; their keys are no secret to who has them."""
    named = tuple(sorted(keys - {""}))  # what is seen for the sake of its parent no role names
    rows = ctx.as_system().records("core.role").find((Condition("key", "in", named),)) if named else []
    return {str(row["key"]): str(row["name"]) for row in rows}


def _people(ctx: Context, chosen: str) -> list[Person]:
    rows = ctx.records("core.user").query(Query(fields=("id", "name"), sort=("name",), limit=_MOST_PEOPLE)).data
    return [Person(str(row["id"]), str(row["name"]), str(row["id"]) == chosen) for row in rows]


def _shares(ctx: Context, kind: Kind, row: Row) -> list[tuple[Row, Sequence[Cell]]]:
    """With whom the record is shared, as far as one sees it."""
    if not ctx.offers("core.share") or not ctx.can("core.share.read"):
        return []
    share = kind_of(ctx, "core.share")
    names = [name for name in ("user", "access", "expires_at") if name in share.fields]
    asked = Query(filter=(Condition("record", "eq", (f"{kind.name}:{row['id']}",)),), fields=("id", *names), limit=_MOST_SHARES)
    found = ctx.records("core.share").query(asked).data
    return list(zip(found, cells(share, names, found), strict=True))


PAGES = (PageRoute("access", path="/{plugin}/{plural}/{id}/access", title=_("Why can I see this?"), permission=SIGNED_IN, view=show),)
