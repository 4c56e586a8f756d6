"""What a tenant says of its provider."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from sdk import Secret, _

_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}\Z", re.ASCII)
_HERE = ("localhost", "127.0.0.1", "::1")
LONGEST = 500


def secure(url: object) -> bool:
    """Whether it is an address that nobody listens in on: of https, or of this very machine for trying things out."""
    if not isinstance(url, str) or len(url) > LONGEST or not url.isascii() or not url.isprintable() or set(url) & set(' "<>\\'):
        return False
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and parts.port != 0 and parts.username is None and not parts.fragment
    except ValueError:
        return False
    return named and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _HERE))


def _issuer(word: str) -> None:
    if word and (not secure(word) or "?" in word or len(word) > 255):
        raise ValidationError(
            _("expected the issuer’s address exactly as in its discovery document, for example https://login.example.com")
        )


class OpenId(Schema):
    """The provider, as what we are known there, and whom it lets in. It is offered once `issuer` and `client_id` are set."""

    issuer = fields.String(load_default="", validate=_issuer, metadata={"label": _("Issuer (https://…)")})
    client_id = fields.String(load_default="", validate=validate.Length(max=255), metadata={"label": _("Client ID")})
    client_secret = Secret(label=_("Client secret"))
    label = fields.String(load_default="", validate=validate.Length(max=60), metadata={"label": _("Provider name shown to people")})
    domains = fields.List(
        fields.String(validate=validate.Regexp(_DOMAIN, error=_("expected a lowercase domain such as example.com"))),
        load_default=list,
        validate=validate.Length(max=100),
        metadata={"label": _("Email domains allowed to sign in (empty: all)")},
    )
    trusts_emails = fields.Boolean(
        load_default=False,
        truthy={True},
        falsy={False},
        metadata={"label": _("The provider doesn’t report verified emails, but all of its emails are verified")},
    )
    new_people = fields.Boolean(
        load_default=False, truthy={True}, falsy={False}, metadata={"label": _("Create an account when someone new signs in")}
    )
    roles = fields.List(
        fields.String(validate=validate.Length(1, 40)),
        load_default=list,
        validate=validate.Length(max=20),
        metadata={"label": _("Roles for new people"), "of": "core.role"},
    )

    @validates_schema(skip_on_field_errors=True)
    def _bounded(self, values: dict[str, Any], **_more: object) -> None:
        if values.get("new_people") and not values.get("domains"):  # at a public provider everybody has an account
            raise ValidationError(_("list the domains whose people get an account; otherwise everyone at the provider would"), "domains")
