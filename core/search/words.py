"""What a text is found by: tokens of values and of what people type, made alike.

Latin words are folded (width, case, accents). Of a run of Chinese characters each end of it is a token: every piece of a name begins one
of them, so one range of an index finds it, where bigrams would have to be joined. The same of how it is read, in full and by initials.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Final

from core.search.pinyin import readings
from sdk import likeness

LONGEST: Final = 40
"""Letters of a token."""
REACH: Final = 8
"""Characters of an end of a run: a longer piece is looked for in parts."""
WHOLE, BEGINNING, WITHIN, SOUND = 0, 1, 2, 3
"""How near a token is to its value: all of it, how it begins, a part of it, how it is read."""
VERSION: Final = 1
"""Of how tokens are made: those of another have to be made anew."""
_MOST_TEXT, _MOST_TOKENS, _MOST_WORDS, _MOST_SOUNDS = 400, 120, 8, 4
_EAST = "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f"
_RUN = re.compile(rf"[{_EAST}]+|[^\W_{_EAST}]+")
_IS_EAST = re.compile(rf"[{_EAST}]")
_TURN = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
_MAIL = re.compile(r"[^\s@]+@[^\s@]*")
_NUMBER = re.compile(r"[\d\s()+./-]+")
_DIGITS = re.compile(r"\D+")
_LEAST_NUMBER = 5
_TAILS = (8, 4)
"""How many last digits of a telephone number people know it by."""


@dataclass(frozen=True)
class Reading:
    """One way to take what was typed: all of these words begin tokens of a record."""

    words: tuple[str, ...]


def folded(text: str) -> str:
    """Full and half width, capital and small letters, letters with and without accents are one."""
    plain = likeness.folded(text)
    if plain.isascii():
        return plain
    marks = unicodedata.normalize("NFD", plain)
    return unicodedata.normalize(
        "NFC", "".join(letter for letter in marks if unicodedata.category(letter) != "Mn" or _IS_EAST.match(letter))
    )


@lru_cache(maxsize=5_000)
def tokens(text: str, *, number: bool = False) -> tuple[tuple[str, int], ...]:
    """The tokens of a value, each with how near it is to it. `number`: it is a telephone number."""
    value = folded(text[:_MOST_TEXT])
    found: dict[str, int] = {}
    for token, near in _of_number(text) if number else _of_text(value):
        word = token[:LONGEST]
        if word and near < found.get(word, SOUND + 1) and (word in found or len(found) < _MOST_TOKENS):
            found[word] = near
    return tuple(found.items())


def _of_number(text: str) -> Iterator[tuple[str, int]]:
    """The national digits, whole and by their end, the groups in which it is written, and how it stands."""
    plain, digits = likeness.telephone(text), _DIGITS.sub("", text)
    if plain is not None:
        yield plain, WHOLE
    if digits:
        yield digits, WHOLE
    for length in _TAILS:
        if len(digits) > length:
            yield digits[-length:], WITHIN
    for group in _RUN.findall(folded(text)):
        yield group, WITHIN


def _of_text(value: str) -> Iterator[tuple[str, int]]:
    runs = _runs(value)
    only = len(runs) == 1
    for number, run in enumerate(runs):
        near = WHOLE if only else BEGINNING if number == 0 else WITHIN
        if not _IS_EAST.match(run):
            yield run, near
            if not run.isalpha() and not run.isdigit():
                yield from ((run[cut.start() :], WITHIN) for cut in _TURN.finditer(run))
            continue
        begins = _begins(run)
        for start in range(begins):
            end = run[start : start + REACH]
            yield end, near if start == 0 and len(end) == len(run) else BEGINNING if number == 0 and start == 0 else WITHIN
        yield from _sounds(run, begins)


def _begins(run: str) -> int:
    """At how many of its characters somebody may begin to type it: nobody looks for a company by its legal form."""
    return len(likeness.without_form(run)) or len(run)


def _sounds(run: str, begins: int) -> Iterator[tuple[str, int]]:
    """How each end of a run is read: in full, and by initials where it is longer than one character."""
    read = [readings(character) for character in run]
    for start in range(begins):
        part = read[start : start + REACH]
        if not part[0]:
            continue
        length = next((at for at, one in enumerate(part) if not one), len(part))  # up to what has no reading
        for number, syllables in enumerate(product(*part[:length])):
            if number == _MOST_SOUNDS:
                break
            yield "".join(syllables), SOUND
            if length > 1:
                yield "".join(one[0] for one in syllables), SOUND


def _runs(value: str) -> list[str]:
    """Words, and runs of characters without spaces; the last label of a mail address's domain is part of too many."""
    return _RUN.findall(_MAIL.sub(_without_top, value))


def _without_top(mail: re.Match[str]) -> str:
    name, _at, host = mail[0].partition("@")
    return f"{name} {host.rpartition('.')[0] or host}"


def asked(typed: str) -> Sequence[Reading]:
    """The ways to take what was typed; none where there is nothing to look for."""
    text = folded(typed[:_MOST_TEXT])
    words = [part[:LONGEST] for run in _runs(text) for part in _parts(run)]
    words = [word for word in words if likeness.without_form(word)] or words
    found = [Reading(tuple(dict.fromkeys(words[:_MOST_WORDS])))] if words else []
    digits = _DIGITS.sub("", text)
    if _NUMBER.fullmatch(text) and len(digits) >= _LEAST_NUMBER:
        plain = likeness.telephone(text)
        found += [Reading((one,)) for one in dict.fromkeys((plain or digits, digits)) if Reading((one,)) not in found]
    return found


def _parts(run: str) -> Iterator[str]:
    if _IS_EAST.match(run) and len(run) > REACH:
        yield from (run[start : start + REACH] for start in range(0, _begins(run), REACH))
    else:
        yield run
