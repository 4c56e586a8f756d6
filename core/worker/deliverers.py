"""Who delivers from a database that is a file: the operating system knows when none of them lives any more, however they ended."""

from __future__ import annotations

import logging
import os

try:
    import fcntl
except ImportError:  # elsewhere than on Unix
    fcntl = None  # type: ignore[assignment]


log = logging.getLogger("dealwright.worker")


class Deliverers:
    """The processes that deliver from one file; without `fcntl`, and for other databases, nothing is known of them."""

    def __init__(self, path: str | None) -> None:
        self._path = f"{path}-deliverers" if fcntl is not None and path not in (None, "", ":memory:") else None
        self._file: int | None = None

    def join(self) -> bool:
        """Be one of them until `leave`, or the end of the process; whether there is certainly no other one.

        Where the file cannot be locked nothing is known: what was claimed then waits its lease, and nobody is kept from delivering.
        """
        if self._path is None or self._file is not None:
            return False
        try:
            self._file = os.open(self._path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.share()
            return False
        except OSError:
            log.warning("%s can't be locked: after a crash its work waits some minutes", self._path, exc_info=True)
            self.leave()
            return False
        return True

    def share(self) -> None:
        """Let others join, who then know that they are not alone."""
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_SH)

    def leave(self) -> None:
        """Deliver no longer."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
