"""Whether somebody has an answer already."""

from __future__ import annotations

from flask import Request


def fresh(sent: Request, etag: str) -> bool:
    """Whether the caller has this version already (If-None-Match, RFC 9110, section 13.1.2)."""
    known = [tag.strip().removeprefix("W/") for tag in sent.headers.get("If-None-Match", "").split(",")]
    return etag in known or known == ["*"]
