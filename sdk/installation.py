"""What a plugin may know of the installation before its schema is made or moved."""

from __future__ import annotations

from typing import Protocol


class Installation(Protocol):
    """The place where a plugin is put; there is no tenant and no actor yet."""

    @property
    def dialect(self) -> str:
        """ "sqlite" or "postgresql"."""

    @property
    def server(self) -> tuple[int, ...]:
        """The version of the database: (16, 2)."""
