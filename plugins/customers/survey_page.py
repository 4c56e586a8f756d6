"""The page behind a survey's link: one question, a row of scores, a field for words; it needs no script."""

from __future__ import annotations

from html import escape

from plugins.customers.surveys import RANGES, question
from sdk import Context, WebPage, _
from sdk.context import Row

STYLE = (
    ":root{color-scheme:light dark;--ink:light-dark(#1d1c19,#ecebe6);--soft:light-dark(#5f5b53,#b4b0a6);--edge:light-dark(#8d887d,#7c7a72);"
    "--sheet:light-dark(#fff,#1c1e1c);--accent:light-dark(#0c6259,#63c6b7);--on:light-dark(#fff,#07211d)}"
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:6vh auto;padding:0 1rem;background:light-dark(#f6f5f1,#141514);color:var(--ink)}"
    ".from{margin:0;color:var(--soft);font-size:.95rem}h1{font-size:1.6rem;line-height:1.3;margin:.25rem 0 0;text-wrap:balance}"
    "fieldset{border:0;padding:0;margin:1.25rem 0;min-width:0}"
    ".scores{display:grid;grid-auto-flow:column;grid-auto-columns:minmax(0,1fr);gap:.3rem}label.score{position:relative;cursor:pointer}"
    "label.score input{position:absolute;opacity:0}label.score span{display:grid;place-items:center;min-height:2.75rem;"
    "border:1px solid var(--edge);border-radius:.4rem;background:var(--sheet)}"
    "label.score input:checked+span{background:var(--accent);color:var(--on);border-color:var(--accent);font-weight:650}"
    "label.score input:focus-visible+span{outline:3px solid var(--accent);outline-offset:2px}.ends{display:flex;justify-content:space-between;"
    "gap:1rem;margin-top:.4rem;font-size:.9rem;color:var(--soft)}label[for]{display:block;margin-bottom:.25rem}"
    "textarea{width:100%;box-sizing:border-box;font:inherit;color:inherit;padding:.4rem .6rem;border:1px solid var(--edge);border-radius:.4rem;"
    "background:var(--sheet)}"
    "button{font:inherit;font-weight:600;min-height:2.75rem;padding:0 1.5rem;border:0;border-radius:.4rem;background:var(--accent);color:var(--on);"
    "cursor:pointer}"
    "@media(max-width:30rem){.scores.many{grid-auto-flow:row;grid-template-columns:repeat(6,minmax(0,1fr))}}"
    "@media(forced-colors:active){label.score input:checked+span{outline:3px solid Highlight}}"
)
_ENDS = {"nps": (_("Not at all likely"), _("Very likely")), "csat": (_("Very dissatisfied"), _("Very satisfied"))}


def _page(ctx: Context, body: str) -> WebPage:
    lang, title = ctx.locale.replace("_", "-"), escape(ctx.tenant.name)
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
    head += f"<title>{title}</title><style>{STYLE}</style>"
    page = f'<!doctype html><html lang="{lang}"><head>{head}</head><body><main><p class="from">{title}</p>{body}</main></body></html>'
    return WebPage(page, STYLE)


def form(ctx: Context, survey: Row) -> WebPage:
    """The question."""
    least, most = RANGES[str(survey["kind"])]
    low, high = _ENDS[str(survey["kind"])]
    scores = "".join(
        f'<label class="score"><input type="radio" name="score" value="{n}" required><span>{n}</span></label>'
        for n in range(least, most + 1)
    )
    many = " many" if most - least > 5 else ""
    words = {
        name: escape(ctx.say(text)) for name, text in (("low", low), ("high", high), ("why", _("Why? (optional)")), ("send", _("Send")))
    }
    return _page(
        ctx,
        f'<h1 id="asked">{escape(question(ctx, survey))}</h1><form method="post"><fieldset aria-labelledby="asked"><div class="scores{many}">{scores}</div>'
        f'<div class="ends"><span>{least} · {words["low"]}</span><span>{most} · {words["high"]}</span></div></fieldset>'
        f'<p><label for="comment">{words["why"]}</label><textarea id="comment" name="comment" rows="4" maxlength="4000"></textarea></p>'
        f"<p><button>{words['send']}</button></p></form>",
    )


def thanks(ctx: Context) -> WebPage:
    """After the answer."""
    return _page(ctx, f"<h1>{escape(ctx.say(_('Thank you.')))}</h1><p>{escape(ctx.say(_('Your answer has been received.')))}</p>")


def spent(ctx: Context) -> WebPage:
    """For a link that works no longer."""
    return _page(ctx, f"<h1>{escape(ctx.say(_('This link no longer works: it has been used or has expired.')))}</h1>")
