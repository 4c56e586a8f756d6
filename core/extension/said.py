"""Why a plugin does not serve: in English for the terminal and the log, and in their own language for people who look at a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sdk import Text

type_say = Callable[[Text, Mapping[str, object]], str]


class Said(str):
    """Sentences in English which know what they are made of; what comes from elsewhere (a traceback) is text and no more."""

    __slots__ = ("parts",)
    parts: tuple[tuple[Text, Mapping[str, object]], ...]


def said(text: Text, **params: object) -> Said:
    """One sentence."""
    made = Said(text.format(**params))
    made.parts = ((text, params),)
    return made


def joined(sentences: Sequence[Said]) -> Said:
    """Several, with semicolons between."""
    made = Said("; ".join(sentences))
    made.parts = tuple(part for one in sentences for part in one.parts)
    return made


def told(say: type_say, reason: str) -> str:
    """A reason in the language of `say`, as far as it has one."""
    return "; ".join(say(text, params) for text, params in reason.parts) if isinstance(reason, Said) else reason
