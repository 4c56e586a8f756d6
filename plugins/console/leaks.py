"""What to ask the console when leaks are looked for: what its search finds; its other pages ask for nothing, and are asked as all pages are."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sdk import Context
from sdk.leaks import Asked, Shows


def _finds(ctx: Context, plugins: Collection[str] | None) -> Iterator[Asked]:
    if plugins is None or "console" in plugins:
        for words in ("a", "1"):
            yield Asked("page", ctx.page("/find"), [("q", words)])


SHOWS = Shows(besides=_finds)
