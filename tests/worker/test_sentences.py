"""Sentences are kept with what fills them, so that each reader has them in a language of their own."""

from __future__ import annotations

import json

from core.events.sentences import MOST, Sentences, kept, said
from core.platform import Platform
from sdk import _
from sdk.fields import FlawError
from sdk.messages import Flawed
from sdk.text import NAME_OF_A_PERSON


def test_what_was_kept_is_said_in_another_language_with_all_that_fills_it(platform: Platform) -> None:
    first = [kept(_("job {job!r} does not exist"), {"job": "x {y}\0"}), kept(_("is required"), of="name")]
    whole = [kept("{field}, {flaw}, {count:row|rows}; {before}", {
        "field": NAME_OF_A_PERSON, "flaw": Flawed(FlawError("short", _("expected at least {least}"), least=3)), "count": 1,
        "before": Sentences("before", first),
    })]  # fmt: skip
    stored = json.loads(json.dumps(whole))
    english, chinese = (said(platform.translator, stored, locale) for locale in ("en", "zh_CN"))
    assert english == "Name, expected at least 3, row; job 'x {y}\ufffd' does not exist; name: is required"
    assert chinese.startswith("姓名, ") and "后台任务 'x {y}\ufffd' 不存在" in chinese and "is required" not in chinese
    long = said(platform.translator, [kept("{a}{a}", {"a": "x" * 3 * MOST})], "en")
    assert len(long) == MOST, "no reason need be longer"
