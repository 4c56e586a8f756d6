"""In which encoding a text file is written: found out where that is certain, otherwise asked for, never guessed."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import BinaryIO

from plugins.import_export.files.book import BLOCK, Note, from_start, unreadable
from plugins.import_export.files.euro import EURO
from plugins.import_export.files.letters import LATIN, SCRIPTS, fewest_languages, share_of_han, spelled, written
from sdk import BadRequest, Invalid, _

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
KNOWN = (
    "utf-8 utf-16 utf-16-le utf-16-be utf-32 ascii gb18030 big5 big5hkscs cp950 shift_jis cp932 euc_jp euc_kr cp949 "
    "iso2022_jp cp874 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp437 cp850 cp852 cp866 koi8-r koi8-u mac-roman "
    "gb18030_euro iso8859-1 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-7 iso8859-8 iso8859-9 iso8859-13 iso8859-15"
).split()
_CHINESE = ("gb18030", "big5")
_NAMED = (*_CHINESE, "cp1252", "cp1250", "cp1251", "shift_jis", "euc_kr")
"""What is named to a person where nothing is certain, as far as it can be."""
_SEVEN_BITS = (b"\x1b$B", b"\x1b$@")
"""What begins Japanese in mail and its like: every byte of it is plain, so it could pass for UTF-8."""
_WORD = re.compile(rb"[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1e\x7f-\x9f]")
_LINES, _LINE = 2_000, 4_096
_LIKELY = 0.4
_FEWEST_SIGNS = 2
_LONGEST_SIGN = 4
_FEW = 10
"""So many lines that are UTF-8 beside one that is not: no other encoding does that by chance."""


def decide(source: BinaryIO, asked: str) -> tuple[str, list[Note]]:
    """The codec by which the whole file can be decoded; raises Invalid where it cannot, or where two are as likely."""
    encoding = _codec(asked) if asked else _marked(source) or _utf16(source)
    head = from_start(source).read(BLOCK)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head) if encoding else head.decode("latin-1")
    if text.count("\0") * 20 > len(text):
        raise unreadable(_("is neither text nor a spreadsheet; save it as CSV in UTF-8, or as XLSX"))
    if encoding == "gb18030" and undecodable(source, encoding) is not None and undecodable(source, EURO) is None:
        return EURO, []
    if encoding:
        _check(source, encoding)
        return encoding, _garbled(_lines(source)) if encoding == "utf-8-sig" else []
    place = undecodable(source, "utf-8")
    lines = _lines(source)
    if place is None:
        if any(mark in head for mark in _SEVEN_BITS):
            raise _undecided(["iso2022_jp"])
        if _chinese_in_disguise(lines):
            raise _undecided(["utf-8", "gb18030"])
        return "utf-8", _garbled(lines)
    words = list(dict.fromkeys(_WORD.findall(lines)))
    if _breaks_off(source, place, lines):
        raise _cut_off(place)
    if _mostly_utf8(words) or (_mostly_utf8(words, _FEWEST_SIGNS) and _mostly_utf8(lines.splitlines(), _FEW)):
        _check(source, "utf-8")
    if _in_two(lines) or any(map(_latin_utf8, words)):
        text = _("mixes two encodings: some lines are UTF-8, others aren’t (from byte {position} on); save it as UTF-8")
        raise unreadable(text, position=place)
    found = _certain(source, lines, words)
    return found, [Note("encoding", _("is read as {encoding}"), {"encoding": found})]


def _codec(name: str) -> str:
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        found = ""
    found = {"gbk": "gb18030", "gb2312": "gb18030", "utf-8": "utf-8-sig"}.get(found, found)
    if found not in (*KNOWN, "utf-8-sig"):
        raise BadRequest(_("unknown encoding {name!r}; available: {names}"), name=name[:40], names=", ".join(KNOWN))
    return found


def _marked(source: BinaryIO) -> str:
    head = from_start(source).read(4)
    return next((name for mark, name in _BOMS if head.startswith(mark)), "")


def _utf16(source: BinaryIO) -> str:
    """UTF-16 without its mark: read from the other side it has no line end, and from the right one neither a control sign nor one that there is not."""
    head = from_start(source).read(BLOCK)
    if 0 not in head:
        return ""
    for encoding in ("utf-16-le", "utf-16-be"):
        text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
        signs = set(text)
        if (
            signs & {"\n", "\r"}
            and not _CONTROL.search(text)
            and not any(unicodedata.category(sign) in ("Cn", "Co", "Cs") for sign in signs)
        ):
            return encoding if "\ufffd" not in signs else ""
    return ""


def _check(source: BinaryIO, encoding: str) -> None:
    place = undecodable(source, encoding)
    if place is not None:
        text = _("is not {encoding} text (byte {position}); save it as UTF-8")
        raise unreadable(text, encoding=encoding.removesuffix("-sig").upper(), position=place)


def undecodable(source: BinaryIO, encoding: str) -> int | None:
    """The first byte of the whole file that is not in this encoding; None where all are."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    file = from_start(source)
    read, block = 0, b"-"
    while block:
        block = file.read(BLOCK)
        read += len(block)
        try:
            decoder.decode(block, final=not block)
        except UnicodeDecodeError as failure:
            return read - len(failure.object) + failure.start  # what was decoded ends where we have read to
    return None


def _lines(source: BinaryIO) -> bytes:
    """Different lines with a byte beyond ASCII, from wherever they are in the file, up to some thousand."""
    found: dict[bytes, None] = {}
    file = from_start(source)
    while len(found) < _LINES and (line := file.readline(_LINE)):
        if not line.isascii():
            found[line] = None
    return b"".join(found)


def _in_two(lines: bytes) -> bool:
    """Whether lines that are not UTF-8 stand beside such as are for certain: no other encoding makes its signs of three bytes by chance."""
    certain, other = False, False
    for line in lines.splitlines():
        try:
            text = line.decode()
            certain = certain or sum(sign > "\u07ff" for sign in text) >= _FEWEST_SIGNS
        except UnicodeDecodeError:
            other = True
    return certain and other


def _latin_utf8(word: bytes) -> bool:
    """Whether a word is UTF-8, with plain letters and such as Latin has: in other encodings these are letters and signs by turns."""
    try:
        return any(sign < 0x80 for sign in word) and all(sign.isascii() or "\u00c0" <= sign <= "\u017f" for sign in word.decode())
    except UnicodeDecodeError:
        return False


def _breaks_off(source: BinaryIO, place: int, lines: bytes) -> bool:
    """Whether all is UTF-8 with words of Latin or signs of three bytes, but for its last sign, of which the end is missing."""
    rest = from_start(source, place).read(_LONGEST_SIGN)
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(rest)
    except UnicodeDecodeError:
        return False
    read = lines.decode("utf-8", "ignore")
    return len(rest) < _LONGEST_SIGN and any(sign > "\u07ff" or "\u00c0" <= sign <= "\u017f" for sign in read)


def _garbled(lines: bytes) -> list[Note]:
    """What a program before us has read as cp1252 and written anew looks so, whatever its encoding is now: nobody writes such words."""
    for word in re.split(r"[\s,;|\"]+", lines.decode("utf-8", "ignore")):
        with suppress(UnicodeError):
            if not word.isascii() and (meant := word.encode("cp1252").decode()).isprintable():
                text = _(
                    "is garbled, as an earlier program has misread it: {got} was {meant} once; export it anew, or it is imported as it is"
                )
                return [Note("garbled", text, {"got": word[:40], "meant": meant[:40]})]
    return []


def _chinese_in_disguise(lines: bytes) -> bool:
    """Whether what can be read as UTF-8 is as likely GBK: some signs of Chinese are written as letters of other scripts there."""
    foreign = [sign for sign in lines.decode("utf-8", "replace") if sign > "\x7f"]
    if not foreign or any(sign > "\u07ff" or "\u00c0" <= sign <= "\u017f" for sign in foreign):
        return False
    return share_of_han(lines.decode("gb18030", "replace")) >= _LIKELY


def _mostly_utf8(words: list[bytes], times: int = 3) -> bool:
    """Whether a few broken bytes keep it from being UTF-8: there are so many times more words, or lines, that are."""
    broken = sum(word.decode("utf-8", "replace").count("\ufffd") > 0 for word in words)
    return len(words) - broken >= times * max(1, broken)


def _certain(source: BinaryIO, lines: bytes, words: list[bytes]) -> str:
    """The one encoding in which the words are words; raises Invalid with those that it may be."""
    able = [name for name in _NAMED if undecodable(source, name) is None]
    shares = {name: share_of_han(lines.decode(name, "replace")) for name in _CHINESE if name in able}
    if "gb18030" not in able and undecodable(source, EURO) is None and (share := share_of_han(lines.decode(EURO, "replace"))) >= _LIKELY:
        able, shares = [EURO, *able], {EURO: share, **shares}
    best = max(shares, key=lambda name: shares[name], default="")
    latin = "cp1252" in able and _western(words)
    if best and shares[best] >= _LIKELY:
        others = [name for name in shares if name != best and shares[name] > shares[best] / 2]
        others += ["euc_kr"] if "euc_kr" in able and _korean(lines) else []
        others += ["cp1252"] if latin else []
        if others:
            raise _undecided([best, *others])
        return best
    if latin:
        return "cp1252"
    _check_chinese(source, lines, able)
    likely = [name for name in able if shares.get(name) or all(written(_decoded(word, name), LATIN.get(name, ())) for word in words)]
    if likely and _one_reading(likely, words):
        return likely[0]
    raise _undecided(_candidates(source, lines, words, likely) or able)


def _candidates(source: BinaryIO, lines: bytes, words: Sequence[bytes], likely: Sequence[str]) -> list[str]:
    """Those that may be, and all others in which the file is words of their own script: what is named to a person should have the right one."""
    scripts = [name for name, script in SCRIPTS.items() if spelled(_decoded(lines, name), script)]
    scripts += [name for name in LATIN if all(written(_decoded(word, name), LATIN[name]) for word in words)]
    able = [name for name in scripts if undecodable(source, name) is None]
    if "cp949" in able and "euc_kr" in able:
        able.remove("cp949")  # which has the same signs, and more
    return list(dict.fromkeys([*likely, *able]))


def _check_chinese(source: BinaryIO, lines: bytes, able: Sequence[str]) -> None:
    """Raises Invalid for what is Chinese but for a few bytes: whatever else these might be, the rest is none of it."""
    share, name = max((share_of_han(lines.decode(name, "replace")), name) for name in _CHINESE)
    if share >= _LIKELY and name not in able and (place := undecodable(source, name)) is not None:
        if len(from_start(source, place).read(_LONGEST_SIGN)) < _LONGEST_SIGN:
            raise _cut_off(place)
        _check(source, name)


def _cut_off(place: int) -> Invalid:
    return unreadable(_("ends in the middle of a character (byte {position}); send it again"), position=place)


def _one_reading(likely: Sequence[str], words: Sequence[bytes]) -> bool:
    """Whether the words, which are mostly of plain letters, are words in one writing alone, whatever may be its encoding."""
    others = [name for name in LATIN if name not in likely and all(written(_decoded(word, name), LATIN[name]) for word in words)]
    plain = [sum(byte < 0x80 for byte in word) * 2 >= len(word) for word in words if len(word) > 1]
    return bool(plain) and all(plain) and len({tuple(_decoded(word, name) for word in words) for name in (*likely, *others)}) == 1


def _korean(lines: bytes) -> bool:
    """Whether each sign is a syllable of Korean, as in a few signs of Chinese may happen."""
    return all("\uac00" <= sign <= "\ud7a3" for sign in lines.decode("euc_kr", "replace") if sign > "\x7f")


def _western(words: list[bytes]) -> bool:
    """Whether next to all words are words in cp1252, and in each other encoding of Latin letters they are the same, no words, or of more languages."""
    texts = [_decoded(word, "cp1252") for word in words]
    wrong = sum(not written(text, LATIN["cp1252"]) for text in texts)
    if not words or wrong * 50 > len(words):
        return False
    needed = fewest_languages((text for text in texts if written(text, LATIN["cp1252"])), LATIN["cp1252"])
    for name, languages in LATIN.items():
        others = [_decoded(word, name) for word in words]
        differ = [other for other, text in zip(others, texts, strict=True) if other != text]
        likely = all(written(other, languages) for other in differ)
        rivals = fewest_languages((other for other in others if written(other, languages)), languages)
        if differ and likely and (not needed or rivals <= needed):
            return False
    return True


def _decoded(word: bytes, encoding: str) -> str:
    return word.decode(encoding, "replace")


def _undecided(candidates: Iterable[str]) -> Invalid:
    names = tuple(candidates) or _NAMED
    text = _("the encoding is ambiguous: it may be {names}; specify it, or save the file as UTF-8")
    return unreadable(text, "undecided", names=", ".join(names), candidates=names)
