"""Badges: a page, a part for every slot, a menu entry, a command of the palette, a column; and a panel that fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from plugins.customers.api import Contact
from sdk import SIGNED_IN, Context, Extension, Manifest, MenuEntry, PageRequest, PageRoute, Panel, Redirect, Rendering, Slot, _, hookimpl
from sdk import fields as f
from sdk.pages import ABOUT, ANY_ENTITY

manifest = Manifest("badges", "1.0", _("Badges"), _("Badges for accounts."), requires=("customers",))
ACCOUNT = "customers.account"


def wall(ctx: Context, request: PageRequest) -> Rendering:
    """A page with a form."""
    return Rendering("badges/wall.html", {"name": request.asked("name", "nobody")})


def hang(ctx: Context, request: PageRequest) -> Redirect:
    """What becomes of the form."""
    return Redirect(ctx.page(f"/badges/wall?name={request.typed('name')}"))


FAILING: set[str] = set()
"""The parts that fail for now."""


def shown(template: str, **values: object) -> Rendering:
    if template in FAILING:
        raise RuntimeError(template)
    return Rendering("badges/word.html" if "part" in values else f"badges/{template}.html", values)


def tab(_ctx: Context, record: Mapping[str, object]) -> Rendering:
    return shown("tab", about=record[ABOUT])


def panel(_ctx: Context, _record: Mapping[str, object]) -> Rendering:
    return shown("panel")


def button(_ctx: Context, _record: Mapping[str, object]) -> Rendering:
    return shown("button")


def above(_ctx: Context, about: Mapping[str, object]) -> Rendering:
    return shown("list", about=about[ABOUT], address=about["address"])


def tile(_ctx: Context, _nothing: Mapping[str, object]) -> Rendering:
    return shown("tile")


def head(_ctx: Context, _record: Mapping[str, object]) -> Rendering:
    return shown("head", part="head")


def top(_ctx: Context, _nothing: Mapping[str, object]) -> Rendering:
    return shown("top", part="top")


def write(_ctx: Context, _record: Mapping[str, object]) -> Rendering:
    return shown("write", part="write")


def home(_ctx: Context, _nothing: Mapping[str, object]) -> Rendering:
    return shown("home", part="home")


def broken(_ctx: Context, record: Mapping[str, object]) -> Rendering:
    return Rendering("badges/panel.html", {"weight": {"feather": 1}[str(record["name"])]})


def silent(_ctx: Context, _record: Mapping[str, object]) -> None:
    return None


@hookimpl
def register_pages() -> Sequence[PageRoute]:
    return (PageRoute("wall", path="/wall", title=_("Wall of badges"), permission=SIGNED_IN, view=wall, submit=hang),)


@hookimpl
def register_panels() -> Sequence[Panel]:
    return (
        Panel("tab", slot=Slot.TAB, label=_("Badges"), permission="customers.account.read", view=tab, entity=ACCOUNT),
        Panel("panel", slot=Slot.PANEL, label=_("Badge"), permission=SIGNED_IN, view=panel, entity=ANY_ENTITY),
        Panel("button", slot=Slot.BUTTON, label=_("Give a badge"), permission=SIGNED_IN, view=button, entity=ACCOUNT),
        Panel("list", slot=Slot.LIST, label=_("Badges for all"), permission=SIGNED_IN, view=above, entity=ACCOUNT),
        Panel("tile", slot=Slot.TILE, label=_("Badges given"), permission=SIGNED_IN, view=tile),
        Panel("head", slot=Slot.HEAD, label=_("Badges"), permission=SIGNED_IN, view=head, entity=ACCOUNT),
        Panel("write", slot=Slot.TIMELINE, label=_("Write a badge"), permission=SIGNED_IN, view=write, entity=ACCOUNT),
        Panel("top", slot=Slot.TOP, label=_("Badges"), permission=SIGNED_IN, view=top),
        Panel("home", slot=Slot.HOME, label=_("Badges"), permission=SIGNED_IN, view=home),
        Panel("broken", slot=Slot.PANEL, label=_("Broken"), permission=SIGNED_IN, view=broken, entity=ACCOUNT),
        Panel("silent", slot=Slot.PANEL, label=_("Silent"), permission=SIGNED_IN, view=silent, entity=ACCOUNT),
        Panel("kept", slot=Slot.PANEL, label=_("For few"), permission="core.role.create", view=panel, entity=ACCOUNT),
    )


@hookimpl
def register_navigation() -> Sequence[MenuEntry]:
    return (
        MenuEntry("wall", label=_("Wall of badges"), section="know", path="/badges/wall", icon="star"),
        MenuEntry("give", label=_("Give somebody a badge"), path="/badges/wall?give=1", palette=True),
    )


@hookimpl
def register_extensions() -> Sequence[Extension]:
    known = f.computed(f.integer(_("People known")), f.over(Contact.account_id, sa.func.count()))
    return (Extension(ACCOUNT, {"known": known}),)
