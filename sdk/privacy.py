"""A person whose data are given out or erased, and what plugins know of that person beside links."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

from sdk.fields.any_record import Reference
from sdk.text import Text


@dataclass(frozen=True)
class Person:
    """Somebody of whom there are data, and by what these are found.

    `records` are, by entity, the person's own record and all that are about it (by `any_record`, by a link with `subject=True`, or as a
    part of such a record), those in the recycle bin among them. `linked` are those that name the person and are about something else.
    `words` stand for that person alone as far as one can tell: mail addresses, numbers; `names` are what others may be called, too.
    """

    record: Reference
    records: Mapping[str, Sequence[UUID]]
    linked: Mapping[str, Sequence[UUID]]
    words: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def ids(self, entity: str) -> Sequence[UUID]:
        """Of one entity those that are about the person."""
        return self.records.get(entity, ())

    def occurs(self, text: str) -> bool:
        """Whether a text has one of the words or names in it."""
        return self._pattern is not None and self._pattern.search(text) is not None

    def masked(self, text: str, mask: str) -> str:
        """A text with `mask` in the place of each word and name."""
        return text if self._pattern is None else self._pattern.sub(mask.replace("\\", r"\\"), text)

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        parts = [bounded(word) for word in sorted({*self.words, *self.names}, key=len, reverse=True)]
        return re.compile("|".join(parts), re.IGNORECASE) if parts else None


def bounded(word: str) -> str:
    """A pattern for a word as a whole: not for Li in Linux. Chinese is written without spaces."""
    return rf"(?<!\w){re.escape(word)}(?!\w)" if word.isascii() else re.escape(word)


@dataclass(frozen=True, slots=True)
class Trace:
    """Records of one entity of the plugin that hold something of a person: what is personal in them is given out and erased.

    With `keep` they stay as they are, and that is why. `files` are keys of `ctx.files` by record: each goes with its record.
    `shown` are, by record, values of fields that hold something of others as well: as far as they are the person's.
    """

    entity: str
    ids: Sequence[UUID]
    keep: Text | None = None
    files: Mapping[UUID, str] = field(default_factory=dict)
    shown: Mapping[UUID, Mapping[str, object]] = field(default_factory=dict)
