"""From what somebody has sent to a lead, through the one door; what fails for no fault of the visitor's is kept and can be tried again."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit
from uuid import UUID

from plugins.web_forms.forms import FORM, LEAD, fields_of, id_in, in_language, offered, shown, worded
from plugins.web_forms.guards import Stamp
from plugins.web_forms.reading import Said, values_of
from plugins.web_forms.tables import FAILED, SPAM, TAKEN
from sdk import Alike, Channel, Conflict, Context, Invalid, NotFound, Notice, Problem, Refusal, _, where
from sdk.context import Row, id_of
from sdk.fields import Field, Reference
from sdk.permissions import FORCE

SUBMISSION, RETRY, ACT = "web_forms.submission", "web_forms.submission.retry", "capture"
CAMPAIGN = "leads.campaign"
log = logging.getLogger("dealwright.web_forms")


@dataclass(frozen=True)
class Failure:
    """Why no lead was made: a code, and a sentence for the one who looks after it."""

    code: str
    why: str


def take(ctx: Context, form: Row, said: Said, stamp: Stamp | None, *, spam: bool = False) -> Row:
    """The submission, taken or failed; one that has come before is that one. Raises Invalid with what the visitor can mend."""
    system = ctx.as_system()
    if stamp is not None:
        ctx.lock(f"{SUBMISSION}:{stamp.digest}")
        for deleted in (False, True):
            if before := system.records(SUBMISSION).find(where(stamp=stamp.digest), 1, deleted=deleted):
                return before[0]
    made = Failure("spam", ctx.say(_("a hidden field was filled in"))) if spam else _tried(ctx, form, said)
    values = {"form": form["id"], "said": said.as_json(), "stamp": stamp.digest if stamp is not None else None, "tried_at": ctx.now()}
    row = system.over(Channel.FORM).records(SUBMISSION).create(values | _outcome(made, spam=spam) | {"owner": _responsible(form)}, act=ACT)
    if not spam:
        _tell(ctx, form, row)
    return row


def _outcome(made: Row | Failure, *, spam: bool = False) -> dict[str, object]:
    if isinstance(made, Failure):
        return {"state": SPAM if spam else FAILED, "code": made.code[:60], "reason": made.why[:2_000], "lead": None}
    return {"state": TAKEN, "code": None, "reason": None, "lead": id_of(made)}


def _tried(ctx: Context, form: Row, said: Said, alike: Alike = Alike.DEFAULT) -> Row | Failure:
    """The lead, or why there is none. Whatever a plugin or a rule does wrong, the visitor's words are not lost by it."""
    rows = fields_of(ctx, id_of(form))
    asked = shown(ctx, rows)
    try:
        with ctx.tried():
            return _made(ctx, form, said, rows, asked, alike)
    except Invalid as refusal:
        if refusal.problems and {one.field for one in refusal.problems} <= {str(row["field"]) for row, _field in asked}:
            raise
        return _failure(ctx, refusal)
    except Refusal as refusal:
        return _failure(ctx, refusal)
    except Exception as failure:
        log.exception("a form could not be taken: %s", form["key"])
        return Failure(
            "internal", ctx.say(_("an unexpected error occurred ({kind}); see the log for details"), {"kind": type(failure).__name__})
        )


def _failure(ctx: Context, refusal: Refusal) -> Failure:
    said = [ctx.say(refusal.message, refusal.params)]
    said += [
        f"{one.field}: {ctx.say(one.message, one.params)}" if one.field else ctx.say(one.message, one.params) for one in refusal.problems
    ]
    return Failure(refusal.reason, "; ".join(said))


def _made(ctx: Context, form: Row, said: Said, rows: Sequence[Row], asked: Sequence[tuple[Row, Field]], alike: Alike) -> Row:
    values, problems = values_of(ctx, said, asked)
    if problems:
        raise Invalid(_("some values are invalid"), problems=problems)
    there = offered(ctx)
    for row in rows:
        if row["hidden"]:
            values[str(row["field"])] = _constant(there, row)
    values |= _traced(ctx, said, values)
    values |= {"owner": id_in(form, "assignee") or id_in(form, "owner"), "web_forms.form": form["id"]}
    consent = worded(form, "consent", said.language or ctx.locale)
    if consent and said.consents:
        values |= {"web_forms.consent": consent, "web_forms.consent_version": form["consent_version"], "web_forms.consented_at": ctx.now()}
    elif consent and form["consent_required"]:
        raise Conflict(_("consent is missing"), code="no_consent")
    return acting(ctx, form).records(LEAD).create(values, act=ACT, alike=alike)


def _constant(there: Mapping[str, Field], row: Row) -> object:
    name = str(row["field"])
    field = there.get(name)
    if field is None:
        raise Conflict(_("leads no longer have a field {name!r}; fix the form"), code="unknown_field", name=name)
    parsed = field.read([str(row["value"])])
    for flaw in parsed.flaws:
        raise Invalid(
            _("a fixed value of the form is no longer valid"), problems=[Problem(f"value:{name}", flaw.code, flaw.message, flaw.params)]
        )
    return parsed.values[0]


def acting(ctx: Context, form: Row) -> Context:
    """Who makes the leads of a form: its owner, or the system; raises NotFound for one who has left."""
    owner = id_in(form, "owner")
    return (ctx.as_system() if owner is None else ctx.as_user(owner)).over(Channel.FORM)


def _traced(ctx: Context, said: Said, values: dict[str, object]) -> dict[str, object]:
    """Through what the visitor came, where neither the form nor the visitor has said so: tags of the address, else the site before."""
    found: dict[str, object] = {}
    if values.get("source") is None:
        found["source"] = said.tags.get("utm_source") or (urlsplit(said.came_from).hostname or "")[:100] or None
    if values.get("campaign") is None and (name := said.tags.get("utm_campaign")):
        there = ctx.as_system().records(CAMPAIGN).find(where(name=name), 1)
        found["campaign"] = id_of(there[0]) if there else None
    return {name: value for name, value in found.items() if value is not None}


def _responsible(form: Row) -> UUID | None:
    return id_in(form, "assignee") or id_in(form, "owner")


def _tell(ctx: Context, form: Row, row: Row) -> None:
    """Who is to know of a lead, and, where there is none, who can do something about it."""
    taken = row["state"] == TAKEN
    people = {id_in(form, "told"), *(() if taken else (_responsible(form),))} - {None}
    title = _("New lead from the form {form}") if taken else _("A submission to the form {form} could not be accepted")
    about = Reference(LEAD, cast("UUID", row["lead"])) if taken else Reference(SUBMISSION, id_of(row))
    kind = "web_forms.taken" if taken else "web_forms.failed"
    ctx.as_system().notify([Notice(cast("UUID", one), kind, title, "", {"form": form["name"]}, about) for one in people])


# --- again ------------------------------------------------------------------------------------------------------------


def retry(ctx: Context, id: UUID, *, force: bool = False) -> Row:
    """Make the lead of a submission that failed, or was taken for spam; raises Conflict for one that has its lead, or was erased.

    It is made once, whoever asks at the same moment. What fails again is a submission with another reason. Raises Forbidden.
    """
    ctx.require(RETRY)
    if force:  # the lead is made with the rights of the form's owner, and it is not he who says so
        ctx.require(f"{LEAD}.{FORCE}")
    with ctx.transaction(write=True):
        ctx.lock(f"{SUBMISSION}:{id}")
        if id not in ctx.records(SUBMISSION).values([id]):
            raise NotFound(_("{entity} {id} does not exist"), entity=SUBMISSION, id=str(id))
        row = ctx.as_system().records(SUBMISSION).values([id], hold=True)[id]
        if row["state"] == TAKEN:
            raise Conflict(_("this submission already has a lead"), code="taken")
        system = ctx.as_system()
        form = system.records(FORM).values([cast("UUID", row["form"])]).get(cast("UUID", row["form"]))
        if form is None:
            raise Conflict(_("the form of this submission no longer exists"), code="no_form")
        said = Said.of(row["said"])
        speaking = in_language(ctx, form, said.language)
        try:
            made = _tried(speaking, form, said, Alike.FORCE if force else Alike.DEFAULT)
        except Invalid as refusal:  # the form asks for more by now than it did then
            made = _failure(ctx, refusal)
        values = _outcome(made) | {"attempts": cast("int", row["attempts"]) + 1, "tried_at": ctx.now()}
        return system.records(SUBMISSION).update(id, values, act="retry")
