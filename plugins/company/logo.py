"""The company's logo: any picture that comes in, kept as a PNG that every document can take."""

from __future__ import annotations

import logging
from io import BytesIO
from uuid import UUID

from plugins.company.profile import NAME, profile
from sdk import Context, Download, Invalid, NotFound, Picture, Problem, Text, TooLarge, Unavailable, Upload, _
from sdk.context import Row
from sdk.files import saved

log = logging.getLogger("dealwright.company")
ACT = "logo"
MOST_BYTES = 2 << 20
MOST_SIDE, LEAST_SIDE, MOST_RATIO = 4000, 16, 8
KEPT_SIDE = 1200
"""Pixels: 300 a centimetre are more than printers show at the height that a letterhead has."""
KINDS = ("PNG", "JPEG", "WEBP", "GIF")


def upload(ctx: Context, id: UUID, upload: Upload) -> Row:
    """Keep a picture as the logo of the profile. Raises TooLarge, Invalid, NotFound, Forbidden."""
    content = upload.stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise TooLarge(_("a logo can be at most {most} MB"), most=MOST_BYTES >> 20)
    with saved(ctx, BytesIO(_as_png(content))) as key:
        return ctx.records(NAME).update(id, {"logo": key}, act=ACT)


def remove(ctx: Context, id: UUID) -> Row:
    """Documents to come have no logo; those that were issued keep theirs."""
    return ctx.records(NAME).update(id, {"logo": None}, act=ACT)


def download(ctx: Context, id: UUID) -> Download:
    """The logo as it is kept; raises NotFound."""
    row = ctx.records(NAME).values([id]).get(id)
    key = row.get("logo") if row is not None else None
    if not isinstance(key, str):
        raise NotFound(_("the company has no logo"))
    with ctx.files.open(key) as source:
        return Download(source.read(), "image/png", "logo.png")


def logo(ctx: Context) -> Picture | None:
    """The logo as documents show it; None where there is none."""
    key = (profile(ctx) or {}).get("logo")
    if not isinstance(key, str):
        return None
    try:
        with ctx.files.open(key) as source:
            return Picture(source.read())
    except NotFound:  # a database that was restored without its files: its invoices are to go out all the same
        log.warning("the logo of tenant %s is not among the files; upload it again", ctx.tenant.name)
        return None


def _as_png(content: bytes) -> bytes:
    """The picture drawn anew: what is broken, hidden in it or too large comes to light here and not on an invoice."""
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError  # noqa: PLC0415 (an extra: the rest of the plugin works without it)
    except ModuleNotFoundError as failure:
        raise Unavailable(_("logos require an extra: pip install 'dealwright[documents]'"), code="missing_extra") from failure
    try:
        with Image.open(BytesIO(content), formats=KINDS) as picture:
            width, height = picture.size
            if not _fits(width, height):
                raise _refused("size", _(
        "each side of a logo must be between {least} and {most} pixels, and the longer side at most {ratio} times the "
        "shorter"
    ),
                               least=LEAST_SIDE, most=MOST_SIDE, ratio=MOST_RATIO)  # fmt: skip
            shallow: Image.Image = picture.point(lambda shade: shade * (1 / 256)).convert("L") if picture.mode.startswith("I") else picture
            shallow.thumbnail((KEPT_SIDE, KEPT_SIDE))  # first: a JPEG is not even decoded at its full size then
            drawn = ImageOps.exif_transpose(shallow).convert("RGBA")
    # Decoders raise any of these.
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as failure:
        raise _refused("unreadable", _("is not a readable image; send PNG, JPEG, WebP or GIF")) from failure
    drawn.info.clear()  # profiles and remarks
    made = BytesIO()
    drawn.save(made, "PNG")
    return made.getvalue()


def _fits(width: int, height: int) -> bool:
    return min(width, height) >= LEAST_SIDE and max(width, height) <= min(MOST_SIDE, MOST_RATIO * min(width, height))


def _refused(code: str, text: Text, **params: object) -> Invalid:
    return Invalid(_("the logo was not accepted"), problems=[Problem("file", code, text, params)])
