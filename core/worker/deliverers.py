"""Who delivers from a database that is a file: the operating system knows when none of them lives any more, however they ended."""

from __future__ import annotations

from typing import IO

try:
    import fcntl
except ImportError:  # elsewhere than on Unix
    fcntl = None  # type: ignore[assignment]


class Deliverers:
    """The processes that deliver from one file; without `fcntl`, and for other databases, nothing is known of them."""

    def __init__(self, path: str | None) -> None:
        self._path = f"{path}-deliverers" if fcntl is not None and path not in (None, "", ":memory:") else None
        self._file: IO[bytes] | None = None

    def join(self) -> bool:
        """Be one of them until `leave`, or the end of the process; whether there is certainly no other one."""
        if self._path is None or self._file is not None:
            return False
        self._file = open(self._path, "ab")  # noqa: SIM115 (held as long as this process delivers)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            fcntl.flock(self._file, fcntl.LOCK_SH)
            return False
        return True

    def share(self) -> None:
        """Let others join, who then know that they are not alone."""
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_SH)

    def leave(self) -> None:
        """Deliver no longer."""
        if self._file is not None:
            self._file.close()
            self._file = None
