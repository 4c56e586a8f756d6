"""A template as a page: its text, its variables, a preview, its versions and what was issued from it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from plugins.documents import previews, sources, templates
from plugins.documents.copies import DOCUMENT
from plugins.documents.offers import TEMPLATE, files_of, kind_of, locale_of, nearest, spec_of, specs
from plugins.documents.presentation import variables_of
from plugins.documents.shelf import (
    CREATE,
    DELETE,
    FIELDS,
    UPDATE,
    at,
    copies_of,
    file_of,
    language,
    languages,
    name_of,
    people,
    shipped_at,
)
from plugins.documents.tables import FORMATS
from plugins.documents.templates import VERSION
from sdk import (
    Condition,
    Context,
    DocumentTemplate,
    NotFound,
    PageRequest,
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
    row = ctx.records(TEMPLATE).get(id, fields=FIELDS)
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
            "here": at(ctx, row["id"]) if row is not None else shipped_at(ctx, sheet.spec, sheet.format, sheet.locale),
            "download": f"/api/v1/documents/templates/{row['id']}/content" if row is not None else
                        f"/api/v1/documents/shipped?template={sheet.spec.full_key}&format={sheet.format}&locale={sheet.locale}",
            "languages": languages(ctx, sheet.spec),
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
    names = people(ctx, [one.get("by") for one in found])
    return [{**one, "by": names.get(str(one.get("by")), ""), "here": one["number"] == row["revision"]} for one in found]


def _issued(ctx: Context, row: Row) -> list[Row]:
    if not ctx.can(f"{DOCUMENT}.read"):
        return []
    return copies_of(ctx, (Condition("template", "eq", (row["id"],)),))


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
            templates.revise(ctx, id, file_of(request))
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
    return Redirect(at(ctx, id))


def _typed(request: PageRequest, sheet: Sheet) -> dict[str, str]:
    """The texts that stand in the form."""
    given = dict(request.form)
    return {name: given[f"text.{name}"][: sources.MOST_TEXT] for name in sheet.texts if f"text.{name}" in given}


def _fresh(request: PageRequest, sheet: Sheet) -> None:
    """Raise for a text that somebody else has changed since it was opened; see `PageRequest.version`."""
    version = request.version()
    if sheet.row is not None and version is not None and version != sheet.row["version"]:
        raise Stale(_("someone else has changed the template meanwhile; copy your text, reload the page and paste it"))


def copy_shipped(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Preview a shipped template, or make an own one of it."""
    sheet = _ours(ctx, request.asked("template"), request.asked("format", "pdf"), request.asked("locale"))
    if request.typed("do") == "preview":
        return _sheet(ctx, request, sheet)
    try:
        ctx.require(CREATE)
        given = templates.shipped(ctx, sheet.spec.full_key, sheet.format, sheet.locale)
        row = templates.upload(ctx, sheet.spec.full_key, name_of(request), sheet.locale, Upload(given.filename, io.BytesIO(given.content)))
    except Refusal as refusal:
        return _sheet(ctx, request, sheet, refusal)
    return Redirect(at(ctx, id_of(row)))
