"""The first step: what the file is about, and the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import cast

from plugins.import_export import imports
from plugins.import_export.files import Reading
from plugins.import_export.files.encodings import KNOWN
from plugins.import_export.pages.words import label_of
from plugins.import_export.sheets import WORKBOOK
from plugins.import_export.staging import files
from plugins.import_export.template import FORMATS, template
from sdk import Context, Importer, Invalid, MenuEntry, NotFound, PageRequest, PageRoute, Problem, Redirect, Refusal, Rendering, Verb, _
from sdk.context import id_of
from sdk.pages import told
from sdk.permissions import IMPORT as RIGHT

AT = "/import_export/imports"
MINE = "import_export."
DELIMITERS = (("", _("Detect")), (",", _("Comma ,")), (";", _("Semicolon ;")), ("tab", _("Tab")), ("|", _("Pipe |")))
_SELL, _SET_UP = "sell", "admin"
"""The sections of the menu of which most is imported, and nothing but now and then."""
_OPEN = frozenset({"undecided", "unreadable", "ambiguous"})
"""Codes of refusals after which a person may say more of the file."""


@dataclass(frozen=True)
class Target:
    """An entity that somebody may import into."""

    name: str
    label: str
    plugin: str


def targets(ctx: Context) -> list[Target]:
    """What the actor may import, by the plugin that it belongs to."""
    found = [
        Target(name, ctx.say(ctx.entity(name).plural_label), ctx.called(name.partition(".")[0]))
        for name in ctx.entities()
        if open_to(ctx, name)
    ]
    return sorted(found, key=lambda one: (one.name.startswith("core."), one.plugin, one.label))


def open_to(ctx: Context, name: str) -> bool:
    """Whether the actor may import records of this entity."""
    entity = ctx.entity(name)
    taken = frozenset[Verb]() if entity.private else {Verb.CREATE, Verb.UPDATE} & entity.verbs
    return ctx.can(imports.PERMISSION) and ctx.can(f"{name}.{RIGHT}") and any(ctx.can(f"{name}.{verb}") for verb in taken)


def target_of(ctx: Context, name: str) -> Target:
    """The entity that is asked for, or a workbook of several; raises NotFound for one into which the actor may not import."""
    if name == WORKBOOK and targets(ctx):
        return Target(WORKBOOK, label_of(ctx, WORKBOOK), "")
    found = next((one for one in targets(ctx) if one.name == name), None)
    if found is None:
        raise NotFound(_("nothing can be imported as {name!r}"), name=name[:80])
    return found


def ask(ctx: Context, request: PageRequest) -> Rendering:
    """What is in the file; where that is known, the file itself."""
    return _form(ctx, request, request.asked("entity"))


@contextmanager
def receive(ctx: Context, request: PageRequest) -> Iterator[files.Received | Refusal]:
    """Save the file and read it to its end; or why it cannot be read."""
    file = request.files.get("file")
    target_of(ctx, request.typed("entity"))
    with ExitStack() as held:
        found: files.Received | Refusal
        try:
            if file is None:
                raise Invalid(_("some values are invalid"), problems=[Problem("file", "required", _("choose a file first"))])
            reading = Reading(request.typed("encoding"), request.typed("delimiter"))
            found = held.enter_context(files.received_and_read(ctx, file, reading))
        except Refusal as refusal:
            found = refusal
        yield found


def take(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Keep the file; what cannot be read is told, with what a person may say of it."""
    entity, found = request.typed("entity"), cast("files.Received | Refusal", request.prepared)
    try:
        if isinstance(found, Refusal):
            raise found
        row = files.stage(ctx, found)
    except Refusal as refusal:
        return _form(ctx, request, entity, refusal)
    return Redirect(ctx.page(f"/import_export/files/{id_of(row)}/columns?entity={entity}"))


def _form(ctx: Context, request: PageRequest, entity: str, refusal: Refusal | None = None) -> Rendering:
    codes = {one.code for one in refusal.problems} if refusal is not None else set[str]()
    said = {name: request.typed(name) for name in ("encoding", "delimiter")}
    entries = [entry for entry in ctx.declared(MenuEntry) if entry.section != _SET_UP and not entry.palette]
    places = {entry.entity: (entry.section != _SELL, entry.position) for entry in entries}
    offered = targets(ctx)
    values = {
        "targets": offered, "usual": sorted((one for one in offered if one.name in places), key=lambda one: places[one.name]),
        "target": target_of(ctx, entity) if entity else None, "problems": told(ctx, refusal),
        "open": bool(codes & _OPEN) or any(said.values()), "said": said, "encodings": _encodings(refusal),
        "delimiters": [(key, ctx.say(words)) for key, words in DELIMITERS], "formats": FORMATS if entity != WORKBOOK else (), "workbook": WORKBOOK,
        "kept": f"{files.KEPT.days}", "systems": [ctx.say(one.label) for one in ctx.declared(Importer)],
    }  # fmt: skip
    return Rendering("import_export/start.html", values, refusal.status if refusal is not None else 200)


def _encodings(refusal: Refusal | None) -> list[str]:
    """The candidates that the refusal names come first."""
    named = " ".join(str(value) for one in (refusal.problems if refusal is not None else ()) for value in one.params.values())
    return sorted(KNOWN, key=lambda name: name not in named)


def get_template(ctx: Context, request: PageRequest) -> object:
    """A file to fill in."""
    format = request.asked("format", "csv")
    if format not in FORMATS:
        raise NotFound(_("there is nothing at this address"))
    return template(ctx, target_of(ctx, request.asked("entity")).name, format)


PAGES = (
    PageRoute(
        "start",
        path="/imports/new",
        title=_("Import a file"),
        permission=imports.PERMISSION,
        view=ask,
        submit=take,
        uploads=True,
        prepare=receive,
    ),
    PageRoute("template", path="/template", title=_("A file to fill in"), permission=imports.PERMISSION, view=get_template),
)
