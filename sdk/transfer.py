"""What another system exports, and how its files become our records: said once by a plugin, carried out by who imports."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as made_by
from typing import TYPE_CHECKING, Final, TypeAlias

from sdk.errors import DeclarationError
from sdk.specs import Spec
from sdk.text import Text

if TYPE_CHECKING:
    from sdk.context import Context

Meaning: TypeAlias = "Callable[[Context, frozenset[str]], Mapping[str, str]]"
"""What the words of a column are in the tenant: its stages, its countries. A word that it does not name stays as it is."""
_PLAIN = re.compile(r"[\W_]+")
PEOPLE: Final = "core.user"
"""The entity of people: rows about them are read to find out whom an id or a name means, and make nobody."""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A field of ours from columns of theirs: from the first heading that the file has and whose cell is filled, in any case and punctuation.

    With `joined`, all of them with that between, empty ones left out. `turned` makes a cell of ours of one of theirs and knows nothing else;
    `meaning` knows the tenant. `links` says by entity under which headings ids of theirs stand, of records that came before as this entity: the first
    id that is known counts (a cell may hold several, split by ";"), and only where none is do `headings` name the record. `people`: cells
    name a person by id, mail address or name.
    """

    field: str
    headings: tuple[str, ...] = ()
    joined: str | None = None
    turned: Callable[[str], str] | None = None
    meaning: Meaning | None = None
    links: Mapping[str, tuple[str, ...]] = made_by(default_factory=dict)
    people: bool = False
    instead: tuple[str, ...] = ()
    """Headings that are looked at where all those are empty: who has no name is called by the address."""
    otherwise: str = ""
    """What stands there where the file says nothing."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """One of their files: recognised by headings that it has, all of `signs`, and better by its name; its rows become records of `entity`.

    `id` are headings with what they call a record (the first that is there): later files link by it, and a row that came before is not taken
    again. `match` names fields of ours by which a record that is here already is found; what it has is kept, and what it lacks is filled in.
    `leaves_out` tells rows that are no records: such as are deleted. `history` tells rows that come in as history alone, with the fields that only
    history brings: a lead that was converted. Who has not the right to import history leaves them out. A file may be a source of several entities.
    """

    entity: str
    signs: tuple[str, ...]
    takes: tuple[Taken, ...]
    names: tuple[str, ...] = ()
    id: tuple[str, ...] = ()
    match: tuple[str, ...] = ()
    leaves_out: Callable[[Mapping[str, str]], bool] | None = None
    history: Callable[[Mapping[str, str]], bool] | None = None


@dataclass(frozen=True)
class Importer(Spec):
    """A system from which people come. `sources` are taken in their order: what others link to comes first."""

    label: Text
    sources: tuple[Source, ...] = made_by(kw_only=True)

    def __post_init__(self) -> None:
        for source in self.sources:
            fields = [one.field for one in source.takes]
            if twice := sorted({one for one in fields if fields.count(one) > 1}):
                raise DeclarationError(
                    f"importer {self.key!r}: {source.entity} takes the field {twice[0]!r} twice; put its headings into one"
                )
            if not source.signs:
                raise DeclarationError(
                    f"importer {self.key!r}: a source of {source.entity} has no signs, so that any file would be one; name some"
                )


def plain(heading: str) -> str:
    """A heading without case, spaces and punctuation: `First Name`, `FIRST_NAME` and `firstname` are one."""
    return _PLAIN.sub("", heading.casefold())
