"""What a plugin says of itself before anything of it runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from functools import cache
from typing import TYPE_CHECKING

from sdk.capabilities import Capabilities
from sdk.errors import DeclarationError
from sdk.names import PLUGIN, RESERVED_ADDRESSES, RESERVED_PLUGINS, misshapen, words_in
from sdk.text import Text
from sdk.written import Written

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

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
        mistakes: list[tuple[str, object, str]] = [
            *self._of_name_and_version(),
            ("requires", None, misshapen("requires", self.requires)),
            ("after", None, misshapen("after", self.after)),
            *(
                (
                    where,
                    partner,
                    f"partner {partner!r}: expected a plugin's name, with a range such as '>=1.2,<2' if you like; correct `{where}`",
                )
                for where, partners in (("requires", requires), ("after", after))
                for partner in partners
                if _partner(partner) is None
            ),
            *(
                ("requires", one, "requires itself: a plugin cannot wait for itself; remove it")
                for one in requires
                if self.name == _name(one)
            ),
            *(
                ("after", both, f"partner {both!r} is in `requires` and in `after`: keep one")
                for both in sorted(set(map(_name, requires)) & set(map(_name, after)))
            ),
            *(
                (where, twice, f"partner {twice!r} is named twice; put its range into one")
                for where, partners in (("requires", requires), ("after", after))
                for twice in _twice(partners)
            ),
            *(("capabilities", None, mistake) for mistake in self._of_capabilities()),
        ]
        if self.bridge and len({_name(one) for one in requires} - {"core"}) < 2:
            cure = "name them, or leave `bridge` out"
            mistakes.append(("bridge", None, f"bridge: expected two plugins or more in `requires` that it joins; {cure}"))
        if found := [mistake for mistake in mistakes if mistake[2]]:
            raise DeclarationError(self._told(found))

    def _of_name_and_version(self) -> Iterator[tuple[str, object, str]]:
        if not (isinstance(self.name, str) and PLUGIN.match(self.name)):
            yield "name", None, f"name {self.name!r}: expected lower-case letters, digits and _ (2 to 30); rename the plugin"
        elif self.name in RESERVED_PLUGINS:
            yield "name", None, f"name {self.name!r}: the platform itself is called so; rename the plugin"
        elif self.name in RESERVED_ADDRESSES:
            yield "name", None, f"name {self.name!r}: addresses of the platform itself begin so; rename the plugin"
        if not _is_version(self.version):
            yield "version", None, f"version {self.version!r}: expected MAJOR.MINOR[.PATCH]; write for example '1.0'"
        if not isinstance(self.api, int):
            yield "api", None, f"api {self.api!r}: expected a whole number; this platform speaks {API_VERSION}"
        for what, said in (("title", self.title), ("summary", self.summary)):
            if not (isinstance(said, Text) and said):
                yield what, None, f"{what} {said!r}: expected a text for people; write {what}=_('...')"

    def _of_capabilities(self) -> Iterable[str]:
        if isinstance(self.capabilities, Capabilities):
            return self.capabilities.mistakes()
        return (f"capabilities {self.capabilities!r}: expected Capabilities(...); leave it out if you need nothing",)

    def _told(self, mistakes: Iterable[tuple[str, object, str]]) -> str:
        """Every mistake with the line on which it stands, in the order of the file."""
        written = Written("Manifest", [one.name for one in dataclass_fields(self)])
        placed = sorted(((written.line(argument, value), mistake) for argument, value, mistake in mistakes), key=lambda one: one[0])
        lines = [f"line {line}: {mistake}" if line else mistake for line, mistake in placed]
        file = f" in {written.file}" if any(line for line, _mistake in placed) else ""
        return f"manifest of {self.name!r}{file}: " + "; ".join(lines)

    @property
    def required(self) -> Mapping[str, SpecifierSet]:
        """The partners of `requires` by name, with the versions that fit."""
        return dict(filter(None, map(_partner, self.requires)))

    @property
    def possible(self) -> Mapping[str, SpecifierSet]:
        """The partners of `after` by name, with the versions that fit."""
        return dict(filter(None, map(_partner, self.after)))


def _is_version(text: object) -> bool:
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415 (only here and below: most who import sdk write no manifest)

    try:
        return isinstance(text, str) and bool(_VERSION.match(text) and Version(text))
    except InvalidVersion:
        return False


@cache
def _partner(text: str) -> tuple[str, SpecifierSet] | None:
    """Name and range; None for what is no partner, such as one with extras, markers or an address."""
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415

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
