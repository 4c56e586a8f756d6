"""A sample form that asks visitors to get in touch."""

from __future__ import annotations

from plugins.web_forms.forms import FORM
from plugins.web_forms.making import begin
from sdk import Context, where


def fill(ctx: Context) -> None:
    """A form in both languages, once."""
    if ctx.records(FORM).find(where(key="contact"), 1):
        return
    begin(ctx, {
        "key": "contact", "name": "Contact form", "heading": "Talk to us", "heading_zh": "联系我们",
        "intro": "Tell us what you are looking for. We answer within a working day.", "intro_zh": "请告诉我们您的需求，我们会在一个工作日内回复。",
        "consent": "I agree that my details are kept to answer my question.", "consent_zh": "我同意贵公司为答复我的咨询而保存我的信息。",
    })  # fmt: skip
