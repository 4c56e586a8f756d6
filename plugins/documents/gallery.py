"""Templates of documents as pages: all of them by kind, and each with its text, its variables, a preview and what was issued from it."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from babel import Locale, UnknownLocaleError

from plugins.documents import previews, sources, templates
from plugins.documents.copies import DOCUMENT
from plugins.documents.offers import TEMPLATE, files_of, kind_of, locale_of, nearest, spec_of, specs
from plugins.documents.presentation import variables_of
from plugins.documents.tables import FORMATS
from plugins.documents.templates import VERSION
from sdk import (
    Condition,
    Context,
    DocumentTemplate,
    Invalid,
    NotFound,
    PageRequest,
    PageRoute,
    Problem,
    Query,
    Redirect,
    Refusal,
    Rendering,
    Stale,
    Upload,
    _,
)
from sdk.clauses import record_input
from sdk.context import Row, id_of
from sdk.fields import Money
from sdk.forms import Input
from sdk.pages import told
from sdk.routes import record_id

READ, CREATE, UPDATE, DELETE = (f"{TEMPLATE}.{verb}" for verb in ("read", "create", "update", "delete"))
_MOST, _FEW = 500, 10
_FIELDS = (
    "id",
    "version",
    "name",
    "base",
    "locale",
    "format",
    "active",
    "preferred",
    "revision",
    "filename",
    "size",
    "notes",
    "updated_at",
)


@dataclass(frozen=True)
class Line:
    """A template in the list: of the tenant's own, or as it ships."""

    name: str
    href: str
    own: bool
    format: str
    language: str
    standard: bool
    active: bool
    revision: int
    issued: int


def language(ctx: Context, locale: str) -> str:
    """A language in the words of who reads."""
    try:
        return str(Locale.parse(locale).get_display_name(ctx.locale))
    except (ValueError, UnknownLocaleError):
        return locale


def show_all(ctx: Context, _request: PageRequest) -> Rendering:
    """All templates, by the kind of document that they make."""
    found = specs(ctx)
    own = ctx.records(TEMPLATE).query(Query(sort=("name",), fields=_FIELDS, limit=_MOST)).data if found else []
    counted = ctx.records(DOCUMENT).aggregate(["count"], ["template", "base", "format", "locale"]) if ctx.can(f"{DOCUMENT}.read") else []
    groups = [
        {
            "key": spec.full_key,
            "label": ctx.say(spec.label),
            "lines": _lines(ctx, spec, [row for row in own if row["base"] == spec.full_key], counted),
        }
        for spec in found
    ]
    return Rendering("documents/templates.html", {"groups": groups, "may_create": ctx.can(CREATE)})


def _lines(ctx: Context, spec: DocumentTemplate, own: Sequence[Row], counted: Sequence[Row]) -> list[Line]:
    taken = {(row["format"], row["locale"]) for row in own if row["active"] and row["preferred"]}
    mine = [
        Line(str(row["name"]), _at(ctx, row["id"]), True, ctx.say(FORMATS[str(row["format"])]), language(ctx, str(row["locale"])),
             bool(row["active"] and row["preferred"]), bool(row["active"]), cast("int", row["revision"] or 1),
             sum(cast("int", one["count"]) for one in counted if str(one["template.id"]) == str(row["id"])))
        for row in own
    ]  # fmt: skip
    ours = [
        Line(ctx.say(_("Built-in")), _shipped_at(ctx, spec, file.format, file.locale), False, ctx.say(FORMATS[file.format]),
             language(ctx, file.locale), (file.format, file.locale) not in taken, True, 0,
             sum(cast("int", one["count"]) for one in counted if one["template.id"] is None and
                 (one["base"], one["format"], one["locale"]) == (spec.full_key, file.format, file.locale)))
        for file in spec.sources
    ]  # fmt: skip
    return sorted([*mine, *ours], key=lambda one: (one.language, one.format, not one.standard, one.name))


def _at(ctx: Context, id: object) -> str:
    return ctx.page(f"/documents/templates/{id}")


def _shipped_at(ctx: Context, spec: DocumentTemplate, format: str, locale: str) -> str:
    return ctx.page(f"/documents/shipped?template={spec.full_key}&format={format}&locale={locale}")


# --- one ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sheet:
    """A template on its page: own with its record, shipped without."""

    spec: DocumentTemplate
    name: str
    format: str
    locale: str
    files: Mapping[str, bytes]
    texts: Mapping[str, str]
    row: Row | None = None


def _own(ctx: Context, id: UUID) -> Sheet:
    row = ctx.records(TEMPLATE).get(id, fields=_FIELDS)
    given = templates.content_of(ctx, id)
    texts = sources.texts(given.content) if row["format"] == "pdf" else {}
    files = {str(row["filename"]): given.content}
    return Sheet(spec_of(ctx, str(row["base"])), str(row["name"]), str(row["format"]), str(row["locale"]), files, texts, row)


def _ours(ctx: Context, key: str, format: str, locale: str) -> Sheet:
    spec = next((one for one in specs(ctx) if one.full_key == key), None)
    there = [file for file in spec.sources if file.format == format] if spec is not None else []
    if spec is None or not there:
        raise NotFound(_("there is nothing at this address"))
    file = next(one for one in there if one.locale == nearest(locale_of(locale) or ctx.locale, [one.locale for one in there]))
    files = files_of(file)
    texts = {name: part.decode(errors="replace") for name, part in files.items() if name.endswith(sources.SUFFIX)}
    return Sheet(spec, ctx.say(spec.label), format, file.locale, files, texts)


def show(ctx: Context, request: PageRequest) -> Rendering:
    """An own template."""
    return _sheet(ctx, request, _own(ctx, request.id()))


def show_shipped(ctx: Context, request: PageRequest) -> Rendering:
    """A template as it ships."""
    return _sheet(ctx, request, _ours(ctx, request.asked("template"), request.asked("format", "pdf"), request.asked("locale")))


def _sheet(
    ctx: Context, request: PageRequest, sheet: Sheet, refusal: Refusal | None = None, typed: Mapping[str, str] | None = None
) -> Rendering:
    """The page; with a preview of the record that is chosen in it, or of the variables' examples, of the texts that stand in it."""
    texts, word = {**sheet.texts, **(typed or {})}, request.typed("record") or request.asked("record")
    wanted = bool(request.typed("do") == "preview" or request.asked("preview"))
    seen, wrong = None, refusal
    if wanted and refusal is None:
        try:
            seen = _preview(ctx, sheet, texts, word)
        except Refusal as unfit:
            wrong = unfit
    places = {str(one.params.get("file") or ""): one.params for one in (wrong.problems if wrong is not None else ())}
    picked = Input("record", ctx.say(_("Which record?")), "text", word, required=False, hint=ctx.say(_("Leave empty to use sample data.")))
    row = sheet.row
    return Rendering(
        "documents/template.html",
        {
            "sheet": sheet, "language": language(ctx, sheet.locale), "format": ctx.say(FORMATS[sheet.format]), "kind": ctx.say(sheet.spec.label),
            "texts": texts, "problems": told(ctx, wrong), "places": places, "lines": _quoted(texts, places), "preview": seen,
            "variables": _variables(ctx, sheet), "record": record_input(ctx, sheet.spec.entity, picked), "row": row,
            "versions": _versions(ctx, row) if row is not None else [], "issued": _issued(ctx, row) if row is not None else [],
            "may_create": ctx.can(CREATE), "may_change": row is not None and ctx.can(UPDATE), "may_delete": ctx.can(DELETE),
            "here": _at(ctx, row["id"]) if row is not None else _shipped_at(ctx, sheet.spec, sheet.format, sheet.locale),
            "download": f"/api/v1/documents/templates/{row['id']}/content" if row is not None else
                        f"/api/v1/documents/shipped?template={sheet.spec.full_key}&format={sheet.format}&locale={sheet.locale}",
            "languages": _languages(ctx, sheet.spec),
        },
        wrong.status if refusal is not None and wrong is not None else 200,
    )  # fmt: skip


def _quoted(texts: Mapping[str, str], places: Mapping[str, Mapping[str, object]]) -> dict[str, str]:
    """The line of a source in which something is wrong, by the source's name."""
    found: dict[str, str] = {}
    for name, params in places.items():
        lines, line = texts.get(name, "").splitlines(), params.get("line")
        if isinstance(line, int) and 0 < line <= len(lines):
            found[name] = lines[line - 1].strip()
    return found


def _preview(ctx: Context, sheet: Sheet, texts: Mapping[str, str], word: str) -> previews.Preview:
    record = record_id(word) if word else None
    files = {**sheet.files}
    if sheet.row is not None and texts:
        (name, content), *_rest = sheet.files.items()
        files = {name: sources.changed(content, texts)}
    elif texts:
        files |= {name: text.replace("\r\n", "\n").encode() for name, text in texts.items()}
    return previews.of_files(ctx, sheet.spec, sheet.name, sheet.format, files, sheet.locale, record)


def _variables(ctx: Context, sheet: Sheet) -> list[dict[str, str]]:
    """What the template may name, with what to write for it, and an example."""
    found = []
    for one in variables_of(sheet.spec):
        kind, name = kind_of(one), one.name.replace("[]", "")
        if "[]" in one.name:
            inner = one.name.partition("[].")[2]
            written = f"{{{{ one.{inner} }}}}" if sheet.format == "docx" else f"#one.{inner}"
        else:
            written = f"{{{{ {name} }}}}" if sheet.format == "docx" else f"#d.{name}"
        if sheet.format == "pdf" and kind in ("money", "date"):
            written += ".text"
        example = one.example
        shown = f"{example.amount} {example.currency}" if isinstance(example, Money) else "" if kind == "picture" else str(example)
        found.append({"name": one.name, "label": ctx.say(one.label), "written": written, "example": shown, "loop": "[]" in one.name})
    return cast("list[dict[str, str]]", found)


def _versions(ctx: Context, row: Row) -> list[dict[str, object]]:
    """What it was, the newest first, with who made it so."""
    if not ctx.can(f"{VERSION}.read"):
        return []
    asked = Query(
        filter=(Condition("template", "eq", (row["id"],)),),
        sort=("-number",),
        fields=("id", "number", "by", "filename", "created_at"),
        limit=50,
    )
    found = ctx.records(VERSION).query(asked).data
    names = _people(ctx, [one.get("by") for one in found])
    return [{**one, "by": names.get(str(one.get("by")), ""), "here": one["number"] == row["revision"]} for one in found]


def _people(ctx: Context, ids: Sequence[object]) -> dict[str, str]:
    wanted = {UUID(str(id)) for id in ids if id is not None}
    return {str(id): name for id, name in ctx.records("core.user").titles(wanted).items()} if wanted and ctx.can("core.user.read") else {}


def _issued(ctx: Context, row: Row) -> list[Row]:
    if not ctx.can(f"{DOCUMENT}.read"):
        return []
    return copies_of(ctx, (Condition("template", "eq", (row["id"],)),))


def copies_of(ctx: Context, filter: tuple[Condition, ...]) -> list[Row]:
    """Issued copies, the newest first, each with who issued it."""
    asked = Query(
        filter=filter, sort=("-issued_at",), fields=("id", "name", "number", "format", "locale", "issued_at", "issued_by"), limit=_FEW
    )
    rows = ctx.records(DOCUMENT).query(asked).data
    by = _people(ctx, [row.get("issued_by") for row in rows])
    return [{**row, "by": by.get(str(row.get("issued_by")), ""), "language": language(ctx, str(row["locale"]))} for row in rows]


def _languages(ctx: Context, spec: DocumentTemplate) -> list[tuple[str, str]]:
    codes = dict.fromkeys([*(file.locale for file in spec.sources), "zh_CN", "en", "de", "fr", "es", "ja", "ko", "ru"])
    return sorted(((code, language(ctx, code)) for code in codes), key=lambda pair: pair[1])


# --- what is done with one ------------------------------------------------------------------------------------------------


def change(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Preview or keep the texts of an own template, take another file, make it the standard, switch it off."""
    sheet = _own(ctx, request.id())
    do = request.typed("do")
    typed = _typed(request, sheet) if ctx.can(UPDATE) else {}  # who may not upload a template has none of his own set here either
    if do == "preview":
        return _sheet(ctx, request, sheet, typed=typed)
    records, id = ctx.records(TEMPLATE), request.id()
    try:
        ctx.require(UPDATE)
        if do == "text":
            _fresh(request, sheet)
            (name, content), *_rest = sheet.files.items()
            templates.revise(ctx, id, Upload(name, io.BytesIO(sources.changed(content, typed))))
        elif do == "file":
            templates.revise(ctx, id, _file(request))
        elif do == "version":
            before, given = templates.version_of(ctx, record_id(request.typed("number")))
            if before["template"] != id:
                raise NotFound(_("there is nothing at this address"))
            templates.revise(ctx, id, Upload(given.filename, io.BytesIO(given.content)))
        elif do in ("standard", "usual"):
            records.update(id, {"preferred": do == "standard"}, expected_version=request.version())
        elif do in ("on", "off"):
            records.update(id, {"active": do == "on"}, expected_version=request.version())
        elif do == "facts":
            values = {"name": request.typed("name"), "locale": request.typed("locale"), "notes": request.typed("notes") or None}
            records.update(id, values, expected_version=request.version())
    except Refusal as refusal:
        return _sheet(ctx, request, sheet, refusal, typed)
    return Redirect(_at(ctx, id))


def _typed(request: PageRequest, sheet: Sheet) -> dict[str, str]:
    """The texts that stand in the form."""
    given = dict(request.form)
    return {name: given[f"text.{name}"][: sources.MOST_TEXT] for name in sheet.texts if f"text.{name}" in given}


def _fresh(request: PageRequest, sheet: Sheet) -> None:
    """Raise for a text that somebody else has changed since it was opened; see `PageRequest.version`."""
    version = request.version()
    if sheet.row is not None and version is not None and version != sheet.row["version"]:
        raise Stale(_("someone else has changed the template meanwhile; copy your text, reload the page and paste it"))


def _file(request: PageRequest) -> Upload:
    if "file" not in request.files:
        raise Invalid(_("the template was not accepted"), problems=[Problem("file", "required", _("choose a file"))])
    return request.files["file"]


def copy_shipped(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Preview a shipped template, or make an own one of it."""
    sheet = _ours(ctx, request.asked("template"), request.asked("format", "pdf"), request.asked("locale"))
    if request.typed("do") == "preview":
        return _sheet(ctx, request, sheet)
    try:
        ctx.require(CREATE)
        given = templates.shipped(ctx, sheet.spec.full_key, sheet.format, sheet.locale)
        row = templates.upload(ctx, sheet.spec.full_key, _name(request), sheet.locale, Upload(given.filename, io.BytesIO(given.content)))
    except Refusal as refusal:
        return _sheet(ctx, request, sheet, refusal)
    return Redirect(_at(ctx, id_of(row)))


def _name(request: PageRequest) -> str:
    name = " ".join(request.typed("name").split())
    if not name:
        raise Invalid(_("the template was not accepted"), problems=[Problem("name", "required", _("Enter a name."))])
    return name


# --- a new one ------------------------------------------------------------------------------------------------------------


def ask_new(ctx: Context, request: PageRequest) -> Rendering:
    """The form of an upload."""
    return _new(ctx, request, {"template": request.asked("template")})


def _new(ctx: Context, _request: PageRequest, typed: Mapping[str, Any], refusal: Refusal | None = None) -> Rendering:
    found = specs(ctx)
    wrong = {one.field: ctx.say(one.message, one.params) for one in refusal.problems} if refusal is not None else {}
    ways = [
        {"label": ctx.say(spec.label), "format": ctx.say(FORMATS[file.format]), "language": language(ctx, file.locale),
         "href": _shipped_at(ctx, spec, file.format, file.locale)}
        for spec in found for file in spec.sources
    ]  # fmt: skip
    languages = _languages(ctx, found[0]) if found else []
    values = {"kinds": [(spec.full_key, ctx.say(spec.label)) for spec in found], "languages": languages, "typed": {"name": "", "locale": "", **typed},
              "problems": told(ctx, refusal), "wrong": wrong, "ways": ways, "most": templates.MOST_BYTES >> 20}  # fmt: skip
    return Rendering("documents/new.html", values, 200 if refusal is None else refusal.status)


def take_new(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Take an upload."""
    try:
        row = templates.upload(ctx, request.typed("template"), _name(request), request.typed("locale"), _file(request))
    except Refusal as refusal:
        return _new(ctx, request, dict(request.form), refusal)
    return Redirect(_at(ctx, id_of(row)))


PAGES = (
    PageRoute("templates", path="/templates", title=_("Document templates"), permission=READ, view=show_all),
    PageRoute("template", path="/templates/{id}", title=_("Template"), permission=READ, view=show, submit=change, uploads=True),
    PageRoute("new", path="/templates/new", title=_("New template"), permission=CREATE, view=ask_new, submit=take_new, uploads=True),
    PageRoute("shipped", path="/shipped", title=_("Template"), permission=READ, view=show_shipped, submit=copy_shipped),
)
