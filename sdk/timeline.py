"""What happened around a record, in one list: which records are its entries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TimelineSource:
    """Records of an own entity are entries on the timeline of what they are about, and of what that belongs to.

    They belong to a record through `f.any_record` and through links with `timeline=True`. `at`, `title` and `body` name fields:
    an instant; for the others a text, or a link, whose target's title it is then.
    """

    entity: str
    title: str
    at: str = "created_at"
    body: str = ""
    kind: str = ""
    """The name of a choice field that says what kind of entry it is; the entity's own name without one."""
    plugin: str = ""
