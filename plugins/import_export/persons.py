"""Users by what files call them: in any case and spacing, the family name first, or with the mail address behind the name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final
from uuid import UUID

from sdk import Context, where
from sdk.context import id_of

USER: Final = "core.user"
_MOST = 100_000
_BEHIND = re.compile(r"[(<（]\s*([^()<>（）\s]+@[^()<>（）\s]+)\s*[)>）]\s*\Z")
_CHINESE = re.compile(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])")


def meant(ctx: Context, words: Collection[str]) -> dict[str, UUID]:
    """Those of the words that mean one active user alone, with the eyes of who imports."""
    if not words or not ctx.can(f"{USER}.read"):
        return {}
    called = dict[str, set[UUID]]()
    for row in ctx.records(USER).find(where(active=True), _MOST):
        for word in filter(None, (row.get("name"), row.get("email"))):
            called.setdefault(plain_name(word), set()).add(id_of(row))
    found = {word: set[UUID]().union(*(called.get(form, ()) for form in _forms(word))) for word in words}
    return {word: next(iter(ids)) for word, ids in found.items() if len(ids) == 1}


def plain_name(value: object) -> str:
    """A name or an address without case and without what is spaced otherwise."""
    return _CHINESE.sub("", " ".join(str(value or "").casefold().split()))


def _forms(word: str) -> Iterator[str]:
    yield plain_name(word)
    if (address := _BEHIND.search(word)) is not None:
        yield plain_name(address[1])
    family, comma, given = word.partition(",")
    if comma:
        yield plain_name(f"{given} {family}")
