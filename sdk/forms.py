"""Fields of forms, as `field` of `kit/parts.html` draws them."""

from __future__ import annotations

from dataclasses import dataclass

from sdk.text import within


@dataclass(frozen=True)
class Option:
    """One of several values to choose from."""

    value: str
    label: str
    chosen: bool
    pick: str = ""
    """Where records of it are chosen, if it is an entity."""
    group: str = ""
    """Under which heading it stands; those without one come first."""


@dataclass(frozen=True)
class Input:
    """One field of a form. `widget` chooses how it is drawn; `value` is what stands in it; `title` is what a chosen record is called."""

    name: str
    label: str
    widget: str
    value: str
    required: bool
    type: str = "text"
    title: str = ""
    pick: str = ""
    new: str = ""
    options: tuple[Option, ...] = ()
    currency: str = ""
    problem: str = ""
    longest: int = 0
    hint: str = ""
    shown: bool = True
    theirs: object = None
    """What somebody else has made of it meanwhile: a value as the console draws it."""
    zone: str = "UTC"
    """Where its instants are read."""
    unset: str = ""
    """What holds where nothing is chosen, in words."""

    @property
    def one(self) -> str:
        """What it is called within a sentence: a new account."""
        return within(self.label)

    @property
    def wide(self) -> bool:
        """Whether it takes the whole line."""
        return self.widget in ("area", "conditions")
