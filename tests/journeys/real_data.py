"""Real files, kept beside the project because their terms do not allow to copy them into it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("DEALWRIGHT_REAL_DATA") or Path(__file__).parents[2].parent / "shared" / "data")


def folder(name: str) -> Path:
    """One collection of files; the test is skipped where it is absent."""
    found = ROOT / name
    if not found.is_dir():
        pytest.skip(f"no folder {name} of real data; DEALWRIGHT_REAL_DATA names where they are")
    return found
