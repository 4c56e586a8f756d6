"""Two declarations of one thing: which plugin goes out of force, and how both are named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.extension.discover import DISTRIBUTION
from sdk import DeclarationError, Frame, PageRoute

if TYPE_CHECKING:
    from core.extension.calls import Calls
    from core.extension.catalog import Catalog

_PARAMETER = re.compile(r"\{(?!id\})[a-z_]+\}")


class Clash(DeclarationError):
    """`owner` declares what `other` has declared before; both are the same where a plugin says a thing twice."""

    def __init__(self, what: str, owner: str, other: str) -> None:
        super().__init__(_told(what, owner, other))
        self.what, self.owner, self.other = what, owner, other


def _told(what: str, owner: str, other: str) -> str:
    if owner == other:
        return f"{what} of plugin {owner!r} is declared twice; rename one"
    return f"{what} of plugin {owner!r} is there already, from {other!r}; rename one"


def once(part: dict[str, Any], name: str, owner: str, spec: Any, what: str) -> None:
    """Enter what has a name that nobody else may have; raises Clash."""
    if name in part:
        raise Clash(f"{what} {name!r}", owner, part[name][0])
    part[name] = (owner, spec)


def loser(clash: Clash, calls: Calls) -> tuple[str, str]:
    """Who goes, and why: the later in order, but for what comes with the platform, which no package can put out of force by its name."""
    if _is_ours(clash.owner, calls) and not _is_ours(clash.other, calls):
        return clash.other, _told(clash.what, clash.other, clash.owner)
    return clash.owner, str(clash)


def _is_ours(plugin: str, calls: Calls) -> bool:
    return plugin not in calls.states or calls.states[plugin].distribution == DISTRIBUTION


def shape(path: str) -> str:
    """A path without the names of its parameters: what is asked for fits either of two that have the same. Ids fit ids alone."""
    return _PARAMETER.sub("{}", path)


def clashing(catalog: Catalog) -> Clash | None:
    """What only all declarations together show: two frames, two pages at one address."""
    frames = list(catalog.specs.get(Frame, {}).values())
    if len(frames) > 1:
        return Clash(f"frame of pages {frames[1].key!r}", frames[1].plugin, frames[0].plugin)
    frame = frames[0].plugin if frames else ""
    return _pages(catalog.specs.get(PageRoute, {}), frame)


def _pages(pages: Mapping[str, Any], frame: str) -> Clash | None:
    """The frame's own pages stand first, and so do the words with which they begin: it is for its guests to give way."""
    there: dict[str, str] = {}
    words = {page.path.split("/")[1] for page in pages.values() if page.plugin == frame}
    for page in sorted(pages.values(), key=lambda one: one.plugin != frame):
        address = ("" if page.plugin == frame else f"/{page.plugin}") + page.path
        if shape(address) in there:
            return Clash(f"page {address!r}", page.plugin, there[shape(address)])
        if page.plugin != frame and page.plugin in words:
            return Clash(f"address '/{page.plugin}' of page {page.key!r}", page.plugin, frame)
        there[shape(address)] = page.plugin
    return None
