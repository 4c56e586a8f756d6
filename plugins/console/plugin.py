"""The menu of the console plugin."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import js_lib_htmx

from plugins.console import forms, frame, home, listing, me, merging, picking, record, rights
from sdk import Capabilities, Frame, Manifest, MenuEntry, PageRoute, _, hookimpl

manifest = Manifest(
    name="console",
    version="0.1",
    title=_("Console"),
    summary=_("Pages for everything that the plugins declare, in Chinese and English, at the desk and on the phone."),
    capabilities=Capabilities(data=("*:*",), api=("*",)),  # it shows and changes any record, in the name of who looks at it
)

STATIC = Path(__file__).parent / "static"
HTMX = Path(js_lib_htmx.__file__).parent / "static" / "htmx" / "htmx.min.js"


@hookimpl
def register_frame() -> Sequence[Frame]:
    styles = tuple(sorted((STATIC / "css").glob("*.css")))
    scripts = (HTMX, *sorted((STATIC / "js").glob("*.js")))
    return (
        Frame(
            "console",
            prefix="/console",
            values=frame.values,
            error="kit/error.html",
            entrance="kit/entrance.html",
            bundles={"console.css": styles, "console.js": scripts},
        ),
    )


@hookimpl
def register_pages() -> Sequence[PageRoute]:
    return (*home.PAGES, *me.PAGES, *picking.PAGES, *listing.PAGES, *forms.PAGES, *record.PAGES, *rights.PAGES, *merging.PAGES)


@hookimpl
def register_navigation() -> Sequence[MenuEntry]:
    return (MenuEntry("home", label=_("Home"), section="top", path="/", icon="home", position=0),)
