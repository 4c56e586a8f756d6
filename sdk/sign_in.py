"""Ways to come in through another system, which says who somebody is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sdk.specs import Spec

if TYPE_CHECKING:
    from sdk.context import Context


@dataclass(frozen=True, slots=True)
class Referral:
    """Where a browser is sent to say who its person is, and what has to be known when it is back.

    `memory` stays with core, sealed for this browser and good for ten minutes, once; a thousand characters in all.
    """

    address: str
    memory: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is by the word of another system: `subject` names one person at `issuer` for ever, an e-mail does not.

    `email` finds somebody of the tenant at the first time, and only where `email_verified`: the system vouches that it is the person's.
    `roles`: what somebody comes in with who is not of the tenant yet; None: such people stay outside.
    """

    issuer: str
    subject: str
    email: str = ""
    email_verified: bool = False
    name: str = ""
    roles: tuple[str, ...] | None = None


@dataclass(frozen=True)
class SignInProvider(Spec):
    """A way to come in. Core keeps whom an identity belongs to, makes the session and writes the log; it ties the answer to the browser that asked.

    All three run as the system, outside of any transaction, so that they may `ctx.call`; settings of the plugin say what differs by tenant,
    and are changed by who may do everything, since they decide who comes in.
    """

    offered: Callable[[Context], str]
    """What its button says in the language of `ctx`; "" where the tenant has not set it up."""
    begin: Callable[[Context, str, str], Referral]
    """Given the address to come back to and the `state` to bring along; raises Unavailable where the other system does not answer."""
    finish: Callable[[Context, str, Mapping[str, str], Mapping[str, str]], Identity]
    """Given the same address, the memory, and the parameters that the browser brought. Raises Unauthenticated or Forbidden for who is not vouched for."""
