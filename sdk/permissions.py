"""Who may do what to which records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from sdk.text import Text, _


class Scope(StrEnum):
    """Which records a grant reaches."""

    NONE = "none"
    """none: a stored grant that takes away what a plugin gives the role"""
    SHARED = "shared"
    """records that somebody has shared with the actor; every other scope but none has them, too"""
    OWN = "own"
    """records whose owner is the actor"""
    SUBORDINATES = "subordinates"
    """own records, and those whose owner reports to the actor, directly or through others"""
    TEAM = "team"
    """records whose owner is in the actor's team, in a team below it, or in a team that the actor manages"""
    TERRITORY = "territory"
    """own records, and those in a territory of the actor or below one (`Entity.territory`)"""
    PARENT = "parent"
    """records whose parent link points to a record that the actor reaches"""
    ALL = "all"


UNOWNED: Final = frozenset({Scope.NONE, Scope.SHARED, Scope.PARENT, Scope.ALL})
"""The scopes that mean something for records that belong to nobody."""


class Audience(StrEnum):
    """To whom the owner of a record shows it (`Entity.audience`): the keys of that choice."""

    NOBODY = "nobody"
    TEAM = "team"
    """who is in the owner's team or manages it, in one that the owner manages, or in one below these"""
    EVERYBODY = "everybody"


class Verb(StrEnum):
    """What the two doors do to a record; a permission is `<plugin>.<entity>.<verb>`."""

    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


VERBS: Final[Mapping[str, Text]] = {
    "read": _("read"), "create": _("create"), "update": _("edit"), "delete": _("delete"), "restore": _("restore"), "merge": _("merge"),
}  # fmt: skip
"""What is done to records, in words that fill a sentence: `Forbidden(_("… to {verb} {entity}"), verb=VERBS["update"], entity=entity.label)`."""


FORCE: Final = "force"
"""The word of the right to write a record although it is likely there already (`Entity.alike`)."""
EXPORT: Final = "export"
"""The word of the right to take records away as a file."""
IMPORT: Final = "import"
"""The word of the right to bring records in by a file."""
BULK_EDIT: Final = "bulk_edit"
"""The word of the right to change or delete several records in one request."""
REASSIGN: Final = "reassign"
"""The word of the right to give a record that is there to another owner."""
MERGE: Final = "merge"
"""The word of the right to make several records one."""
DISCLOSE: Final = "disclose"
"""The word of the right to gather what there is of a person (`Entity.person`)."""
ERASE: Final = "erase"
"""The word of the right to erase what there is of a person."""
IMPLIED: Final[Mapping[str, Verb]] = {
    EXPORT: Verb.READ, IMPORT: Verb.CREATE, BULK_EDIT: Verb.UPDATE, REASSIGN: Verb.UPDATE, MERGE: Verb.DELETE,
}  # fmt: skip
"""Special rights of every entity, `<plugin>.<entity>.<word>`: a role has each with the verb, as far as that goes, unless a grant of its own says otherwise."""
ALL_FIELDS: Final = "*"
"""In an allow-list, in the place of fields: all of them, also those to come."""
EVERYBODY: Final = "everybody"
"""The role that every user of a tenant has without being given it: the tenant's baseline."""

Access: TypeAlias = "Scope | Mapping[Verb, Scope]"
"""One scope for all four verbs, or a scope for each verb that is granted."""


@dataclass(frozen=True, slots=True)
class Permission:
    """A right beyond the four verbs, `<plugin>.<noun>.<verb>`; `default_for` names the roles that have it from the start."""

    name: str
    label: Text
    default_for: Mapping[str, Scope] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Role:
    """A named bundle of grants that people get; `everything` grants every permission of every enabled plugin."""

    key: str
    label: Text
    everything: bool = False


def verbs_of(access: Access) -> Mapping[Verb, Scope]:
    """The scope of each granted verb."""
    return dict.fromkeys(Verb, access) if isinstance(access, Scope) else access
