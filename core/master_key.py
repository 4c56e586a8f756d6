"""The file with the installation's master key."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from sdk.errors import DeclarationError

LENGTH = 32


def read(file: Path) -> bytes:
    """The key; where there is no file, one is made that its owner alone may read. Raises DeclarationError for one that is damaged."""
    if not file.exists():
        _make(file)
    key = file.read_bytes()
    if len(key) != LENGTH:
        raise DeclarationError(f"{file}: expected {LENGTH} bytes, got {len(key)}; restore it from a backup, or set DEALWRIGHT_SECRET_KEY")
    return key


def _make(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(secrets.token_bytes(LENGTH))
    try:
        os.link(part, file)  # whole, or not at all; of two processes that begin together, one makes it
    except FileExistsError:
        pass
    finally:
        part.unlink()
