"""The way to the provider and back: the authorization code flow with PKCE (OpenID Connect Core 1.0, section 3.1; RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import logging
import re
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from plugins.openid import id_token
from plugins.openid.id_token import Expected, Untrue
from plugins.openid.provider import Provider
from plugins.openid.settings import OpenId
from sdk import Context, Forbidden, Identity, Referral, Unauthenticated, _

log = logging.getLogger("dealwright.openid")
SCOPE = "openid email profile"
_ERROR = re.compile(r"[a-z_]{1,40}\Z", re.ASCII)


def offered(ctx: Context) -> str:
    """The button of a provider that has been set up."""
    settings = ctx.settings(OpenId)
    if not settings["issuer"] or not settings["client_id"]:
        return ""
    return ctx.say(_("Sign in with {name}"), {"name": settings["label"] or urlsplit(str(settings["issuer"])).hostname})


def begin(ctx: Context, callback: str, state: str) -> Referral:
    """To the provider, with a nonce for its ID token and a challenge that only this sign-in's verifier answers."""
    provider = Provider(ctx)
    nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    words = {
        "response_type": "code", "client_id": provider.client_id, "redirect_uri": callback, "scope": SCOPE, "state": state,
        "nonce": nonce, "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    place = provider.authorization
    memory = {"issuer": provider.issuer, "client_id": provider.client_id, "nonce": nonce, "verifier": verifier}
    return Referral(f"{place}{'&' if '?' in place else '?'}{urlencode(words)}", memory)


def finish(ctx: Context, callback: str, memory: Mapping[str, str], brought: Mapping[str, str]) -> Identity:
    """Who has signed in there, from an answer that is the provider's own and of this very sign-in."""
    provider = Provider(ctx)
    _check_sender(provider, memory, brought)
    if "error" in brought or not brought.get("code"):
        error = brought.get("error", "")
        text = _("the provider did not sign you in ({error}); start again, or ask an administrator if it persists")
        raise Unauthenticated(text, code="provider_refused", error=error if _ERROR.match(error) else "no_code")
    token = provider.id_token(brought["code"], callback, memory["verifier"])
    try:
        keys = provider.keys(id_token.key_id(token))
        claims = id_token.claims_of(token, keys, Expected(provider.issuer, provider.client_id, memory["nonce"], ctx.now()))
    except Untrue as failure:
        log.warning("an ID token of %s for tenant %s does not hold: %s", provider.issuer, ctx.tenant.name, failure)
        raise Unauthenticated(
            _("the provider’s information about you is invalid ({claim}); start again, or ask an administrator if it persists"),
            code="bad_id_token",
            claim=str(failure),
        ) from failure
    return _identity(provider, claims)


def _check_sender(provider: Provider, memory: Mapping[str, str], brought: Mapping[str, str]) -> None:
    """The code goes to whom the browser was sent to and to nobody else (RFC 9207), also where the settings have changed meanwhile."""
    same = (memory.get("issuer"), memory.get("client_id")) == (provider.issuer, provider.client_id)
    sender = brought.get("iss", None if provider.names_itself else provider.issuer)
    if not same or sender != provider.issuer:
        raise Unauthenticated(_("the response came from a different provider; start again"), code="wrong_issuer")


def _identity(provider: Provider, claims: Mapping[str, Any]) -> Identity:
    settings = provider.settings
    said, email = claims.get("email_verified"), str(claims.get("email") or "")
    verified = said in (True, "true") or (said is None and bool(settings["trusts_emails"]))  # some providers write it as a text
    domains = settings["domains"]
    assert isinstance(domains, list)
    if domains and (not verified or email.rpartition("@")[2].lower() not in domains):
        raise Forbidden(_("your email’s domain is not allowed to sign in; ask an administrator"), code="domain_not_allowed")
    roles = settings["roles"] if settings["new_people"] else None
    return Identity(
        provider.issuer, claims["sub"], email, email_verified=verified, name=str(claims.get("name") or ""),
        roles=tuple(roles) if isinstance(roles, list) else None,
    )  # fmt: skip
