"""Pages that people see in a browser, and what plugins put into the pages of others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from sdk.days import day_of
from sdk.errors import Params, Refusal, Stale
from sdk.permissions import VERBS
from sdk.routes import SIGNED_IN, Upload, record_id
from sdk.specs import Spec
from sdk.text import Text, _, within

if TYPE_CHECKING:
    from sdk.context import Context

_LONGEST_VERSION = 10
Pairs: TypeAlias = "Sequence[tuple[str, str]]"


@dataclass(frozen=True, slots=True)
class Rendering:
    """A template with its values, as the answer of a page: `Rendering("orders/quote.html", {"quote": row})`.

    Templates are files of the plugin's folder `templates/<plugin>/`; they extend `kit/page.html` and use the macros of `kit/`, which
    belong to the plugin that frames the pages. Values are shown as text: what is HTML already has to be `Markup`.
    """

    template: str
    values: Mapping[str, object] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class Redirect:
    """Another page to go to (303): after a form is taken. `path` is of ours: `ctx.page("/customers/accounts")`."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """What a page's view gets: the words of the address, the query's and the form's pairs, files by name.

    `part` says that the page is asked for by a script that puts a part of it into a page that is shown already.
    """

    address: str
    path: Mapping[str, str] = field(default_factory=dict)
    query: Pairs = ()
    form: Pairs = ()
    files: Mapping[str, Upload] = field(default_factory=dict)
    part: str = ""
    csrf: str = ""
    """What each form sends as `csrf_token`; "" for who comes with a token of the API."""
    prepared: object = None
    """What the page's `prepare` gave."""
    uploads: Sequence[tuple[str, Upload]] = ()
    """Every file with the name of its field, of which `files` has the last of each name."""

    def id(self, name: str = "id") -> UUID:
        """The record id in the address; raises NotFound for what cannot be one."""
        return record_id(self.path[name])

    def version(self) -> int | None:
        """The version of the record that a form began with, its field `version`; None where it has none. Raises Stale for what is none."""
        word = self.typed("version")
        if not word:
            return None
        if not (word.isascii() and word.isdigit() and len(word) < _LONGEST_VERSION):
            raise Stale(_("the form doesn’t name a version of the record; reload the page"))
        return int(word)

    def asked(self, name: str, default: str = "") -> str:
        """The last value of a word of the query."""
        return _last(self.query, name, default)

    def typed(self, name: str, default: str = "") -> str:
        """The last value of a field of the form."""
        return _last(self.form, name, default)

    def sent(self, name: str) -> list[Upload]:
        """All files of a field that takes several."""
        return [upload for key, upload in self.uploads if key == name]

    def chosen(self, name: str) -> list[str]:
        """All values of a field of the form, as of ticked boxes."""
        return [value for key, value in self.form if key == name]


def _last(pairs: Pairs, name: str, default: str) -> str:
    return next((value for key, value in reversed(pairs) if key == name), default)


PageView: TypeAlias = "Callable[[Context, PageRequest], object]"
"""Returns a Rendering, a Redirect, or what a route may return (a Response, a Download)."""
PagePreparation: TypeAlias = "Callable[[Context, PageRequest], AbstractContextManager[object]]"
PanelView: TypeAlias = "Callable[[Context, Mapping[str, object]], Rendering | None]"
"""Gets the record that the page is about ({} where it is about none) and returns what is shown; None: nothing, for this record.

Besides its fields, the record says under `ABOUT` what it is a record of: `plugin.entity`.
"""

ABOUT = "@entity"
"""What a panel's record is a record of; no field is called so."""
VARIANT = "variant"
"""Which of its variants a tile is to show."""
ANY_ENTITY = "*"
"""The `entity` of panels that stand by the records of every entity: comments, files."""


@dataclass(frozen=True, kw_only=True)
class PageRoute(Spec):
    """A page at `<prefix>/<plugin><path>`; `permission` has no default, `sdk.SIGNED_IN` is everybody of the tenant.

    `view` answers GET within a read transaction. `submit` answers POST within a write transaction: what it raises, or answers with
    a status of 400 or more, undoes what it wrote. Whether the tenant has the plugin is asked by the platform.
    """

    path: str
    title: Text
    permission: str
    view: PageView
    submit: PageView | None = None
    uploads: bool = False
    """Whether its form sends files."""
    prepare: PagePreparation | None = None
    """What takes long and writes no record, before the transaction of `submit` and in none at all, for those alone who have the
    permission: see `Route.prepare`. A refusal is the page's answer, so that what `submit` can show of one it is to be given."""


class Slot(StrEnum):
    """Where in the pages of others a plugin's part appears."""

    HEAD = "head"
    """Across the page of a record, above its fields: where it stands in a process."""
    TAB = "tab"
    """Beside the tabs of a record."""
    PANEL = "panel"
    """At the side of a record."""
    TIMELINE = "timeline"
    """Above the timeline of a record: what one adds to it. Beside all that a record is, it stands among the panels."""
    BUTTON = "button"
    """Among the acts of a record; its rendering is a link or a form."""
    LIST = "list"
    """Among the acts above a list; its rendering is a link or a form. Its view gets no record, but `ABOUT`, the entity that is listed,
    and `address`, that of the list as it is filtered and sorted."""
    TILE = "tile"
    """On dashboards, for who chooses it from the catalogue. Its view gets what the dashboard is narrowed to, as far as it is: `start`
    and `end` (ISO days), `owner` and `pipeline` (ids)."""
    TOP = "top"
    """At the top of every page, beside who one is: small, and cheap."""
    HOME = "home"
    """On everybody's first page."""


def fits_any(_ctx: Context, _entity: str) -> bool:
    """It stands by the records of every entity."""
    return True


@dataclass(frozen=True, kw_only=True)
class Panel(Spec):
    """A part of a page that a plugin brings: a tab or a panel of the records of `entity`, a button, a tile of dashboards.

    A view that fails is a small box that says so; the page lives. `entity` is empty where the slot is about no record, and `ANY_ENTITY`
    for a part of the records of all entities. A tab's own address is `?tab=<plugin>.<key>`; it is drawn when somebody goes there.
    `permission` has no default: who has it not does not see that there is such a part.
    """

    slot: Slot
    label: Text
    permission: str
    view: PanelView
    entity: str = ""
    position: int = 100
    fits: Callable[[Context, str], bool] = fits_any
    """Of a part for `ANY_ENTITY`: whether records of this entity have it, told without a look into the database."""
    variants: Callable[[Context], Sequence[tuple[str, str]]] | None = None
    """Of a tile that there are several of: the keys and names of those that somebody may choose. Its view gets the key as `VARIANT`."""
    shows: tuple[str, ...] = ()
    """Fields of the record that a panel tells by itself: as long as it is drawn, the page does not say them once more."""


@dataclass(frozen=True, kw_only=True)
class MenuEntry(Spec):
    """A word of the menu, and of the palette of commands: a page of ours, or the list of an entity.

    `path` is relative to the prefix of all pages; an `entity` leads to its list, and is shown to who may read it. `section` groups
    entries; those of one section stand together in order of `position`. `palette` entries are commands and not in the menu.
    The first few that are `at_hand`, what one goes to all day, stand in the bar at the bottom of a phone.
    """

    label: Text
    section: str = "sell"
    path: str = ""
    entity: str = ""
    permission: str = ""
    icon: str = ""
    position: int = 100
    palette: bool = False
    at_hand: bool = False


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A static file that is made at its first use and kept in the installation's folder `cache`; with another `version` it is made anew."""

    version: str
    make: Callable[[], bytes]


@dataclass(frozen=True, kw_only=True)
class Frame(Spec):
    """The place in which all pages stand; one plugin brings it, and without one there are no pages.

    `prefix` begins the address of each page. `values(ctx, request)` gives what its templates need for the frame itself (the menu), as
    `frame`. `error` and `entrance` are its templates for refusals and for signing in, `refused` that for refusals to somebody who is in,
    with the menu around it; `home` is the page to go to after signing in. `bundles` are files that are served as one:
    `{"console.css": (Path(...), ...)}`; `made` are such as are too large, or too slow to make, to be shipped: `{"vega.js": MadeFile(...)}`.
    Templates find the addresses of both by `asset(name)`. `region(ctx)` says in which region's way its reader has numbers and days written
    (`de_DE`); without it, or where it answers "", they are as the language has them.
    """

    prefix: str
    values: Callable[[Context, PageRequest], Mapping[str, object]]
    error: str
    entrance: str
    refused: str = ""
    home: str = "/"
    bundles: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    made: Mapping[str, MadeFile] = field(default_factory=dict)
    region: Callable[[Context], str] | None = None


@dataclass(frozen=True, slots=True)
class Drawn:
    """A panel as HTML; or why it is not shown: `refusal` is what it says to its reader, `broken` that it has failed."""

    panel: Panel
    html: str
    refusal: str = ""
    broken: bool = False
    called: str = ""
    """Of one that has failed: its label in the reader's language, or that of its plugin."""


def offered(ctx: Context, slot: Slot, *entities: str) -> list[Panel]:
    """What plugins offer to the actor in a slot of the records of `entities`, in order; without any in one that is about no record."""
    about = entities or ("",)
    named = next((one for one in about if one != ANY_ENTITY), "")
    there = [
        one
        for one in ctx.declared(Panel)
        if one.slot is slot and one.entity in about and (one.entity != ANY_ENTITY or one.fits(ctx, named))
    ]
    mine = [one for one in there if one.permission == SIGNED_IN or ctx.can(one.permission)]
    return sorted(mine, key=lambda one: (one.position, one.full_key))


def told(ctx: Context, refusal: Refusal | None) -> list[str]:
    """What a refusal says, in sentences, for the page on which it is told; nothing for None."""
    if refusal is None:
        return []
    said = [ctx.say(one.message, worded(ctx, one.params)) for one in refusal.problems]
    return said or [ctx.say(refusal.message, worded(ctx, refusal.params))]


def worded(ctx: Context, params: Params) -> Params:
    """What fills a sentence of a refusal, as people write it: entities, verbs and permissions stand there by the names that programs know, and
    days as programs write them. What somebody has typed stays as it was typed."""
    found = dict(params)
    for name, value in params.items():
        if not isinstance(value, str):
            continue
        thing, _dot, verb = value.rpartition(".")
        if name not in ("value", "nearest") and (day := day_of(value)) is not None:
            found[name] = ctx.written(day)
        elif name == "verb" and value in VERBS:
            found[name] = ctx.say(VERBS[value])
        elif name == "permission" and verb in VERBS and ctx.offers(thing):
            found[name] = f"{ctx.say(ctx.entity(thing).plural_label)} · {ctx.say(VERBS[verb])}"
        elif name == "entity" and "." in value and ctx.offers(value):
            found[name] = within(ctx.say(ctx.entity(value).label))
    return found
