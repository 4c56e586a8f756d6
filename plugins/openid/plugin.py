"""The menu of the OpenID Connect plugin."""

from __future__ import annotations

from collections.abc import Sequence

from plugins.openid import sign_in
from plugins.openid.settings import OpenId
from sdk import ANY_HOST, Capabilities, Manifest, Settings, SignInProvider, _, hookimpl

manifest = Manifest(
    name="openid",
    version="0.1",
    title=_("OpenID Connect"),
    summary=_("Sign in with your company’s identity provider."),
    capabilities=Capabilities(network=(ANY_HOST,)),  # the provider is what the tenant's settings name
)


@hookimpl
def register_settings() -> Sequence[Settings]:
    return (Settings(OpenId),)


@hookimpl
def register_sign_in() -> Sequence[SignInProvider]:
    return (SignInProvider("connect", sign_in.offered, sign_in.begin, sign_in.finish),)
