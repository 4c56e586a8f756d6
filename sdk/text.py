"""Text that people read, declared in English and translated where it is shown."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from string import Formatter


class Text(str):
    """A message id in English; core looks up its translation in the catalogue of the module that said it."""

    __slots__ = ("module",)
    module: str

    def __new__(cls, message: str, module: str = "") -> Text:
        made = super().__new__(cls, message)
        made.module = module or getattr(message, "module", "")
        return made


def _(message: str) -> Text:
    """Mark `message` for translation; `locales/<locale>.po` beside the plugin holds its other languages."""
    # The same English word may be another one elsewhere: an open deal is not an open instalment.
    return Text(message, sys._getframe(1).f_globals.get("__name__", ""))


class _Words(Formatter):
    """Braces as `str.format` fills them, and `{count:record|records}`: the first word for one, the second for any other number."""

    def format_field(self, value: object, format_spec: str) -> str:
        one, bar, many = format_spec.partition("|")
        if bar:
            return one if value in (1, "1") else many
        return str(super().format_field(value, format_spec))


_WORDS = _Words()


def filled(text: str, params: Mapping[str, object]) -> str:
    """A text with its braces filled, those among them that are one word for one and another for more: `{count:record|records}`."""
    return _WORDS.vformat(text, (), params) if "|" in text else text.format(**params)


class Told(Text):
    """What people call something, in English or for want of another word, and in other languages by locale: where a tenant says so, or where
    one English word is two in another language."""

    __slots__ = ("others",)
    others: Mapping[str, str]

    def __new__(cls, message: str, others: Mapping[str, str]) -> Told:
        made = super().__new__(cls, message)
        assert isinstance(made, Told)
        made.others = others
        return made


NAME_OF_A_PERSON = Told("Name", {"zh_CN": "姓名"})
"""The label of what people are called; things have another word for it in Chinese."""


def within(words: str) -> str:
    """What something is called as it stands within a sentence: an account, but an SMS."""
    return words[:1].lower() + words[1:] if words[1:] == words[1:].lower() else words


def in_order(words: str) -> bytes:
    """By what lists of words are sorted for people: Latin letters first, whatever their case, then common Chinese ones by their pinyin."""
    return words.casefold().encode("gb18030", "replace")  # whose first 3,755 characters are in the order of dictionaries
