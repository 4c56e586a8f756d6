"""Uploads and issued documents in a local folder."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from core.entities.ids import new_id
from sdk import NotFound, _

_KEY = re.compile(r"[0-9a-f]{32}\Z")


class LocalFiles:
    """The files of one tenant under `home/files/<tenant>`; a key says nothing of the file's name. What is saved is noted in `saved`."""

    def __init__(self, home: Path, tenant: UUID, saved: list[str] | None = None) -> None:
        self._folder, self._saved = home / "files" / tenant.hex, saved

    def save(self, source: BinaryIO, key: str = "") -> str:
        self._folder.mkdir(parents=True, exist_ok=True)
        key = self._checked(key) if key else new_id().hex
        part = self._folder / f"{key}.part"
        with part.open("wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
        part.rename(self._folder / key)  # whole or not at all
        if self._saved is not None:
            self._saved.append(key)
        return key

    def open(self, key: str) -> BinaryIO:
        try:
            return (self._folder / self._checked(key)).open("rb")
        except FileNotFoundError as failure:
            raise NotFound(_("file {key} does not exist"), key=key) from failure

    def remove(self, key: str) -> None:
        for name in (self._checked(key), f"{key}.part"):  # who was killed while it was written has left a part
            (self._folder / name).unlink(missing_ok=True)

    def all_keys(self) -> Iterator[str]:
        """The keys of all files, in no order."""
        if self._folder.is_dir():
            with os.scandir(self._folder) as found:
                yield from (entry.name for entry in found if _KEY.match(entry.name))

    def remove_all(self) -> int:
        """Forget everything; returns how many files there were."""
        count = sum(1 for _key in self.all_keys())
        if self._folder.exists():
            shutil.rmtree(self._folder)
        return count

    @staticmethod
    def _checked(key: str) -> str:
        if not _KEY.match(key):
            raise NotFound(_("file {key} does not exist"), key=key[:80])
        return key
