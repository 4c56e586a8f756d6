"""Sentences as they are kept: what was said and what fills it, so that each reader has them in a language of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from sdk.errors import NO_PARAMS, Params
from sdk.messages import Flawed
from sdk.text import Text, Told

if TYPE_CHECKING:
    from core.translation import Translator

Kept: TypeAlias = "list[dict[str, Any]]"
"""The parts of what was said, a JSON value."""
MOST = 2000
"""Characters of what was said, and of each word that fills it."""


class Sentences(Text):
    """Sentences that were kept, as a part of another: how they were said at first, with what they were kept as."""

    __slots__ = ("kept",)
    kept: Kept

    def __new__(cls, said: str, kept: Kept) -> Sentences:
        made = super().__new__(cls, said)
        assert isinstance(made, Sentences)
        made.kept = kept
        return made


def plain(text: str) -> str:
    """As both databases take it, and no longer than a reason need be."""
    return text[:MOST].replace("\0", "\N{REPLACEMENT CHARACTER}")


def kept(text: str, params: Params = NO_PARAMS, of: str = "") -> dict[str, Any]:
    """One sentence as a JSON value; `of`: the name of the field that it is about."""
    made: dict[str, Any] = {"text": str(text), "from": getattr(text, "module", "")}
    if isinstance(text, Told):
        made["others"] = dict(text.others)
    return {**made, "with": {name: _word(value) for name, value in params.items()}, "of": of}


def said(translator: Translator, sentences: Sequence[Mapping[str, Any]], locale: str) -> str:
    """What was kept, in the language of who reads it."""
    parts = []
    for one in sentences:
        words = {name: _again(translator, value, locale) for name, value in one["with"].items()}
        try:
            text = translator.say(_text(one), locale, words)
        except (ValueError, KeyError, IndexError):  # it wants a word as another kind of value than is kept (`{at:%H:%M}`)
            text = f"{one['text']} ({', '.join(str(word) for word in words.values())})"
        parts.append(f"{one['of']}: {text}" if one["of"] else text)
    return plain("; ".join(parts))


def _word(value: object) -> object:
    if isinstance(value, Sentences):
        return {"said": value.kept}
    if isinstance(value, Flawed):
        return {"said": [kept(value.flaw.message, value.flaw.params)]}
    if isinstance(value, Text):
        return kept(value)
    if value is None or isinstance(value, float) or (isinstance(value, int) and abs(value) < 1 << 53):
        return value
    return plain(str(value))


def _again(translator: Translator, value: object, locale: str) -> object:
    if not isinstance(value, Mapping):
        return value
    return said(translator, value["said"], locale) if "said" in value else _text(value)


def _text(one: Mapping[str, Any]) -> Text:
    return Told(one["text"], one["others"]) if "others" in one else Text(one["text"], one["from"])
