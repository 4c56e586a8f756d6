"""Static files of pages, at addresses that hold their digest: a browser keeps them for ever, and a new one has a new address."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile

from flask import Response as FlaskResponse
from flask import request

from core.http.answers import raw
from sdk import Frame, NotFound, _

_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
_PRESSED = ("text/", "application/javascript", "image/svg+xml", "application/json")
_LONGEST = 200
"""Characters of a path of a plugin's file."""
_JOINED = {".css": b"\n", ".js": b"\n;\n"}


@dataclass(frozen=True)
class Asset:
    """One file as it is served."""

    body: bytes
    pressed: bytes | None
    media: str
    digest: str


class Assets:
    """The files of a frame and of all plugins, whose static `folders` are given by name. `cache` is where files are kept that are made."""

    def __init__(self, frame: Frame, folders: Mapping[str, Path], cache: Path) -> None:
        self.prefix, self._folders, self._bundles = f"{frame.prefix}/static", folders, frame.bundles
        self._recipes, self._cache = frame.made, cache
        self._made: dict[str, Asset] = {}
        self._lock, self._making = threading.Lock(), threading.Lock()

    def address(self, name: str) -> str:
        """Where `console.css`, a bundle, or `orders/lines.js`, a plugin's own file, is found; raises NotFound.

        A file that is yet to be made has its address by its version, so that no page waits for it.
        """
        digest = _digest(self._recipes[name].version.encode()) if name in self._recipes else self._asset(name).digest
        return f"{self.prefix}/{digest}/{name}"

    def view(self, name: str, digest: str) -> FlaskResponse:
        """The file, whatever digest is asked for: an old page may ask for one that has been replaced."""
        asset = self._asset(name)
        if asset.pressed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
            return raw(asset.pressed, asset.media, {**_FOR_EVER, "Content-Encoding": "gzip"})
        return raw(asset.body, asset.media, _FOR_EVER)

    def _asset(self, name: str) -> Asset:
        if name in self._recipes:
            return self._kept(name)
        with self._lock:
            found = self._made.get(name)
            if found is None:
                found = self._made[name] = _asset(name, self._read(name))
        return found

    def _kept(self, name: str) -> Asset:
        """A file that is made by the first who asks for it, while others go on; written aside, so that no half of it is ever served."""
        with self._making:
            found = self._made.get(name)
            if found is not None:
                return found
            recipe = self._recipes[name]
            file = self._cache / f"{_digest(recipe.version.encode())}-{name}"
            body = file.read_bytes() if file.is_file() else recipe.make()
            if not file.is_file():
                self._cache.mkdir(parents=True, exist_ok=True)
                with NamedTemporaryFile(dir=self._cache, delete=False) as part:
                    part.write(body)
                Path(part.name).replace(file)
            found = self._made[name] = _asset(name, body)
        return found

    def _read(self, name: str) -> bytes:
        if name in self._bundles:
            files = self._bundles[name]
            return _JOINED.get(Path(name).suffix, b"").join(file.read_bytes() for file in files)
        plugin, _slash, rest = name.partition("/")
        folder = self._folders.get(plugin)
        file = (folder / "static" / rest) if folder is not None and _within(rest) else None
        if file is None or not file.is_file():
            raise NotFound(_("there is nothing at this address"))
        return file.read_bytes()


def _within(rest: str) -> bool:
    """Whether a path stays in the folder that it is put below, written in the one way there is: each other one would be kept as a file."""
    path = PurePosixPath(rest)
    return len(rest) <= _LONGEST and not path.is_absolute() and ".." not in path.parts and str(path) == rest and "\\" not in rest


def _asset(name: str, body: bytes) -> Asset:
    media = mimetypes.guess_type(name)[0] or "application/octet-stream"
    media = "text/javascript" if media == "application/javascript" else media
    pressed = gzip.compress(body, 9, mtime=0) if media.startswith(_PRESSED) else None
    return Asset(body, pressed, media, _digest(body))


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:12]
