"""What a plugin says of itself before anything of it runs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sdk.errors import DeclarationError
from sdk.names import PLUGIN, RESERVED_PLUGINS
from sdk.text import Text

API_VERSION = 1
_VERSION = re.compile(r"\d+\.\d+(\.\d+)?([a-z0-9.+-]*)\Z")


@dataclass(frozen=True, slots=True)
class Manifest:
    """Name, version and partners of a plugin.

    `requires` names plugins that must be there (their `api` may be imported, foreign keys may point to them); `after`
    names partners that may be there. Raises DeclarationError with every mistake at once.
    """

    name: str
    version: str
    title: Text
    summary: Text
    api: int = API_VERSION
    requires: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    licence: str = ""

    def __post_init__(self) -> None:
        mistakes = [
            f"name {self.name!r}: expected lower-case letters, digits and _ (2 to 30); rename the plugin"
            if not PLUGIN.match(self.name)
            else "",
            f"name {self.name!r}: the platform itself is called so; rename the plugin" if self.name in RESERVED_PLUGINS else "",
            f"version {self.version!r}: expected MAJOR.MINOR[.PATCH]; write for example '1.0'" if not _VERSION.match(self.version) else "",
            f"api {self.api!r}: expected a whole number; this platform speaks {API_VERSION}" if not isinstance(self.api, int) else "",
            *(
                f"partner {partner!r}: expected a plugin's name; correct `requires` or `after`"
                for partner in (*self.requires, *self.after)
                if not PLUGIN.match(partner)
            ),
            "requires itself: a plugin cannot wait for itself; remove it" if self.name in self.requires else "",
            *(f"partner {both!r} is in `requires` and in `after`: keep one" for both in sorted(set(self.requires) & set(self.after))),
        ]
        if found := [mistake for mistake in mistakes if mistake]:
            raise DeclarationError(f"manifest of {self.name!r}: " + "; ".join(found))
