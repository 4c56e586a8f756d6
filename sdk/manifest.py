"""What a plugin says of itself before anything of it runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from sdk.capabilities import Capabilities
from sdk.errors import DeclarationError
from sdk.names import PLUGIN, RESERVED_PLUGINS, misshapen, words_in
from sdk.text import Text

API_VERSION = 1
_VERSION = re.compile(r"\d+\.\d+(\.\d+)?([a-z0-9.+-]*)\Z")


@dataclass(frozen=True, slots=True)
class Manifest:
    """Name, version and partners of a plugin.

    `requires` names plugins that must be there (their `api` may be imported, foreign keys may point to them); `after`
    names partners that may be there. Either may say which versions fit, as PEP 440 writes them: `"customers>=1.2,<2"`; `core` is the
    platform itself. A `bridge` joins the plugins that it requires: a tenant has it as long as it has all of them, unless somebody switches
    it off. Raises DeclarationError with every mistake at once.
    """

    name: str
    version: str
    title: Text
    summary: Text
    api: int = API_VERSION
    requires: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    licence: str = ""
    bridge: bool = False
    capabilities: Capabilities = Capabilities()
    """What it needs beyond its own; nothing is the default, as it is an allow-list."""

    def __post_init__(self) -> None:
        requires, after = words_in(self.requires), words_in(self.after)
        mistakes = [
            f"name {self.name!r}: expected lower-case letters, digits and _ (2 to 30); rename the plugin"
            if not (isinstance(self.name, str) and PLUGIN.match(self.name))
            else "",
            f"name {self.name!r}: the platform itself is called so; rename the plugin" if self.name in (*RESERVED_PLUGINS,) else "",
            f"version {self.version!r}: expected MAJOR.MINOR[.PATCH]; write for example '1.0'" if not _is_version(self.version) else "",
            f"api {self.api!r}: expected a whole number; this platform speaks {API_VERSION}" if not isinstance(self.api, int) else "",
            *(
                f"{what} {said!r}: expected a text for people; write {what}=_('...')"
                for what, said in (("title", self.title), ("summary", self.summary))
                if not (isinstance(said, Text) and said)
            ),
            misshapen("requires", self.requires),
            misshapen("after", self.after),
            *(
                f"partner {partner!r}: expected a plugin's name, with a range such as '>=1.2,<2' if you like; correct `requires` or `after`"
                for partner in (*requires, *after)
                if _partner(partner) is None
            ),
            "requires itself: a plugin cannot wait for itself; remove it" if self.name in [_name(one) for one in requires] else "",
            *(
                f"partner {both!r} is in `requires` and in `after`: keep one"
                for both in sorted(set(map(_name, requires)) & set(map(_name, after)))
            ),
            "bridge: expected two plugins or more in `requires` that it joins; name them, or leave `bridge` out"
            if self.bridge and len({_name(one) for one in requires} - {"core"}) < 2
            else "",
            *(f"partner {twice!r} is named twice; put its range into one" for twice in _twice(requires) + _twice(after)),
            *(
                self.capabilities.mistakes()
                if isinstance(self.capabilities, Capabilities)
                else (f"capabilities {self.capabilities!r}: expected Capabilities(...); leave it out if you need nothing",)
            ),
        ]
        if found := [mistake for mistake in mistakes if mistake]:
            raise DeclarationError(f"manifest of {self.name!r}: " + "; ".join(found))

    @property
    def required(self) -> Mapping[str, SpecifierSet]:
        """The partners of `requires` by name, with the versions that fit."""
        return dict(filter(None, map(_partner, self.requires)))

    @property
    def possible(self) -> Mapping[str, SpecifierSet]:
        """The partners of `after` by name, with the versions that fit."""
        return dict(filter(None, map(_partner, self.after)))


def _is_version(text: object) -> bool:
    try:
        return isinstance(text, str) and bool(_VERSION.match(text) and Version(text))
    except InvalidVersion:
        return False


def _partner(text: str) -> tuple[str, SpecifierSet] | None:
    """Name and range; None for what is no partner, such as one with extras, markers or an address."""
    try:
        found = Requirement(text)
    except InvalidRequirement:
        return None
    return (found.name, found.specifier) if PLUGIN.match(found.name) and not (found.extras or found.marker or found.url) else None


def _name(text: str) -> str:
    """The name of a partner; of what is none, the text, so that no mistake hides another."""
    found = _partner(text)
    return text if found is None else found[0]


def _twice(partners: Iterable[str]) -> list[str]:
    names = [_name(one) for one in partners]
    return sorted({name for name in names if names.count(name) > 1})
