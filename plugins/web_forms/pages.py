"""The forms on pages: a list with what could not be taken, and a builder that shows the form as visitors see it."""

from __future__ import annotations

from collections.abc import Mapping

from plugins.web_forms import page as public
from plugins.web_forms.capture import RETRY, SUBMISSION, retry
from plugins.web_forms.forms import FIELD, FORM, can_ask, fields_of, in_language, offered, seen, shown
from plugins.web_forms.guards import new_stamp
from plugins.web_forms.making import STEP, begin, in_order, key_of
from plugins.web_forms.reading import Said
from plugins.web_forms.routes import embedding
from plugins.web_forms.tables import FAILED, SPAM, TAKEN
from sdk import Condition, Conflict, Context, Draft, PageRequest, PageRoute, Panel, Query, Redirect, Refusal, Rendering, Slot, _
from sdk.context import LIKELY_DUPLICATE, Row, id_of
from sdk.context import shown as visible
from sdk.fields import Field
from sdk.pages import told
from sdk.routes import record_id

READ, MAY = f"{FORM}.read", f"{FORM}.update"
MOST, FEW = 200, 50
WORDS = ("label", "label_zh", "help", "help_zh", "value")


def forms(ctx: Context, request: PageRequest) -> Rendering:
    """All forms that one sees, with what came in by each, and what could not be taken."""
    return _list(ctx, {})


def make(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """A new form from its name, or another try for a submission."""
    if request.typed("retry"):
        return again(ctx, request)
    name = request.typed("name").strip()
    try:
        form = begin(ctx, {"name": name, "key": request.typed("key").strip() or key_of(name), "heading": name})
    except Refusal as refusal:
        return _list(ctx, dict(request.form), refusal)
    return Redirect(ctx.page(f"/web_forms/forms/{form['id']}/build"))


def again(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Try a submission once more; its lead is shown, or why there is none still."""
    try:
        row = retry(ctx, record_id(request.typed("retry")), force=request.typed("force") == "true")
    except Refusal as refusal:
        return _list(ctx, {}, refusal)
    return Redirect(ctx.page(f"/leads/leads/{row['lead']}" if row["lead"] else "/web_forms"))


def _list(ctx: Context, typed_: Mapping[str, object], refusal: Refusal | None = None) -> Rendering:
    rows = ctx.records(FORM).query(Query(sort=("name",) if "name" in ctx.records(FORM).fields() else (), limit=MOST)).data
    for row in rows:
        for name in ("name", "key", "active", "captcha"):
            visible(row, name)
    sent = ctx.records(SUBMISSION)
    seen_ = sent.fields() if ctx.can(f"{SUBMISSION}.read") else {}
    counted = sent.aggregate(("count",), ("form", "state"), limit=3 * MOST) if {"form", "state"} <= seen_.keys() else ()
    counts = {(str(row["form.id"]), str(row["state"])): row["count"] for row in counted}
    newest = ("-created_at",) if "created_at" in seen_ else ()
    failed = Query((Condition("state", "in", (FAILED, SPAM)),), newest, limit=FEW, count=True)
    refused = sent.query(failed) if "state" in seen_ else None  # what became of one is not for everybody who may see it
    kept = [row for row in refused.data if row.get("said") or "said" not in row] if refused is not None else []
    return Rendering("web_forms/forms.html", {
        "rows": [{**row, **{state: counts.get((str(row["id"]), state), 0) for state in (TAKEN, FAILED, SPAM)}} for row in rows],
        "failed": [{**row, "name": said_name(row)} for row in kept], "total": refused and refused.total,
        "tells": refused is not None, "counted": {"form", "state"} <= seen_.keys(),
        "names": {str(row["id"]): row["name"] for row in rows},
        "may_make": ctx.can(f"{FORM}.create"), "may_retry": ctx.can(RETRY), "may_force": ctx.can("leads.lead.force"),
        "problems": told(ctx, refusal), "typed": typed_,
    }, 200 if refusal is None else refusal.status)  # fmt: skip


def said_name(row: Row) -> str:
    """Who has sent something, as far as it says so."""
    try:
        values = Said.of(row.get("said")).values
    except Conflict:  # erased, or not to be seen
        return "—"
    return str(next((values[name] for name in ("name", "company", "email", "phone") if values.get(name)), "—"))


# --- the builder ------------------------------------------------------------------------------------------------------


def build(ctx: Context, request: PageRequest) -> Rendering:
    """The fields of a form beside what visitors see."""
    return _builder(ctx, seen(ctx, request.id()), request)


def save(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Take all fields as they stand, and then one act: another field, one fewer, one further up or down."""
    form = seen(ctx, request.id())
    rows = fields_of(ctx, id_of(form))
    act, _colon, which = request.typed("act").partition(":")
    try:
        kept = [row for row in rows if act != "drop" or str(row["id"]) != which]
        ctx.records(FIELD).write_all([Draft("update", _typed(request, row), id_of(row)) for row in kept])
        _act(ctx, form, rows, act, which or request.typed("field"), request.typed("constant").strip())
    except Refusal as refusal:
        return _builder(ctx, form, request, refusal)
    language = "zh_CN" if request.typed("lang")[:2] == "zh" else "en"
    return Redirect(ctx.page(f"/web_forms/forms/{form['id']}/build?lang={language}"))


def _act(ctx: Context, form: Row, rows: list[Row], act: str, which: str, constant: str) -> None:
    if act == "add" and which:
        values = {
            "form": form["id"],
            "field": which,
            "position": STEP * (len(rows) + 1),
            "hidden": bool(constant),
            "value": constant or None,
        }
        ctx.records(FIELD).create(values)
    at = next((number for number, row in enumerate(rows) if str(row["id"]) == which), None)
    if at is None:
        return
    to = at + {"up": -1, "down": 1}.get(act, 0)
    if act == "drop":
        ctx.records(FIELD).delete(id_of(rows[at]))
    elif to != at and 0 <= to < len(rows):
        rows[at], rows[to] = rows[to], rows[at]
        in_order(ctx, rows)


def _typed(request: PageRequest, row: Row) -> dict[str, object]:
    """What the builder's row of a field holds; of a form that was opened before the field was there, nothing."""
    own = f"{row['id']}."
    if not any(name.startswith(own) for name, _value in request.form):
        return {}
    words: dict[str, object] = {name: request.typed(own + name).strip() or None for name in WORDS}
    return words | {name: request.typed(own + name) == "true" for name in ("required", "hidden")}


def _builder(ctx: Context, form: Row, request: PageRequest, refusal: Refusal | None = None) -> Rendering:
    there, rows = offered(ctx), fields_of(ctx, id_of(form))
    typed_ = [{**row, **(_typed(request, row) if refusal is not None else {})} for row in rows]
    taken = {str(row["field"]) for row in rows}
    free = sorted(
        ((name, ctx.say(field.label), can_ask(field)) for name, field in there.items() if name not in taken), key=lambda one: one[1]
    )
    speaking = in_language(ctx, form, request.asked("lang") or request.typed("lang"))
    values = public.drawn(speaking, public.Shown(form, shown(speaking, rows), new_stamp(ctx, id_of(form))))
    return Rendering("web_forms/build.html", {
        "form": form, "fields": [(row, _called(ctx, there, row)) for row in typed_], "free": free, "may": ctx.can(MAY), "shown": values,
        "lang": speaking.locale, "embedded": embedding(ctx, id_of(form)), "typed": dict(request.form), "problems": told(ctx, refusal),
    }, 200 if refusal is None else refusal.status)  # fmt: skip


def _called(ctx: Context, there: Mapping[str, Field], row: Row) -> str:
    field = there.get(str(row["field"]))
    return ctx.say(field.label) if field is not None else str(row["field"])


def button(ctx: Context, record: Mapping[str, object]) -> Rendering | None:
    """On submissions that have no lead yet."""
    if record.get("state") not in (FAILED, SPAM) or not record.get("said"):
        return None
    return Rendering("web_forms/retry_button.html", {"may_force": record.get("code") == LIKELY_DUPLICATE and ctx.can("leads.lead.force")})


def builder_button(ctx: Context, record: Mapping[str, object]) -> Rendering | None:
    """From the record of a form to its builder."""
    return Rendering("web_forms/build_button.html")


PAGES = (
    PageRoute("forms", path="", title=_("Web forms"), permission=READ, view=forms, submit=make),
    PageRoute("build", path="/forms/{id}/build", title=_("Build the form"), permission=READ, view=build, submit=save),
)
PANELS = (
    Panel("retry", slot=Slot.BUTTON, label=_("Try again"), permission=RETRY, view=button, entity=SUBMISSION, position=10),
    Panel("build", slot=Slot.BUTTON, label=_("Build the form"), permission=READ, view=builder_button, entity=FORM, position=10),
)
