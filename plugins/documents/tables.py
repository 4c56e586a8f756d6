"""Templates of the tenant's own, and the copies that were issued."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sdk import Mapped, Record, _
from sdk import fields as f
from sdk.entities import unique_together

FORMATS = {"pdf": _("PDF"), "docx": _("Word")}


class Template(Record):
    """A template that the tenant has uploaded, for a kind of document that a plugin offers."""

    __tablename__ = "documents_templates"

    name: Mapped[str] = f.text(_("Name"), length=100, required=True, match=True, search=True, track=True)
    base: Mapped[str] = f.text(_("Document type"), length=100, readonly=True, required=True, index=True, example="plugin.document")
    locale: Mapped[str] = f.text(_("Language"), length=20, required=True, track=True, example="en")
    format: Mapped[str] = f.choice(_("Format"), FORMATS, readonly=True)
    active: Mapped[bool] = f.boolean(_("Active"), default=True, track=True)
    preferred: Mapped[bool] = f.boolean(_("Replaces the built-in template"), track=True)
    revision: Mapped[int | None] = f.integer(_("Revision"), readonly=True, least=1, track=True)
    filename: Mapped[str | None] = f.text(_("File name"), length=200, readonly=True)
    size: Mapped[int | None] = f.integer(_("Size (bytes)"), readonly=True, least=0)
    sha256: Mapped[str | None] = f.text(_("SHA-256"), length=64, readonly=True, track=True)
    content: Mapped[str | None] = f.text(_("Content"), length=32, readonly=True)
    notes: Mapped[str | None] = f.long_text(_("Notes"))


class Version(Record):
    """What a template was from one upload to the next."""

    __tablename__ = "documents_versions"
    __table_args__ = (unique_together("documents_versions", "template_id", "number"),)

    template_id: Mapped[UUID] = f.link(_("Template"), Template, required=True, parent=True)
    number: Mapped[int] = f.integer(_("Version"), required=True)
    by_id: Mapped[UUID | None] = f.link(_("By"), "core.user")
    filename: Mapped[str | None] = f.text(_("File name"), length=200)
    size: Mapped[int | None] = f.integer(_("Size (bytes)"), least=0)
    sha256: Mapped[str | None] = f.text(_("SHA-256"), length=64)
    content: Mapped[str | None] = f.text(_("Content"), length=32)


class Document(Record):
    """A copy that was issued; it stays as it is, whatever becomes of its record and of its template."""

    __tablename__ = "documents_documents"

    about: Mapped[f.Reference] = f.any_record(_("About"), required=True, parent=True, readonly=True)
    name: Mapped[str] = f.text(_("Name"), length=200, required=True, readonly=True, match=True, search=True)
    number: Mapped[str | None] = f.text(_("Number"), length=60, readonly=True, search=True, index=True)
    base: Mapped[str] = f.text(_("Document type"), length=100, required=True, readonly=True, index=True, example="plugin.document")
    template_id: Mapped[UUID | None] = f.link(_("Own template"), Template, readonly=True)
    template_sha256: Mapped[str | None] = f.text(_("Template SHA-256"), length=64, readonly=True)
    format: Mapped[str] = f.choice(_("Format"), FORMATS, required=True, readonly=True)
    locale: Mapped[str] = f.text(_("Language"), length=20, required=True, readonly=True, example="en")
    size: Mapped[int | None] = f.integer(_("Size (bytes)"), readonly=True, least=0)
    sha256: Mapped[str | None] = f.text(_("SHA-256"), length=64, readonly=True)
    content: Mapped[str | None] = f.text(_("Content"), length=32, readonly=True)
    issued_at: Mapped[datetime] = f.at(_("Issued at"), required=True, readonly=True, index=True)
    issued_by_id: Mapped[UUID | None] = f.link(_("Issued by"), "core.user", readonly=True)
    occasion: Mapped[str | None] = f.text(_("Occasion"), length=200, readonly=True, unique=True)
    note: Mapped[str | None] = f.long_text(_("Note"))
