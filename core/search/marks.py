"""Where in a value that was found the words stand that were looked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from core.search.pinyin import readings
from core.search.words import folded

_FAR = 8
_MOST = 4


def marks(text: str, words: Sequence[str]) -> list[tuple[int, int]]:
    """The parts of a text that the words stand for, as first and last-plus-one character, in order and apart. Latin words mark where words
    begin, Chinese ones wherever they are, and what is typed in pinyin the characters that are read so."""
    letters, whose = list[str](), list[int]()
    for number, character in enumerate(text):
        for letter in folded(character):
            letters.append(letter)
            whose.append(number)
    plain, found = "".join(letters), list[tuple[int, int]]()
    for word in words:
        found += [(whose[start], whose[start + len(word) - 1] + 1) for start in _standing(plain, word)] or list(_read(text, word))
    return _apart(found)


def _standing(plain: str, word: str) -> Iterator[int]:
    start = plain.find(word)
    while start >= 0:
        before = plain[start - 1] if start else " "
        if not (before.isalpha() and before.isascii() and word[0].isalpha() and word[0].isascii()):
            yield start
        start = plain.find(word, start + 1)


def _read(text: str, word: str) -> Iterator[tuple[int, int]]:
    """Characters whose readings, or initials, are the word or begin with it."""
    if not word.isascii() or not word.isalpha():
        return
    for start in range(len(text)):
        length = _length(text, start, word)
        if length:
            yield start, start + length
            return


def _length(text: str, start: int, word: str) -> int:
    read: list[tuple[str, ...]] = []
    for character in text[start : start + _FAR]:
        if not (one := readings(character)):
            break
        read.append(one)
    for length in range(1, len(read) + 1):
        for number, syllables in enumerate(product(*read[:length])):
            if number == _MOST:
                break
            if "".join(syllables).startswith(word) or (length > 1 and "".join(one[0] for one in syllables) == word):
                return length
    return 0


def _apart(found: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Parts that touch are one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
