"""Tags by the names that people give them: their keys in the place of these."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sdk import Condition, Context, _
from sdk.fields import Field, Flaw, FlawError, KeysField

_PART, _LONGEST, _MOST_TAGS = 500, 100, 100_000


class TagNames:
    """What the words of a field of tags are called here: only those that occur are asked for, each once."""

    def __init__(self, ctx: Context, field: KeysField) -> None:
        self._field, self._title = field, ctx.entity(field.of).title
        self._records = ctx.records(field.of)
        self._known: dict[str, frozenset[str]] = {}
        """By word, without case, the keys that it may mean."""
        self._all: set[str] | None = None

    def keys(self, cells: Sequence[str]) -> tuple[list[str], list[Flaw]]:
        """Cells with keys for names; a name that several have is told, and its cell empty."""
        self._ask({word for cell in cells for word in self._field.words(cell)})
        found, flaws = list[str](), list[Flaw]()
        for row, cell in enumerate(cells):
            try:
                found.append(";".join(map(self._key, self._field.words(cell))))
            except FlawError as flaw:
                found.append("")
                flaws.append(Flaw(row, flaw.code, flaw.message, flaw.params))
        return found, flaws

    def knows(self, cells: Iterable[str]) -> bool:
        """Whether one of the words is a tag here; however many there are, the tags are looked up once."""
        if self._all is None:
            rows = self._records.find((), _MOST_TAGS)
            self._all = {str(row[name]).strip().casefold() for row in rows for name in ("key", self._title)}
        return any(word.casefold() in self._all for cell in cells for word in self._field.words(cell))

    def _key(self, word: str) -> str:
        keys = self._known.get(word.casefold(), frozenset())
        if len(keys) > 1:
            text = _("{count} tags are called {word!r}: write the key of one of them ({keys})")
            raise FlawError("ambiguous", text, count=len(keys), word=word, keys=", ".join(sorted(keys)[:5]))
        return next(iter(keys), word)

    def _ask(self, words: set[str]) -> None:
        fresh = {
            word for word in words if word.casefold() not in self._known and word.isprintable() and len(word) <= self._most(self._title)
        }
        keys = self._find("key", {word.lower() for word in fresh})
        names = self._find(
            self._title, {form for word in fresh for form in (word, word.lower(), word.upper(), word.title(), word.capitalize())}
        )
        for word in fresh:
            said = word.casefold()
            if said in keys:  # says more of a tag than a name
                self._known[said] = frozenset((said,))
            else:
                odd = said not in names and word.upper() != word.lower()  # in a mixture of cases, it may be
                rows = self._records.find((Condition(self._title, "contains", (word,)),), _PART) if odd else []
                cased = {str(row["key"]) for row in rows if str(row[self._title]).strip().casefold() == said}
                self._known[said] = frozenset(names.get(said, set()) | cased)

    def _most(self, name: str) -> int:
        """So many characters a word may have that is looked for in a field."""
        return int(getattr(self._records.fields()[name], "length", 0)) or _LONGEST

    def _find(self, name: str, words: Iterable[str]) -> dict[str, set[str]]:
        """By word, without case, the keys of the tags in which this field says it."""
        wanted, found = sorted(word for word in words if len(word) <= self._most(name)), dict[str, set[str]]()
        for start in range(0, len(wanted), _PART):
            asked = wanted[start : start + _PART]
            for row in self._records.find((Condition(name, "in", tuple(asked)),), 100_000):
                found.setdefault(str(row[name]).strip().casefold(), set()).add(str(row["key"]))
        return found


def names_for(ctx: Context, field: Field) -> TagNames | None:
    """The names of the tags of a field; None for one of other things, or where nothing has a name of its own."""
    if not isinstance(field, KeysField) or not field.of or not ctx.offers(field.of) or not ctx.can(f"{field.of}.read"):
        return None
    return TagNames(ctx, field) if {"key", ctx.entity(field.of).title} <= ctx.records(field.of).fields().keys() else None
