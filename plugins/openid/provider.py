"""What we ask a provider: who it is (OpenID Connect Discovery 1.0), its keys (RFC 7517), and what a code stands for (RFC 6749)."""

from __future__ import annotations

import base64
import json
import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode

from plugins.openid.settings import OpenId, secure
from sdk import Call, Context, Reply, Unauthenticated, Unavailable, _

log = logging.getLogger("dealwright.openid")
KEPT, AGAIN, PAUSE = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=10)
"""For how long a document is good; how soon the keys are asked for again when one is missing; how soon what has failed is asked again: anybody
may begin a sign-in, and each would wait for a provider that is away."""
MOST = 300_000
"""Bytes of an answer."""
WAIT = 2.0
"""Seconds that others wait for who asks: of a provider that hangs, each sign-in would hold a thread for as long as it does."""
_DISCOVERY = "/.well-known/openid-configuration"
_USED = ("invalid_grant",)


@dataclass
class Known:
    """What this process knows of a tenant's provider: documents by address, with the time when they came, and when which failed."""

    documents: dict[str, tuple[datetime, Mapping[str, Any]]] = field(default_factory=dict)
    failed: dict[str, datetime] = field(default_factory=dict)
    asking: threading.Lock = field(default_factory=threading.Lock)
    """Held by who asks."""


class Provider:
    """The provider of the context's tenant, as its discovery document describes it. Raises Unavailable where it cannot be used."""

    def __init__(self, ctx: Context) -> None:
        self._ctx, self.settings = ctx, ctx.settings(OpenId)
        self._known = ctx.kept("openid.provider", Known)
        self.issuer, self.client_id = str(self.settings["issuer"]), str(self.settings["client_id"])
        place = self.issuer.rstrip("/") + _DISCOVERY
        self._about = self._document(place, KEPT)
        if self._about.get("issuer") != self.issuer:
            self._known.documents.pop(place, None)  # it may be mended before the hour is over
            self._known.failed[place] = ctx.now()
            raise self._unusable(f"its discovery document names the issuer {self._about.get('issuer')!r}, the settings {self.issuer!r}")

    @property
    def authorization(self) -> str:
        """Where people sign in."""
        return self._address("authorization_endpoint")

    @property
    def names_itself(self) -> bool:
        """Whether its answers say who has sent them (RFC 9207)."""
        return self._about.get("authorization_response_iss_parameter_supported") is True

    def keys(self, kid: str | None) -> Sequence[Mapping[str, Any]]:
        """Its public keys; asked for anew where `kid` is not among them, as it may have changed them."""
        address = self._address("jwks_uri")
        found = self._keys(self._document(address, KEPT))
        if kid is not None and all(key.get("kid") != kid for key in found):
            found = self._keys(self._document(address, AGAIN))
        return found

    def id_token(self, code: str, callback: str, verifier: str) -> str:
        """What a code stands for; raises Unauthenticated for one that is not taken."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": callback, "code_verifier": verifier}
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        secret, ways = str(self.settings["client_secret"]), self._about.get("token_endpoint_auth_methods_supported")
        if secret and isinstance(ways, list) and "client_secret_basic" not in ways and "client_secret_post" in ways:
            form |= {"client_id": self.client_id, "client_secret": secret}
        elif secret:  # each part encoded as in a form before it is joined (RFC 6749, section 2.3.1)
            pair = f"{quote_plus(self.client_id)}:{quote_plus(secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form["client_id"] = self.client_id
        reply = self._ctx.call(Call(self._address("token_endpoint"), urlencode(form).encode(), headers, most=MOST))
        answer = _object(reply)
        if reply.status == 400 and answer.get("error") in _USED:
            raise Unauthenticated(_("the provider no longer accepts this sign-in; start again"), code="code_refused")
        token = answer.get("id_token")
        if reply.status != 200 or not isinstance(token, str):
            # Never the text of an answer that was taken: it may hold tokens.
            raise self._unusable(f"its token endpoint answered {reply.status} {str(answer.get('error', '') or _away(reply))[:200]}")
        return token

    def _document(self, address: str, good_for: timedelta) -> Mapping[str, Any]:
        if (there := self._there(address, good_for)) is not None:
            return there
        if not self._known.asking.acquire(timeout=WAIT):
            raise self._unusable(f"{address} has been asked and has not answered for {WAIT} s")
        try:  # meanwhile whoever asked before may have been told
            return self._there(address, good_for) or self._asked(address)
        finally:
            self._known.asking.release()

    def _there(self, address: str, good_for: timedelta) -> Mapping[str, Any] | None:
        """What is known and still good; raises Unavailable where it has failed a moment ago."""
        now, there = self._ctx.now(), self._known.documents.get(address)
        if there is not None and timedelta() <= now - there[0] < good_for:
            return there[1]
        failed = self._known.failed.get(address)
        if failed is not None and timedelta() <= now - failed < PAUSE:
            raise self._unusable(f"{address} has failed a moment ago")
        return None

    def _asked(self, address: str) -> Mapping[str, Any]:
        reply = self._ctx.call(Call(address, headers={"Accept": "application/json"}, method="GET", most=MOST))
        found = _object(reply)
        if reply.status != 200 or not found:
            self._known.failed[address] = self._ctx.now()
            raise self._unusable(f"{address} answered {reply.status} {_away(reply)}")
        self._known.documents[address] = (self._ctx.now(), found)
        return found

    def _keys(self, document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        keys = document.get("keys")
        return [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []

    def _address(self, name: str) -> str:
        found = self._about.get(name)
        if not isinstance(found, str) or not secure(found):
            raise self._unusable(f"its {name} is no address of https: {str(found)[:200]!r}")
        return found

    def _unusable(self, reason: str) -> Unavailable:
        """People are told that it does not work, the log why: who is not signed in need not know how the house is set up."""
        log.warning("the provider %s of tenant %s cannot be used: %s", self.issuer, self._ctx.tenant.name, reason)
        return Unavailable(_("the provider is unavailable; try again, or ask an administrator if it persists"), code="provider_away")


def _object(reply: Reply) -> Mapping[str, Any]:
    """What the answer says, if it is a JSON object; else nothing."""
    try:
        found = json.loads(reply.text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _away(reply: Reply) -> str:
    return reply.text[:200] if reply.status == 0 else ""
