"""The company's logo: drawn anew when it comes in, on every document to come, kept on those that were issued."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path
from uuid import UUID
from zlib import crc32

import docx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader

from core.testkit.fixtures import Api, MakeTenant, People
from sdk.context import id_of
from tests.plugins.test_documents import API, Office, issued, office
from tests.plugins.test_own_templates import upload, word

__all__ = ["office"]
PROFILES = "/api/v1/company/profiles"


def picture(kind: str = "PNG", size: tuple[int, int] = (120, 40), mode: str = "RGB") -> bytes:
    """A picture of one colour."""
    made = BytesIO()
    Image.new(mode, size, 1 if mode in ("1", "P") else None).save(made, kind)
    return made.getvalue()


def sent(client: Api, profile: UUID, content: bytes, name: str = "logo.png") -> int:
    return client.call("POST", f"{PROFILES}/{profile}/logo", data={"file": (BytesIO(content), name)}).status_code


@pytest.fixture
def profile(office: Office) -> UUID:
    """The profile of the company of `office`."""
    (row,) = office.work.records("company.profile").find(())
    return id_of(row)


@pytest.mark.feature("A1")
@pytest.mark.feature("I11")
def test_the_logo_is_on_new_documents_of_both_formats_and_an_issued_copy_keeps_what_it_had(
    client: Api, office: Office, profile: UUID
) -> None:
    contract = office.written("invoice", office.at_home)
    assert client.post(f"/api/v1/orders/invoices/{contract}/issues").status_code == 201
    without = issued(client, "invoice", contract)
    assert sent(client, profile, picture()) == 200
    copies = {shape: issued(client, "invoice", contract, format=shape) for shape in ("pdf", "docx")}
    assert client.delete(f"{PROFILES}/{profile}/logo").status_code == 204
    again = issued(client, "invoice", contract)

    def pictures_of(copy: dict[str, str]) -> int:
        content = bytes(client.get(f"{API}/documents/{copy['id']}/content").data)
        if copy["format"] == "pdf":
            return sum(len(page.images) for page in PdfReader(BytesIO(content)).pages)
        return sum(name.startswith("word/media/") for name in zipfile.ZipFile(BytesIO(content)).namelist())

    assert [pictures_of(copy) for copy in (without, copies["pdf"], copies["docx"], again)] == [0, 1, 1, 0]


@pytest.mark.parametrize(
    ("kind", "size", "mode"),
    [("PNG", (120, 40), "RGBA"), ("PNG", (16, 16), "1"), ("PNG", (64, 64), "P"), ("PNG", (64, 64), "I;16"), ("JPEG", (4000, 500), "CMYK"),
     ("JPEG", (300, 300), "L"), ("WEBP", (300, 300), "RGB"), ("GIF", (300, 300), "P")],
)  # fmt: skip
def test_a_picture_of_any_common_kind_is_kept_as_a_png_of_1200_pixels_at_the_most(
    client: Api, profile: UUID, kind: str, size: tuple[int, int], mode: str
) -> None:
    assert sent(client, profile, picture(kind, size, mode)) == 200
    answer = client.get(f"{PROFILES}/{profile}/logo")
    assert (answer.status_code, answer.mimetype) == (200, "image/png")
    kept = Image.open(BytesIO(answer.data))
    kept.load()
    assert (kept.format, max(kept.size)) == ("PNG", min(max(size), 1200))


def huge() -> bytes:
    """A header that claims a picture of 60,000 by 60,000 pixels."""
    content = bytearray(picture())
    content[16:24] = (60_000).to_bytes(4) * 2
    content[29:33] = crc32(content[12:29]).to_bytes(4)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "unreadable"), (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unreadable"), (b"%PDF-1.7", "unreadable"),
        (picture()[:-30], "unreadable"), (picture("BMP"), "unreadable"), (picture("TIFF"), "unreadable"), (huge(), "unreadable"),
        (picture(size=(15, 40)), "size"), (picture(size=(4001, 1000)), "size"), (picture(size=(900, 100)), "size"),
    ],
)  # fmt: skip
def test_what_is_no_picture_or_of_no_size_for_a_logo_is_refused_and_the_old_one_stays(
    client: Api, profile: UUID, content: bytes, code: str
) -> None:
    assert sent(client, profile, picture()) == 200
    before = client.get(f"{PROFILES}/{profile}/logo").data
    refused = client.call("POST", f"{PROFILES}/{profile}/logo", data={"file": (BytesIO(content), "logo.png")})
    assert (refused.status_code, [error["code"] for error in refused.json["errors"]]) == (422, [code])
    assert client.get(f"{PROFILES}/{profile}/logo").data == before


@pytest.mark.parametrize(
    "hostile",
    ["seller.logo.tpl", "seller.logo['tpl']", "seller.logo.tpl.save('{file}')", "seller.logo.__html__()", "seller.logo.__init__",
     "[seller.logo]|sum(attribute='tpl')", "([seller.logo]|groupby('tpl'))[0].grouper.save('{file}')", "[seller.logo]|join(attribute='tpl')"],
)  # fmt: skip
def test_a_template_gets_nothing_of_a_picture_but_the_picture(client: Api, office: Office, tmp_path: Path, hostile: str) -> None:
    file = tmp_path / "written"
    refused = upload(client, word("{{ " + hostile.format(file=file) + " }}"))
    assert refused.status_code == 422, refused.text
    assert not file.exists()


def test_where_there_is_no_logo_a_template_shows_nothing(client: Api, office: Office) -> None:
    taken = upload(client, word("Logo:{{ seller.logo }}!{% if seller.logo %}yes{% endif %}"))
    assert taken.status_code == 201, taken.text
    copy = issued(client, "invoice", office.written("invoice", office.at_home), template=str(taken.json["id"]))
    content = bytes(client.get(f"{API}/documents/{copy['id']}/content").data)
    assert "Logo:!" in [paragraph.text for paragraph in docx.Document(BytesIO(content)).paragraphs]


def test_a_logo_is_drawn_as_it_is_seen_and_without_what_else_was_in_the_file(client: Api, profile: UUID) -> None:
    made, turned = BytesIO(), Image.Exif()
    turned[0x0112] = 6  # the camera was held upright
    Image.new("RGB", (120, 40)).save(made, "JPEG", exif=turned, icc_profile=b"x" * 500)
    assert sent(client, profile, made.getvalue()) == 200
    kept = Image.open(BytesIO(client.get(f"{PROFILES}/{profile}/logo").data))
    assert (kept.size, kept.info) == ((40, 120), {})
    made = BytesIO()
    Image.new("I;16", (64, 64), 40_000).save(made, "PNG")
    assert sent(client, profile, made.getvalue()) == 200
    shade = Image.open(BytesIO(client.get(f"{PROFILES}/{profile}/logo").data)).getpixel((5, 5))
    assert shade == (156, 156, 156, 255)


@given(cut=st.integers(0, 400), flip=st.integers(0, 255), kind=st.sampled_from(["PNG", "JPEG", "GIF", "WEBP"]))
def test_whatever_a_picture_is_cut_or_bent_to_is_taken_whole_or_refused(client: Api, profile: UUID, cut: int, flip: int, kind: str) -> None:
    content = bytearray(picture(kind))
    at = cut % len(content)
    content[at] ^= flip
    assert sent(client, profile, bytes(content)) in (200, 422)
    assert sent(client, profile, bytes(content[:at])) in (200, 422)


def test_a_logo_of_more_than_two_megabytes_is_too_large(client: Api, profile: UUID) -> None:
    assert sent(client, profile, picture() + b"\0" * (2 << 20)) == 413


def test_who_may_not_change_the_profile_may_see_its_logo_and_no_more(
    client: Api, profile: UUID, people: People, make_tenant: MakeTenant
) -> None:
    rep = client.as_user(people.rep)
    assert rep.get(f"{PROFILES}/{profile}/logo").status_code == 404
    assert sent(rep, profile, picture()) == 403
    assert rep.delete(f"{PROFILES}/{profile}/logo").status_code == 403
    assert sent(client, profile, picture()) == 200
    assert rep.get(f"{PROFILES}/{profile}/logo").status_code == 200
    assert client.patch(f"{PROFILES}/{profile}", {"logo": "0" * 32}).status_code == 422
