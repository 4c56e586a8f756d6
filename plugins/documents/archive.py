"""Word files and folders of typst sources as archives: looked into before anything of them is used.

Runs in the renderer's process alone, so that what a hostile archive does to it harms nobody else.
"""

from __future__ import annotations

import re
import zipfile
from io import BytesIO

from lxml import etree

MOST_PARTS, MOST_UNPACKED, MOST_RATIO = 300, 20 << 20, 200
_RELATIONS = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_CONTENT_TYPES = "[Content_Types].xml"
_DOCUMENT = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_HARMLESS_LINK = re.compile(r"(https?://|mailto:)", re.IGNORECASE)
_ACTIVE = re.compile(r"(^|/)(vbaProject|vbaData|activeX|embeddings)", re.IGNORECASE)
_MEDIA = re.compile(r"word/media/[^/]+\Z")
_FETCHING = {
    "DDE",
    "DDEAUTO",
    "INCLUDE",
    "INCLUDETEXT",
    "INCLUDEPICTURE",
    "LINK",
    "IMPORT",
    "DATABASE",
    "RD",
    "EMBED",
    "CONTROL",
    "MACROBUTTON",
}
_WORD = re.compile(r"\w+")
_MARK = b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"
"""What may stand before the first bracket of XML."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,60}\Z")
_SOURCES = (".typ", ".png", ".jpg", ".jpeg", ".svg")
MAIN = "main.typ"


class RefusedError(Exception):
    """A template that is not taken: a stable code, and what fills its sentence."""

    def __init__(self, code: str, name: str = "", *, detail: str = "", line: int = 0, file: str = "") -> None:
        super().__init__(code)
        self.code, self.name, self.detail, self.line, self.file = code, name, detail, line, file


def unpacked(content: bytes, *, ours: bool = False) -> dict[str, bytes]:
    """The parts of an archive by name; raises RefusedError for what is none, or, unless we have made it, too much for what it claims to be."""
    try:
        archive = zipfile.ZipFile(BytesIO(content))
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        total = sum(entry.file_size for entry in entries)
        if not ours and (len(entries) > MOST_PARTS or total > MOST_UNPACKED or total > MOST_RATIO * max(len(content), 1)):
            raise RefusedError("archive_too_large", detail=f"{total >> 20} MB")
        parts = dict[str, bytes]()
        for entry in entries:
            if entry.filename in parts or entry.filename.startswith("/") or ".." in entry.filename.split("/"):
                raise RefusedError("archive_malformed", entry.filename[:80])
            with archive.open(entry) as source:
                parts[entry.filename] = source.read(entry.file_size + 1)
            if len(parts[entry.filename]) > entry.file_size:  # the directory says less than there is
                raise RefusedError("archive_too_large", entry.filename[:80])
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, OSError) as failure:
        raise RefusedError("archive_malformed", detail=str(failure)[:200]) from failure
    except zipfile.zlib.error as failure:  # type: ignore[attr-defined]
        raise RefusedError("archive_malformed", detail=str(failure)[:200]) from failure
    return parts


def check_word(content: bytes, *, ours: bool = False) -> None:
    """Raise RefusedError unless it is a Word document that runs nothing, fetches nothing and declares no XML entities; `ours`: of any size."""
    parts = unpacked(content, ours=ours)
    for name, part in parts.items():
        if _ACTIVE.search(name):
            raise RefusedError("active_content", name[:80])
        # What another name hides is XML all the same: which part is the document is said by the relations.
        if name.lower().endswith((".xml", ".rels")) or part.lstrip(_MARK)[:1] == b"<":
            _check_part(name, part)
    types = etree.fromstring(parts[_CONTENT_TYPES], _parser()) if _CONTENT_TYPES in parts else None
    if types is None or "word/document.xml" not in parts:
        raise RefusedError("no_word_document")
    kinds = [element.get("ContentType", "") for element in types]
    if _DOCUMENT not in kinds or any("macroEnabled" in kind for kind in kinds):
        raise RefusedError("active_content" if any("macroEnabled" in kind for kind in kinds) else "no_word_document", _CONTENT_TYPES)


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def _check_part(name: str, part: bytes) -> None:
    try:
        root = etree.fromstring(part, _parser())
    except etree.XMLSyntaxError as failure:
        raise RefusedError("archive_malformed", name[:80], detail=str(failure)[:200]) from failure
    if _declares(name, root.getroottree().docinfo):
        raise RefusedError("xml_entities", name[:80])
    for relation in root.iter(_RELATIONS):
        kind, target = relation.get("Type", ""), relation.get("Target", "")
        if relation.get("TargetMode") == "External" and not (kind.endswith("/hyperlink") and _HARMLESS_LINK.match(target)):
            raise RefusedError("external_link", name[:80], detail=target[:200])
        if kind.endswith(("/attachedTemplate", "/oleObject", "/vbaProject", "/aFChunk", "/subDocument", "/control", "/package")):
            raise RefusedError("external_link", name[:80], detail=kind.rpartition("/")[2])
    for said in _fields(root):
        first = _WORD.search(said)
        if first is not None and first[0].upper() in _FETCHING:
            raise RefusedError("external_link", name[:80], detail=said.strip()[:80])


def _declares(name: str, about: etree.DocInfo) -> bool:
    """Whether a part declares what its words mean. Of pictures drawing programs name the DTD, which nobody reads here: only entities count."""
    if not about.doctype and about.internalDTD is None:
        return False
    return not _MEDIA.match(name) or (about.internalDTD is not None and any(True for _one in about.internalDTD.iterentities()))


def _fields(root: etree._Element) -> list[str]:
    """What its fields say. The words of one may be spread over pieces, and have other fields between them."""
    found, open_ = list[str](), [""]
    for element in root.iter("{*}instrText", "{*}fldSimple", "{*}fldChar"):
        said = {etree.QName(key).localname: str(value) for key, value in element.attrib.items()}
        kind = etree.QName(element).localname
        if kind == "instrText":
            open_[-1] += element.text or ""
        elif kind == "fldSimple":
            found.append(said.get("instr", ""))
        elif said.get("fldCharType") == "begin":
            open_.append("")
        elif said.get("fldCharType") == "end" and len(open_) > 1:
            found.append(open_.pop())
    return [*found, *open_]


def sources_of(content: bytes) -> dict[str, bytes]:
    """The files of a typst template: one source, or an archive of sources and images with a main.typ."""
    if not content.startswith(b"PK\x03\x04"):
        try:
            content.decode()
        except UnicodeDecodeError as failure:
            raise RefusedError("no_text", detail=str(failure)[:200]) from failure
        return {MAIN: content}
    parts = unpacked(content)
    for name in parts:
        if not _NAME.match(name) or not name.lower().endswith(_SOURCES):
            raise RefusedError("archive_malformed", name[:80], detail=", ".join(_SOURCES))
    if MAIN not in parts:
        raise RefusedError("archive_malformed", MAIN)
    return parts
