"""What people send from the parts that teamwork puts into records: a comment, an activity, a task; a file; that they follow."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from plugins.teamwork import files, follows, people
from plugins.teamwork.mentions import COMMENT, mentioned
from plugins.teamwork.tables import DONE, KINDS
from sdk import (
    SIGNED_IN,
    Condition,
    Context,
    Invalid,
    NotFound,
    PageRequest,
    PageRoute,
    Problem,
    Query,
    Redirect,
    Refusal,
    Rendering,
    Response,
    _,
)
from sdk.context import id_of
from sdk.fields import AnyRecordField, FlawError, Reference
from sdk.pages import told

_MOST_PEOPLE = 8
_ABOUT = AnyRecordField(label=_("About"), name="about")


def empty(ctx: Context, request: PageRequest) -> Rendering:
    """The composer on a page of its own."""
    return _composer(ctx, request, request.asked("about"))


def say(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Keep what somebody wrote about a record; what is refused comes back as it was typed."""
    about, what = request.typed("about"), request.typed("what", "comment")
    try:
        if what == "task":
            given = {"subject": request.typed("task_subject"), "due_on": request.typed("due_on") or None, "about": about}
            ctx.records("teamwork.task").create({**given, "owner": ctx.actor.user_id})
        elif what == "activity":
            ctx.records("teamwork.activity").create({
                "kind": request.typed("kind"), "subject": request.typed("subject"), "notes": request.typed("notes") or None, "about": about,
                "starts_at": _instant(ctx, request.typed("starts_at")), "state": DONE, "owner": ctx.actor.user_id,
            })  # fmt: skip
        else:
            ctx.records(COMMENT).create({"body": request.typed("body"), "about": about})
    except Refusal as refusal:
        return _composer(ctx, request, about, refusal)
    return Redirect(_back(ctx, request))


def _instant(ctx: Context, word: str) -> object:
    """When it was: nothing typed is now, a time of no zone is the actor's."""
    if not word:
        return ctx.now()
    try:
        found = datetime.fromisoformat(word)
    except ValueError:
        return word
    try:
        return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(ctx.zone))).astimezone(UTC)
    except OverflowError:  # at the edge of time: the door says what it takes
        return word


def _composer(ctx: Context, request: PageRequest, about: str, refusal: Refusal | None = None) -> Rendering:
    reference = _record(ctx, about)
    values = {
        "about": about, "what": request.typed("what", "comment"), "typed": dict(request.form), "problems": told(ctx, refusal),
        "may": {"comment": ctx.can(f"{COMMENT}.create"), "activity": ctx.can("teamwork.activity.create"), "task": ctx.can("teamwork.task.create")},
        "kinds": [(key, ctx.say(label)) for key, label in KINDS.items()], "today": ctx.today().isoformat(), "back": _back(ctx, request),
        "title": ctx.records(reference.entity).titles([reference.id]).get(reference.id, "—"),
        "strangers": _strangers(ctx, reference, request.typed("body")) if refusal is not None and ctx.offers("core.share") else [],
    }  # fmt: skip
    return Rendering("teamwork/say.html", values, 200 if refusal is None else refusal.status)


def _strangers(ctx: Context, about: Reference, body: str) -> list[dict[str, str]]:
    """Whom the text mentions who may not see the record: the record can be shared with them first."""
    known = people.known(ctx, set(mentioned(body)))
    named = {id_of(rows[0]): str(rows[0]["name"]) for rows in known.values() if len(rows) == 1}
    return [{"id": str(id), "name": name} for id, name in named.items() if not people.may_see(ctx, id, about.entity, [about.id])]


def _record(ctx: Context, about: str) -> Reference:
    """The record that is meant, which the actor sees; raises NotFound."""
    try:
        found = _ABOUT.sought(about)
    except FlawError:
        raise NotFound(_("there is nothing at this address")) from None
    ctx.records(found.entity).get(found.id, fields=("id",))
    return found


def _back(ctx: Context, request: PageRequest) -> str:
    first = ctx.page("/")
    wanted = request.typed("then") or request.asked("then")
    return wanted if wanted.startswith(first) and "\\" not in wanted else first


def name_people(ctx: Context, request: PageRequest) -> Response:
    """Active people whose name or mail address has these words in it, for mentions: {"data": [{"name", "word"}]}."""
    words = request.asked("q").strip()[:80]
    if not ctx.can("core.user.read"):
        return Response({"data": []})
    found: dict[UUID, dict[str, str]] = {}
    users = ctx.records("core.user")
    names = [name for name in ("name", "email") if name in users.fields()]  # mail addresses may be hidden from the reader
    for name in names:
        asked = (Condition("active", "eq", ("true",)), *([Condition(name, "contains", (words,))] if words else []))
        rows = users.query(Query(filter=asked, fields=("id", *names), sort=("name",), limit=_MOST_PEOPLE)).data
        found |= {id_of(row): {"name": str(row["name"]), "email": str(row.get("email") or "")} for row in rows}
    shared = [one["name"] for one in found.values()]
    data = [{"name": one["name"], "email": one["email"], "word": one["name"] if shared.count(one["name"]) == 1 else one["email"] or str(id)}
            for id, one in list(found.items())[:_MOST_PEOPLE]]  # fmt: skip
    return Response({"data": data})


def set_following(ctx: Context, request: PageRequest) -> Redirect:
    """Follow a record, or stop."""
    about = _record(ctx, request.typed("about"))
    records = ctx.records(follows.NAME)
    mine = records.find((Condition("about", "eq", (about,)), Condition("owner", "eq", (ctx.actor.user_id,))))
    if not mine:
        mine = [records.create({"about": about})]
    if request.typed("following") != "true":
        for row in mine:  # what one follows by oneself has no row yet: the one in the recycle bin says that it has ended
            records.delete(id_of(row))
    return Redirect(_back(ctx, request))


def add_file(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Keep a file with a record."""
    about = request.typed("about")
    try:
        if "file" not in request.files:
            raise Invalid(_("some values are invalid"), problems=[Problem("file", "required", _("choose a file"))])
        files.upload(ctx, about, request.files["file"])
    except Refusal as refusal:
        values = {"about": about, "problems": told(ctx, refusal), "back": _back(ctx, request), "most": files.MOST_BYTES >> 20}
        return Rendering("teamwork/upload.html", values, refusal.status)
    return Redirect(_back(ctx, request))


def ask_file(ctx: Context, request: PageRequest) -> Rendering:
    """Choose a file for a record."""
    values = {"about": request.asked("about"), "problems": [], "back": _back(ctx, request), "most": files.MOST_BYTES >> 20}
    return Rendering("teamwork/upload.html", values)


def go_back(ctx: Context, request: PageRequest) -> Redirect:
    """There is no page of its own."""
    return Redirect(_back(ctx, request))


PAGES = (
    PageRoute("say", path="/say", title=_("Write a comment"), permission=SIGNED_IN, view=empty, submit=say),
    PageRoute("people", path="/people", title=_("People"), permission=SIGNED_IN, view=name_people),
    PageRoute("following", path="/following", title=_("Follow"), permission=SIGNED_IN, view=go_back, submit=set_following),
    PageRoute("upload", path="/upload", title=_("Add a file"), permission=SIGNED_IN, view=ask_file, submit=add_file, uploads=True),
)
