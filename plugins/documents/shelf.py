"""What the pages of templates share: addresses, languages, what was issued, and what a form of a template has."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from babel import Locale, UnknownLocaleError

from plugins.documents.copies import DOCUMENT
from plugins.documents.offers import TEMPLATE
from sdk import (
    Condition,
    Context,
    DocumentTemplate,
    Invalid,
    PageRequest,
    Problem,
    Query,
    Upload,
    _,
)
from sdk.context import Row

READ, CREATE, UPDATE, DELETE = (f"{TEMPLATE}.{verb}" for verb in ("read", "create", "update", "delete"))
FIELDS = (
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
_FEW = 10


def at(ctx: Context, id: object) -> str:
    return ctx.page(f"/documents/templates/{id}")


def shipped_at(ctx: Context, spec: DocumentTemplate, format: str, locale: str) -> str:
    return ctx.page(f"/documents/shipped?template={spec.full_key}&format={format}&locale={locale}")


_OURS = {"zh_CN": _("Simplified Chinese"), "en": _("English")}
"""Languages in fewer words than CLDR has for them: Chinese (Simplified, China)."""


def language(ctx: Context, locale: str) -> str:
    """A language in the words of who reads."""
    if locale in _OURS:
        return ctx.say(_OURS[locale])
    try:
        return str(Locale.parse(locale).get_display_name(ctx.locale))
    except (ValueError, UnknownLocaleError):
        return locale


def languages(ctx: Context, spec: DocumentTemplate) -> list[tuple[str, str]]:
    codes = dict.fromkeys([*(file.locale for file in spec.sources), "zh_CN", "en", "de", "fr", "es", "ja", "ko", "ru"])
    return sorted(((code, language(ctx, code)) for code in codes), key=lambda pair: pair[1])


def people(ctx: Context, ids: Sequence[object]) -> dict[str, str]:
    wanted = {UUID(str(id)) for id in ids if id is not None}
    return {str(id): name for id, name in ctx.records("core.user").titles(wanted).items()} if wanted and ctx.can("core.user.read") else {}


def copies_of(ctx: Context, filter: tuple[Condition, ...]) -> list[Row]:
    """Issued copies, the newest first, each with who issued it."""
    asked = Query(
        filter=filter, sort=("-issued_at",), fields=("id", "name", "number", "format", "locale", "issued_at", "issued_by"), limit=_FEW
    )
    rows = ctx.records(DOCUMENT).query(asked).data
    by = people(ctx, [row.get("issued_by") for row in rows])
    return [{**row, "by": by.get(str(row.get("issued_by")), ""), "language": language(ctx, str(row["locale"]))} for row in rows]


def name_of(request: PageRequest) -> str:
    name = " ".join(request.typed("name").split())
    if not name:
        raise Invalid(_("the template was not accepted"), problems=[Problem("name", "required", _("Enter a name."))])
    return name


def file_of(request: PageRequest) -> Upload:
    if "file" not in request.files:
        raise Invalid(_("the template was not accepted"), problems=[Problem("file", "required", _("choose a file"))])
    return request.files["file"]
