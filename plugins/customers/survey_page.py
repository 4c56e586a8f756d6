"""The page behind a survey's link: one question, a row of scores, a field for words; it needs no script."""

from __future__ import annotations

from html import escape

from plugins.customers.surveys import RANGES, question
from sdk import Context, WebPage, _
from sdk.context import Row

STYLE = (
    ":root{color-scheme:light dark}body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:8vh auto;padding:0 1rem}"
    "h1{font-size:1.6rem;line-height:1.3;text-wrap:balance}fieldset{border:0;padding:0;margin:1rem 0;min-width:0}"
    ".scores{display:grid;grid-auto-flow:column;grid-auto-columns:minmax(0,1fr);gap:.25rem}label.score{position:relative;cursor:pointer}"
    "label.score input{position:absolute;opacity:0}label.score span{display:block;padding:.5rem 0;text-align:center;"
    "border:1px solid;border-radius:.4rem}label.score input:checked+span{background:#0b57d0;color:#fff;border-color:#0b57d0}"
    "label.score input:focus-visible+span{outline:3px solid #7aa7ff}.ends{display:flex;justify-content:space-between;"
    "gap:1rem;margin-top:.3rem;font-size:.9rem}label[for]{display:block;margin-bottom:.25rem}"
    "textarea{width:100%;box-sizing:border-box;font:inherit;padding:.4rem .6rem;border:1px solid;border-radius:.4rem}"
    "button{font:inherit;font-weight:600;padding:.6rem 1.4rem;border:0;border-radius:.4rem;background:#0b57d0;color:#fff;cursor:pointer}"
)
_ENDS = {"nps": (_("Not at all likely"), _("Very likely")), "csat": (_("Very dissatisfied"), _("Very satisfied"))}


def _page(ctx: Context, body: str) -> WebPage:
    lang, title = ctx.locale.replace("_", "-"), escape(ctx.tenant.name)
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
    head += f"<title>{title}</title><style>{STYLE}</style>"
    return WebPage(f'<!doctype html><html lang="{lang}"><head>{head}</head><body><main>{body}</main></body></html>', STYLE)


def form(ctx: Context, survey: Row) -> WebPage:
    """The question."""
    least, most = RANGES[str(survey["kind"])]
    low, high = _ENDS[str(survey["kind"])]
    scores = "".join(
        f'<label class="score"><input type="radio" name="score" value="{n}" required><span>{n}</span></label>'
        for n in range(least, most + 1)
    )
    words = {
        name: escape(ctx.say(text)) for name, text in (("low", low), ("high", high), ("why", _("Why? (optional)")), ("send", _("Send")))
    }
    return _page(
        ctx,
        f'<h1 id="asked">{escape(question(ctx, survey))}</h1><form method="post"><fieldset aria-labelledby="asked"><div class="scores">{scores}</div>'
        f'<div class="ends"><span>{words["low"]}</span><span>{words["high"]}</span></div></fieldset>'
        f'<p><label for="comment">{words["why"]}</label><textarea id="comment" name="comment" rows="4" maxlength="4000"></textarea></p>'
        f"<p><button>{words['send']}</button></p></form>",
    )


def thanks(ctx: Context) -> WebPage:
    """After the answer."""
    return _page(ctx, f"<h1>{escape(ctx.say(_('Thank you.')))}</h1><p>{escape(ctx.say(_('Your answer has been received.')))}</p>")


def spent(ctx: Context) -> WebPage:
    """For a link that works no longer."""
    return _page(ctx, f"<h1>{escape(ctx.say(_('This link no longer works: it has been used or has expired.')))}</h1>")
