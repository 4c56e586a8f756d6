"""PDF by typst; runs in the renderer's process alone."""

from __future__ import annotations

import json
import re
import tempfile
from base64 import b64decode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typst

from plugins.documents.archive import MAIN, RefusedError, sources_of
from plugins.documents.values import PICTURE

VALUES = "values.json"
DENSITY, MOST_PAGES = 96.0, 4
"""Of previews: dots to the inch, and pages."""
_PLACE = re.compile(r"┌─ (?P<file>[^\s:]+):(?P<line>\d+):(?P<column>\d+)")
_KEY = re.compile(r'dictionary does not contain key "(?P<name>[^"]*)"')
_UNKNOWN = re.compile(r"unknown variable: (?P<name>\S+)")
_CHAIN = re.compile(r"[\w.-]+")
_PACKAGES = ("failed to download package", "package not found", "failed to load package", "package specification", "package namespace")


@cache
def _fonts() -> typst.Fonts:
    """One font with Latin and Chinese, the same on every machine; finding it again for each document would take longer than the setting."""
    found = find_spec("noto_cjk_sans_otc")
    assert found is not None and found.origin is not None
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[str(Path(found.origin).parent)])


def compose(content: bytes | Mapping[str, bytes], values: Mapping[str, object], made_at: int) -> bytes:
    """The PDF of a source with `values.json` beside it, dated `made_at` (seconds); raises RefusedError."""
    made = _compiled(content, values, {"format": "pdf", "timestamp": made_at})
    assert isinstance(made, bytes)
    return made


def pictures(content: bytes | Mapping[str, bytes], values: Mapping[str, object]) -> list[bytes]:
    """Its first pages as PNG files; raises RefusedError."""
    made = _compiled(content, values, {"format": "png", "ppi": DENSITY})
    return (made if isinstance(made, list) else [made])[:MOST_PAGES]


def _compiled(content: bytes | Mapping[str, bytes], values: Mapping[str, object], how: Mapping[str, Any]) -> Any:
    """typst reads no file outside the folder, which holds the template and its values alone and is gone afterwards."""
    files = sources_of(content) if isinstance(content, bytes) else content
    with tempfile.TemporaryDirectory(prefix="dealwright-") as name:
        root = Path(name)
        for file, part in files.items():
            (root / file).write_bytes(part)
        (root / VALUES).write_text(json.dumps(_with_files(values, root), ensure_ascii=False), encoding="utf-8")
        nowhere = str(root / "packages")
        try:
            compiler = typst.Compiler(
                str(root / MAIN), root=name, font_paths=_fonts(), ignore_system_fonts=True, package_path=nowhere, package_cache_path=nowhere
            )
            return compiler.compile(**how)
        except typst.TypstError as failure:
            raise _refused(failure, files, name) from failure
        except Exception as failure:  # a panic inside the typesetter arrives as one of several types
            raise RefusedError("template_error", detail=str(failure)[:300]) from failure


def _with_files(value: object, root: Path) -> object:
    """The values with each picture as a file beside them, under the name that stands in its place."""
    if isinstance(value, Mapping):
        if value.keys() == {PICTURE}:
            content = b64decode(str(value[PICTURE]))
            name = f"picture-{sha256(content).hexdigest()[:16]}.png"
            (root / name).write_bytes(content)
            return name
        return {name: _with_files(part, root) for name, part in value.items()}
    return [_with_files(part, root) for part in value] if isinstance(value, list) else value


def _refused(failure: typst.TypstError, files: Mapping[str, bytes], root: str) -> RefusedError:
    message, place = str(failure.message).replace(root, ""), _PLACE.search(str(failure.diagnostic))
    file, line = (place["file"].rpartition("/")[2], int(place["line"])) if place else ("", 0)
    if message.startswith(_PACKAGES):
        return RefusedError("no_packages", line=line, file=file)
    if key := _KEY.match(message):
        column = int(place["column"]) if place else 1
        return RefusedError("missing_variable", _chain(files.get(file, b""), line, column, key["name"]), line=line, file=file)
    if unknown := _UNKNOWN.match(message):
        return RefusedError("missing_variable", unknown["name"], line=line, file=file)
    return RefusedError("template_error", detail=message[:300], line=line, file=file)


def _chain(source: bytes, line: int, column: int, name: str) -> str:
    """`v.buyer.nmae` as the source writes it, for a key that is not there."""
    lines = source.decode(errors="replace").splitlines()
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    for word in _CHAIN.finditer(text):
        if word.start() < column <= word.end() + 1 and name in word[0].split("."):
            return word[0][: word[0].index(name) + len(name)]
    return name
