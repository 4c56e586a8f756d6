"""Links for people without an account: who has one may do the one thing behind it."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from sdk.context import Context

TOKEN = "token"  # noqa: S105 (a name, not a secret)
"""The parameter in the path of a public route: it names the tenant, which nothing else in such a request does."""
_TOKEN = re.compile(r"(?P<tenant>[0-9a-f]{32})_[A-Za-z0-9_-]{43}\Z", re.ASCII)
_SECRET = re.compile(r"(?<=[0-9a-f]{32}_)[A-Za-z0-9_-]{43}", re.ASCII)


def new_token(ctx: Context) -> str:
    """A token for the path of a public route: the tenant and 256 random bits. Keep `digest_of(token)`, never the token."""
    return f"{ctx.tenant.id.hex}_{secrets.token_urlsafe(32)}"


def digest_of(token: str) -> str:
    """What is kept of a token: a fast hash suffices for what nobody can guess."""
    return hashlib.sha256(token.encode()).hexdigest()


def tenant_in(token: str) -> UUID | None:
    """The tenant that a token names, if it has the form of one."""
    found = _TOKEN.match(token)
    return UUID(found["tenant"]) if found else None


def masked(text: str) -> str:
    """The same text without the secrets of tokens in it, for logs."""
    return _SECRET.sub("***", text)
