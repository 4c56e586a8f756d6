"""The revision in which a folder of migrations ends, by what its files declare: to run them all, as Alembic does, takes a twentieth of a start."""

from __future__ import annotations

import re
from pathlib import Path

_SAYS = re.compile(r"^(revision|down_revision)(?: *:[^=\n]+)? *= *(?:\"([\w-]+)\"|'([\w-]+)'|None) *(?:#.*)?$", re.MULTILINE)


def declared_head(directory: Path) -> str | None:
    """The one revision that no other file comes after; None where the files do not say it plainly, one comes after none that is there, and
    where there are none."""
    before: dict[str, str | None] = {}
    files = [file for file in directory.glob("*.py") if file.name != "__init__.py"]
    for file in files:
        said = [(name, one or other or None) for name, one, other in _SAYS.findall(file.read_text(encoding="utf-8"))]
        mine = dict(said)
        revision = mine.get("revision")
        if revision is None or len(said) != 2 or len(mine) != 2:
            return None
        before[revision] = mine["down_revision"]
    ends = before.keys() - before.values()
    whole = len(ends) == 1 and len(before) == len(files) and before.keys() >= {one for one in before.values() if one is not None}
    return ends.pop() if whole else None
