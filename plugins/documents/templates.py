"""Templates of the tenant's own: taken with a trial rendering, kept by revision, given back as they came."""

from __future__ import annotations

import hashlib
import io
import zipfile
from uuid import UUID

from plugins.documents.offers import MAIN, TEMPLATE, files_of, locale_of, nearest, spec_of
from plugins.documents.presentation import day_of, sample
from plugins.documents.workers import rendered
from sdk import Batch, Context, Download, Invalid, NotFound, Problem, TooLarge, Upload, _
from sdk.context import Row, id_of, shown
from sdk.files import last_name, saved

ACT, VERSION = "upload", "documents.version"
MOST_BYTES = 5 << 20
FORMAT_OF = {"docx": "docx", "typ": "pdf", "zip": "pdf"}
MEDIA = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf", "typ": "text/plain", "zip": "application/zip",
}  # fmt: skip
CHANGEABLE = frozenset({"name", "locale", "active", "preferred", "notes", "owner"})


def upload(ctx: Context, base: str, name: str, locale: str, file: Upload) -> Row:
    """A new template for a kind of document, after a trial with the examples of its variables. Raises Invalid, TooLarge, Forbidden."""
    spec_of(ctx, base)
    values = {"name": name, "base": base, "locale": _checked(locale), "revision": 1}
    return _kept(ctx, values, base, file, None)


def revise(ctx: Context, id: UUID, file: Upload) -> Row:
    """Other content for a template; documents that were issued keep theirs. Raises NotFound, Invalid, TooLarge, and Stale where somebody
    else has changed it while it was tried."""
    row = ctx.records(TEMPLATE).values([id]).get(id)
    if row is None:
        raise NotFound(_("{entity} {id} does not exist"), entity=TEMPLATE, id=str(id))
    return _kept(ctx, {"revision": int(str(row["revision"])) + 1}, str(row["base"]), file, row)


def _kept(ctx: Context, values: dict[str, object], base: str, file: Upload, before: Row | None) -> Row:
    content = file.stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise TooLarge(_("a template can be at most {most} MB"), most=MOST_BYTES >> 20)
    filename = last_name(file.filename, "document")
    format = FORMAT_OF.get(filename.rpartition(".")[2].lower())
    if format is None or (before is not None and before["format"] != format):
        text = _("expected a .docx for Word, or a .typ or .zip for PDF; a template can’t change its format")
        raise Invalid(_("the template was not accepted"), problems=[Problem("file", "unknown_format", text)])
    locale = str(values.get("locale") or (before or {})["locale"])
    rendered(filename, format, {filename: content}, sample(spec_of(ctx, base), day_of(ctx, ctx.now()), locale), ctx.now(), check=True)
    values |= {"filename": filename, "format": format, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    with saved(ctx, io.BytesIO(content)) as key:
        values["content"] = key
        if before is None:
            return ctx.records(TEMPLATE).create(values, act=ACT)
        return ctx.records(TEMPLATE).update(id_of(before), values, act=ACT, expected_version=int(str(before["version"])))


def _checked(locale: str) -> str:
    kept = locale_of(locale)
    if not kept:
        text = _("unknown locale {value!r}; expected for example en or zh_CN")
        raise Invalid(_("the template was not accepted"), problems=[Problem("locale", "unknown_locale", text, {"value": locale[:40]})])
    return kept


def prepare_templates(ctx: Context, batch: Batch) -> None:
    """A template comes with its content, and its content comes by upload alone; each is kept as a version."""
    for change in batch.standing():
        if change.act == ACT:
            parts = {name: change.after(name) for name in ("filename", "size", "sha256", "content")}
            batch.also_create(
                VERSION, change, {"template": change.id, "number": change.after("revision"), "by": ctx.actor.user_id, **parts}
            )
            continue
        if change.verb == "create":
            change.forbid("no_content", _("send the template to POST /documents/uploads"))
        elif fixed := sorted(name for name in change.values if name not in CHANGEABLE and change.changes(name)):
            change.forbid("content_kept", _("{fields} can only be changed by an upload"), fields=", ".join(fixed))
        elif change.changes("locale"):
            kept = locale_of(str(change.after("locale")))
            if kept:
                change.values["locale"] = kept
            else:
                text = _("unknown locale {value!r}; expected for example en or zh_CN")
                change.refuse("locale", "unknown_locale", text, value=str(change.after("locale"))[:40])


def content_of(ctx: Context, id: UUID) -> Download:
    """A template as it was uploaded; raises NotFound."""
    row = ctx.records(TEMPLATE).values([id]).get(id)
    if row is None:
        raise NotFound(_("{entity} {id} does not exist"), entity=TEMPLATE, id=str(id))
    filename = str(shown(row, "filename"))
    with ctx.files.open(str(shown(row, "content"))) as source:
        return Download(source.read(), MEDIA[filename.rpartition(".")[2].lower()], filename)


def version_of(ctx: Context, id: UUID) -> tuple[Row, Download]:
    """An earlier content of a template, and its version; raises NotFound."""
    row = ctx.records(VERSION).values([id]).get(id)
    if row is None:
        raise NotFound(_("{entity} {id} does not exist"), entity=VERSION, id=str(id))
    filename = str(shown(row, "filename"))
    with ctx.files.open(str(shown(row, "content"))) as source:
        return row, Download(source.read(), MEDIA[filename.rpartition(".")[2].lower()], filename)


def shipped(ctx: Context, base: str, format: str, locale: str) -> Download:
    """A template as its plugin ships it, to start an own one from; several typst sources come as an archive. Raises Invalid."""
    spec = spec_of(ctx, base)
    there = [file for file in spec.sources if file.format == format]
    if not there:
        text = _("{template} is not available as {value}")
        raise Invalid(
            _("the template was not accepted"), problems=[Problem("format", "no_such_format", text, {"template": base, "value": format})]
        )
    chosen = nearest(locale_of(locale) or ctx.locale, [file.locale for file in there])
    files = files_of(next(file for file in there if file.locale == chosen))
    name = f"{spec.key}_{chosen}"
    if len(files) == 1:
        suffix = "docx" if format == "docx" else "typ"
        return Download(next(iter(files.values())), MEDIA[suffix], f"{name}.{suffix}")
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in sorted(files, key=lambda part: part != MAIN):
            archive.writestr(part, files[part])
    return Download(made.getvalue(), MEDIA["zip"], f"{name}.zip")
