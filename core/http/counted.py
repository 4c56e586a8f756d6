"""Whose code it was that failed in a request: what a plugin raises in an address of its own is counted, as what it raises in a hook."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from werkzeug.exceptions import HTTPException

from core.extension.calls import MEANT

if TYPE_CHECKING:
    from core.context import Work

_LONGEST, _COUNTED = 60, "_dealwright_counted"


@contextmanager
def counted(work: Work, plugin: str, place: str) -> Iterator[None]:
    """The failure goes on to who answers it; the operator is told which plugin fails where, which no answer says."""
    try:
        yield
    except (*MEANT, HTTPException):
        raise
    except Exception as failure:  # whatever it is
        if plugin != "core" and not getattr(failure, _COUNTED, False):  # by the innermost: whose code it was
            work.platform.calls.failures.note(plugin, place[:_LONGEST], failure)
        setattr(failure, _COUNTED, True)
        raise
