"""The page on which visitors fill in a form: it needs no script, and nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from plugins.web_forms.forms import origin_of, worded
from plugins.web_forms.guards import LURE, question
from plugins.web_forms.reading import ANSWER, CAME_FROM, CONSENT, LANGUAGE, STAMP, YES, Said
from sdk import Context, Rendering, WebPage, _
from sdk import fields as f
from sdk.context import Row
from sdk.fields import Field

STYLE = (Path(__file__).parent / "static" / "public.css").read_text(encoding="utf-8")
_KINDS: tuple[tuple[type[Field], str, str], ...] = (
    (f.BooleanField, "check", ""), (f.KeysField, "checks", ""), (f.ChoiceField, "select", ""), (f.DateField, "date", ""),
    (f.IntegerField, "text", "numeric"), (f.DecimalField, "text", "decimal"), (f.MoneyField, "text", "decimal"),
)  # fmt: skip
_WIDGETS = {"email": "email", "tel": "tel", "url": "url", "textarea": "area"}
_FILLED = {"name": "name", "email": "email", "phone": "tel", "company": "organization", "title": "organization-title", "website": "url"}
"""What a browser knows of its owner (HTML, autocomplete)."""
_NAMES = {"lure": LURE, "answer": ANSWER, "consent": CONSENT, "language": LANGUAGE}


@dataclass(frozen=True)
class Shown:
    """A form as it is shown: what was typed, what is wrong with it, and what guards it."""

    form: Row
    fields: Sequence[tuple[Row, Field]]
    stamp: str
    said: Said = Said({})
    problems: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    answer: str = ""


@dataclass(frozen=True)
class Asked:
    """One field as it is drawn; `options` are values with what they are called."""

    name: str
    label: str
    help: str
    required: bool
    problem: str
    kind: str
    mode: str
    longest: int
    filled: str
    typed: str
    chosen: Sequence[str]
    options: Sequence[tuple[str, str]]


def form_page(ctx: Context, shown: Shown) -> WebPage:
    """The form, empty or as it was typed, with words at the fields that are to be mended."""
    unseen = {STAMP: shown.stamp, LANGUAGE: ctx.locale, CAME_FROM: shown.said.came_from, **shown.said.tags}
    redirect = origin_of(str(shown.form["redirect"] or ""))
    inner = drawn(ctx, shown)
    values = {"heading": inner["heading"], "shown": inner, "unseen": {name: value for name, value in unseen.items() if value}}
    return _page(ctx, "form", values, (redirect,) if redirect else ())


def thanks_page(ctx: Context, form: Row) -> WebPage:
    """After it was taken."""
    return told_page(ctx, ctx.say(_("Thank you")), thanks_of(ctx, form), role="status")


def thanks_of(ctx: Context, form: Row) -> str:
    """What is said then."""
    return worded(form, "thanks", ctx.locale) or ctx.say(_("Thank you, we have received your message. We will be in touch."))


def told_page(ctx: Context, heading: str, text: str, *, role: str = "alert") -> WebPage:
    """A page that says no more than this: there is no such form, or it is to be sent later."""
    return _page(ctx, "told", {"heading": heading, "text": text, "role": role})


def _page(ctx: Context, template: str, values: Mapping[str, object], leads_to: tuple[str, ...] = ()) -> WebPage:
    frame = {"style": STYLE, "lang": ctx.locale.replace("_", "-"), "tenant": ctx.tenant.name}
    return WebPage(ctx.render(Rendering(f"web_forms/public_{template}.html", {**frame, **values})), STYLE, leads_to)


def drawn(ctx: Context, shown: Shown) -> dict[str, object]:
    """What the templates need to draw the form itself, on its page and in the builder."""
    form = shown.form
    return {
        "heading": worded(form, "heading", ctx.locale) or str(form["name"]), "intro": worded(form, "intro", ctx.locale),
        "note": shown.note, "fields": [_asked(ctx, row, of, shown) for row, of in shown.fields], "names": _NAMES,
        "question": question(ctx, shown.stamp) if form["captcha"] else "", "answer": shown.answer, "problems": shown.problems,
        "consent": worded(form, "consent", ctx.locale), "consents": shown.said.consents, "consent_required": bool(form["consent_required"]),
    }  # fmt: skip


def label_of(ctx: Context, row: Row, of: Field) -> str:
    """What a field is called in this form."""
    return worded(row, "label", ctx.locale) or ctx.say(of.label)


def _asked(ctx: Context, row: Row, of: Field, shown: Shown) -> Asked:
    name = str(row["field"])
    said = shown.said.values.get(name, str(row["value"] or ""))
    words = [said] if isinstance(said, str) else said
    kind, mode = next(((kind, mode) for type_, kind, mode in _KINDS if isinstance(of, type_)), (_WIDGETS.get(of.widget, "text"), ""))
    return Asked(
        name, label_of(ctx, row, of), worded(row, "help", ctx.locale), bool(row["required"] or of.required), shown.problems.get(name, ""), kind,
        mode, of.length if isinstance(of, f.TextField) else 0, _FILLED.get(name, ""), words[-1] if words else "",
        ["true"] if kind == "check" and words and words[-1].lower() in YES else words, options_of(ctx, of),
    )  # fmt: skip


def options_of(ctx: Context, of: Field) -> list[tuple[str, str]]:
    """The values from which a visitor chooses, with what they are called; none where anything can be typed."""
    if isinstance(of, f.ChoiceField):
        return [(key, ctx.say(word)) for key, word in of.options.items()]
    return [(key, key) for key in of.options] if isinstance(of, f.KeysField) else []


def snippet(ctx: Context, shown: Shown, address: str) -> str:
    """The form for the company’s own website: plain HTML, whose looks are those of the page around it."""
    return ctx.render(Rendering("web_forms/snippet.html", {**drawn(ctx, shown), "address": address, "lang": ctx.locale}))
