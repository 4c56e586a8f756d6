"""Which documents can be made of a record, and which template serves a wish."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from babel import Locale, UnknownLocaleError
from babel.core import parse_locale

from plugins.documents.presentation import variables_of
from sdk import Condition, Context, DocumentTemplate, Invalid, NotFound, Picture, Problem, TemplateFile, Variable, _, where
from sdk.context import Row, id_of
from sdk.fields import Money, Reference

TEMPLATE = "documents.template"
MAIN = "main.typ"
FALLBACK = "en"
MOST = 200
"""Templates of a tenant's own for one kind of document."""


@dataclass(frozen=True)
class Wish:
    """What is to be made: about which record, by the key of a kind of document or the id of an own template, in which format and language."""

    about: Reference
    template: str
    format: str = ""
    locale: str = ""


@dataclass(frozen=True)
class Chosen:
    """The template that serves a wish; `locale` is that of its text, or the one that the wish names for its dates and numbers."""

    spec: DocumentTemplate
    name: str
    format: str
    locale: str
    files: Mapping[str, bytes]
    own: UUID | None

    @property
    def sha256(self) -> str:
        """Of the template's files."""
        digest = hashlib.sha256()
        for name, part in sorted(self.files.items()):
            digest.update(f"{name}\0{len(part)}\0".encode() + part)
        return digest.hexdigest()


def locale_of(word: str) -> str:
    """A locale as it is kept ("de-DE" is de_DE); "" for what is none."""
    try:
        language, territory, script, _variant, *_more = parse_locale(word.replace("-", "_"))
        Locale.parse("_".join(part for part in (language, script, territory) if part))
    except (ValueError, LookupError, UnknownLocaleError):
        return ""
    return "_".join(part for part in (language, script, territory) if part)


def nearest(wanted: str, there: Iterable[str]) -> str:
    """The locale that fits best: itself, one of the same language, English, the first."""
    offered = list(there)
    language = wanted.partition("_")[0]
    same = (one for one in offered if one.partition("_")[0] == language)
    return wanted if wanted in offered else next(same, FALLBACK if FALLBACK in offered else offered[0])


def specs(ctx: Context, entity: str = "") -> list[DocumentTemplate]:
    """The kinds of document in force, of one entity or of all that the actor may read."""
    readable = set(ctx.entities())
    return [spec for spec in ctx.declared(DocumentTemplate) if spec.entity in readable and entity in ("", spec.entity)]


def spec_of(ctx: Context, key: str) -> DocumentTemplate:
    """A kind of document by `plugin.key`; raises Invalid."""
    found = next((spec for spec in ctx.declared(DocumentTemplate) if spec.full_key == key), None)
    if found is None:
        raise _invalid(
            "template",
            "unknown_template",
            _("document {value!r} does not exist; GET /documents/offers lists what is available"),
            value=key[:80],
        )
    return found


def _invalid(field: str, code: str, text: object, **params: object) -> Invalid:
    return Invalid(_("the document can’t be created"), problems=[Problem(field, code, text, params)])  # type: ignore[arg-type]


def choose(ctx: Context, wish: Wish) -> Chosen:
    """The template for a wish: an own one by its id; else the preferred own one, or the shipped one, that is nearest in language.

    The language is the one asked for, else that of whom the document is for, else the tenant's. Raises NotFound, Invalid.
    """
    if wish.about.id not in ctx.records(wish.about.entity).values([wish.about.id]):
        raise NotFound(_("{entity} {id} does not exist"), entity=wish.about.entity, id=str(wish.about.id))
    asked = locale_of(wish.locale) if wish.locale else ""
    if wish.locale and not asked:
        raise _invalid("locale", "unknown_locale", _("unknown locale {value!r}; expected for example en or zh_CN"), value=wish.locale[:40])
    spec, own = named(ctx, wish)
    if own is not None:
        return _chosen_own(ctx, spec, own, asked)
    wanted = asked or (spec.language(ctx, wish.about.id) if spec.language is not None else "") or ctx.tenant.locale
    format = wish.format or spec.sources[0].format
    mine = [row for row in own_templates(ctx, spec.full_key) if row["active"] and row["preferred"] and row["format"] == format]
    shipped = [file for file in spec.sources if file.format == format]
    if not mine and not shipped:
        raise _invalid("format", "no_such_format", _("{template} is not available as {value}"), template=spec.full_key, value=format)
    locale = nearest(wanted, [*(str(row["locale"]) for row in mine), *(file.locale for file in shipped)])
    for row in mine:
        if row["locale"] == locale:
            return _chosen_own(ctx, spec, row, asked)
    file = next(file for file in shipped if file.locale == locale)
    return Chosen(spec, f"{spec.full_key} ({locale}, {format})", format, asked or locale, files_of(file), None)


def named(ctx: Context, wish: Wish) -> tuple[DocumentTemplate, Row | None]:
    """The kind of document that a wish names for records of its entity, and the own template where it names one. Raises Invalid."""
    own = _own_by_id(ctx, wish)
    spec = spec_of(ctx, wish.template if own is None else str(own["base"]))
    if spec.entity != wish.about.entity:
        text = _("{template} is for {expected}, not {got}")
        raise _invalid("template", "other_entity", text, template=spec.full_key, expected=spec.entity, got=wish.about.entity)
    return spec, own


def _own_by_id(ctx: Context, wish: Wish) -> Row | None:
    try:
        id = UUID(wish.template)
    except ValueError:
        return None
    row = ctx.records(TEMPLATE).values([id]).get(id)
    if row is None or not row["active"]:
        raise _invalid("template", "unknown_template", _("there is no active template {value}"), value=str(id))
    if wish.format not in ("", row["format"]):
        text = _("the template {name!r} creates {format}, not {value}")
        raise _invalid("format", "no_such_format", text, name=str(row["name"]), format=str(row["format"]), value=wish.format)
    return row


def own_templates(ctx: Context, base: str) -> Sequence[Row]:
    """The tenant's own templates for a kind of document; everybody uses them, whoever may read them."""
    return ctx.as_system().records(TEMPLATE).find(where(base=base), MOST)


def _chosen_own(ctx: Context, spec: DocumentTemplate, row: Row, asked: str) -> Chosen:
    with ctx.files.open(str(row["content"])) as source:
        files = {str(row["filename"]): source.read()}
    locale = str(row["locale"])
    return Chosen(spec, str(row["name"]), str(row["format"]), asked or locale, files, id_of(row))


def files_of(file: TemplateFile) -> dict[str, bytes]:
    """A shipped template's files by the names under which it reads them."""
    main = MAIN if file.format == "pdf" else file.file.name
    return {main: file.file.read_bytes(), **{one.name: one.read_bytes() for one in file.beside}}


# --- what is shown -----------------------------------------------------------------------------------------------------


def listed(ctx: Context, entity: str) -> list[dict[str, object]]:
    """What is offered for an entity, each with formats, languages, own templates and variables."""
    found = specs(ctx, entity)
    own: dict[str, list[Row]] = {}
    if found and ctx.can(f"{TEMPLATE}.read"):
        for row in ctx.records(TEMPLATE).find((Condition("base", "in", tuple(spec.full_key for spec in found)),), 10 * MOST):
            own.setdefault(str(row["base"]), []).append(row)
    return [_listed(ctx, spec, own.get(spec.full_key, [])) for spec in found]


def _listed(ctx: Context, spec: DocumentTemplate, own: Sequence[Row]) -> dict[str, object]:
    shown = ("id", "name", "format", "locale", "active", "preferred")
    return {
        "template": spec.full_key, "label": ctx.say(spec.label), "entity": spec.entity,
        "sources": [{"format": file.format, "locale": file.locale} for file in spec.sources],
        "own": [{name: row[name] for name in shown} for row in own],
        "variables": [
            {"name": one.name, "label": ctx.say(one.label), "kind": kind_of(one), "example": _plain(one.example)} for one in variables_of(spec)
        ],
    }  # fmt: skip


def kind_of(variable: Variable) -> str:
    """What a variable holds, in one word."""
    kinds = {bool: "truth", Money: "money", str: "text", Picture: "picture"}
    example = variable.example
    return kinds.get(type(example)) or ("date" if hasattr(example, "isoformat") else "number")


def _plain(example: object) -> object:
    if isinstance(example, Money):
        return f"{example.amount} {example.currency}"
    if isinstance(example, Picture):
        return ""
    return example if isinstance(example, bool) else str(example)


def reference(word: str) -> Reference:
    """`plugin.entity:id`, in the form that the schemas of routes have checked."""
    entity, _colon, id = word.partition(":")
    return Reference(entity, UUID(id))
