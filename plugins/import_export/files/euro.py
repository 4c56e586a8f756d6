"""GBK as Windows writes it: the euro is one byte there (0x80), which no standard of the encoding knows."""

from __future__ import annotations

import codecs
from typing import Final

EURO: Final = "gb18030_euro"
_BYTE, _STRICT, _LOOSE = 0x80, f"{EURO}_strict", f"{EURO}_replace"


def _is_euro(failure: UnicodeError) -> bool:
    return isinstance(failure, UnicodeDecodeError) and failure.object[failure.start] == _BYTE


def _strict(failure: UnicodeError) -> tuple[str, int]:
    if isinstance(failure, UnicodeDecodeError) and _is_euro(failure):
        return "\u20ac", failure.start + 1
    raise failure


def _loose(failure: UnicodeError) -> tuple[str | bytes, int]:
    return _strict(failure) if _is_euro(failure) else codecs.replace_errors(failure)


def _errors(name: str) -> str:
    return {"strict": _STRICT, "replace": _LOOSE}.get(name, name)


def _info(name: str) -> codecs.CodecInfo | None:
    if name != EURO:
        return None
    plain = codecs.lookup("gb18030")
    return codecs.CodecInfo(
        name=EURO,
        encode=plain.encode,
        decode=lambda data, errors="strict": (bytes(data).decode("gb18030", _errors(errors)), len(data)),
        incrementalencoder=plain.incrementalencoder,
        incrementaldecoder=lambda errors="strict": codecs.getincrementaldecoder("gb18030")(_errors(errors)),
    )


codecs.register_error(_STRICT, _strict)
codecs.register_error(_LOOSE, _loose)
codecs.register(_info)
