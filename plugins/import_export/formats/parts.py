"""Where the parts of an Office package are (ECMA-376, part 2): a workbook names its sheets by relationships."""

from __future__ import annotations

import re
import zipfile

_RELATIONSHIP = re.compile(r"<(?:\w+:)?Relationship\s([^>]*)>")
_NAMED = re.compile(r"\b(Id|Target)=\"([^\"]*)\"")


class Parts:
    """The parts to which one part is related, by the ids that it calls them by; raises KeyError where it says nothing of them."""

    def __init__(self, archive: zipfile.ZipFile, part: str) -> None:
        folder, _slash, name = part.rpartition("/")
        said = archive.read(f"{folder}/_rels/{name}.rels").decode("utf-8", "replace")
        named = [dict(_NAMED.findall(attributes)) for attributes in _RELATIONSHIP.findall(said)]
        self._folder, self._there = folder, frozenset(archive.namelist())
        self._targets = {one.get("Id", ""): one.get("Target", "") for one in named}

    def file(self, id: str) -> str:
        """The name of a part's file in the archive; "" where it has none."""
        target = self._targets.get(id, "")
        file = target.lstrip("/") if target.startswith("/") else f"{self._folder}/{target}"
        return file if file in self._there else ""
