"""Plugins made up by a test: packages in a folder of their own, with their entry points."""

from __future__ import annotations

import sys
import textwrap
from importlib import invalidate_caches
from importlib.metadata import EntryPoint
from pathlib import Path
from types import TracebackType
from typing import Self

from core.extension.discover import GROUP

HEAD = """
from sdk import *
from sdk import fields as f, _, hookimpl
"""
MANIFEST = 'manifest = Manifest(name="{name}", version="1.0", title=_("T"), summary=_("S"){more})\n'


class Packages:
    """Writes plugins into a folder; the names that they brought into Python go with them."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._names = folder, list[str]()

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        sys.path.insert(0, str(self._folder))
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        sys.path.remove(str(self._folder))
        for name in list(sys.modules):
            if name.partition(".")[0] in self._names:
                del sys.modules[name]

    def plugin(self, name: str, body: str = "", *, manifest: str | None = None, more: str = "", head: str = HEAD) -> EntryPoint:
        """A plugin `name` whose module is the manifest and `body`; `more` are further arguments of the manifest."""
        package = f"made_up_{name}"
        self._names.append(package)
        folder = self._folder / package
        folder.mkdir()
        (folder / "__init__.py").write_text("", encoding="utf-8")
        text = head + (MANIFEST.format(name=name, more=more) if manifest is None else manifest) + textwrap.dedent(body)
        (folder / "plugin.py").write_text(text, encoding="utf-8")
        invalidate_caches()
        return EntryPoint(name, f"{package}.plugin", GROUP)
