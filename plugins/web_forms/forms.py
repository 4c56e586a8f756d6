"""What a form is: its link, its words in a language, and the fields of the lead that it may ask for."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import cast
from urllib.parse import urlsplit
from uuid import UUID

from plugins.web_forms.tables import BOTH
from sdk import Batch, Change, Context, NotFound, _, where
from sdk.context import Row
from sdk.fields import BooleanField, ChoiceField, DateField, DecimalField, Field, IntegerField, KeysField, MoneyField, TextField
from sdk.links import digest_of

FORM, FIELD, LEAD = "web_forms.form", "web_forms.form_field", "leads.lead"
DELEGATE = "web_forms.form.delegate"
MOST_FIELDS = 60
_OURS = ("id", "version", "created_at", "updated_at", "owner", "state")
_ASKED = (TextField, IntegerField, DecimalField, BooleanField, DateField, ChoiceField, MoneyField)


def token_of(ctx: Context, id: UUID) -> str:
    """The token of a form's link: derived from the installation's key, so that it can be shown again and nobody can guess another's."""
    digest = hmac.digest(ctx.secret("web_forms.link"), id.bytes, "sha256")
    return f"{ctx.tenant.id.hex}_{urlsafe_b64encode(digest).decode().rstrip('=')}"


def address_of(ctx: Context, id: UUID) -> str:
    """Where a form is filled in, and sent to."""
    return ctx.address(f"/api/v1/web_forms/forms/{token_of(ctx, id)}")


def found(ctx: Context, token: str) -> Row:
    """The form of a link; raises NotFound for one that is none, or is switched off."""
    rows = ctx.as_system().records(FORM).find(where(digest=digest_of(token), active=True), 1)
    if not rows:
        raise NotFound(_("there is no form at this address, or it is closed"), code="no_form")
    return rows[0]


def seen(ctx: Context, id: UUID) -> Row:
    """A form that the actor sees, whole: what its page shows to everybody is no secret. Raises NotFound."""
    if id not in ctx.records(FORM).values([id]):
        raise NotFound(_("{entity} {id} does not exist"), entity=FORM, id=str(id))
    return ctx.as_system().records(FORM).values([id])[id]


def fields_of(ctx: Context, form: UUID) -> list[Row]:
    """The fields of a form, in their order."""
    rows = ctx.as_system().records(FIELD).find(where(form=form), MOST_FIELDS)
    return sorted(rows, key=lambda row: (cast("int", row["position"]), str(row["field"])))


def offered(ctx: Context) -> Mapping[str, Field]:
    """The fields of the lead that a form can set, by name: those of others and custom ones, too."""
    there = ctx.as_system().records(LEAD).fields()
    return {name: field for name, field in there.items() if not field.readonly and not field.secret and name not in _OURS}


def can_ask(field: Field) -> bool:
    """Whether a visitor can fill it in; what names a record of ours is a constant at most."""
    return bool(field.options) if isinstance(field, KeysField) else isinstance(field, _ASKED)


def worded(row: Row, name: str, locale: str) -> str:
    """A text of a form in a language; where there is none in it, in the other one."""
    first, second = (f"{name}_zh", name) if locale.startswith("zh") else (name, f"{name}_zh")
    return str(row[first] or row[second] or "")


def in_language(ctx: Context, form: Row, wanted: str = "") -> Context:
    """The same with the words in the language of the form, or, where it speaks both, in that of the visitor."""
    said = str(form["language"])
    if said == BOTH:
        said = "zh_CN" if wanted[:2] == "zh" else "en" if wanted[:2] == "en" else ctx.locale
    return ctx.speaking(said)


# --- what is saved ----------------------------------------------------------------------------------------------------


def prepare_forms(ctx: Context, batch: Batch) -> None:
    """A form has its link from the start; its consent has another version with other words; it acts for somebody who may make leads."""
    for change in batch.standing():
        change.values["digest"] = digest_of(token_of(ctx, change.id))
        if change.before is not None and (change.changes("consent") or change.changes("consent_zh")):
            change.values["consent_version"] = cast("int", change.before["consent_version"]) + 1
        _check_owner(ctx, change)
        if (redirect := change.after("redirect")) is not None and not origin_of(str(redirect)):
            change.refuse(
                "redirect", "malformed", _("expected an address such as https://www.example.com/thanks, without user name or password")
            )


def _check_owner(ctx: Context, change: Change) -> None:
    owner = change.after("owner")
    mine = ctx.actor.user_id is None or owner == ctx.actor.user_id
    if not mine and (change.before is None or change.changes("owner")) and not ctx.can(DELEGATE):
        change.refuse(
            "owner",
            "delegate_forbidden",
            _("leads are created with the owner’s permissions, so the owner must be you unless an administrator does this"),
        )
        return
    if isinstance(owner, UUID) and (change.before is None or change.changes("owner")):
        try:
            actor = ctx.as_user(owner)
        except NotFound:
            change.refuse("owner", "unknown_user", _("the owner is not active"))
            return
        if not actor.can(f"{LEAD}.create"):
            change.refuse("owner", "may_not_create", _("the owner doesn’t have permission to create leads"))


def prepare_fields(ctx: Context, batch: Batch) -> None:
    """A form asks for fields that there are, in a way that a visitor can answer, and its constants are values of theirs."""
    there = offered(ctx)
    for change in batch.standing():
        name, value = str(change.after("field")), change.after("value")
        field = there.get(name)
        if field is None:
            change.refuse("field", "unknown_field", _("leads have no field {name!r} that a form can set"), name=name[:100])
        elif not change.after("hidden") and not can_ask(field):
            change.refuse("field", "not_asked", _("visitors can’t fill in {name!r}; make it a fixed value"), name=name[:100])
        elif change.after("hidden") and value is None:
            change.refuse("value", "required", _("a fixed value can’t be empty"))
        elif value is not None:
            for flaw in field.read([str(value)]).flaws:
                change.refuse("value", flaw.code, flaw.message, **flaw.params)


def origin_of(address: str) -> str:
    """The origin of a web address, in the way in which browsers write it; "" for what is none, or tells a name or password."""
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        return ""
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host.isascii() or set(host) & set(" ;,'\"*\\") or "@" in parts.netloc:
        return ""
    return f"{parts.scheme}://{host}{port}"


def shown(ctx: Context, rows: Sequence[Row]) -> list[tuple[Row, Field]]:
    """The fields that a visitor sees, with what they are; one that the tenant has not any more is left out."""
    there = offered(ctx)
    return [(row, there[str(row["field"])]) for row in rows if not row["hidden"] and str(row["field"]) in there]


def id_in(row: Row, name: str) -> UUID | None:
    """The id that a link of a record holds."""
    return value if isinstance(value := row[name], UUID) else None
