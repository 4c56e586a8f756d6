"""The network addresses from which a tenant's people may come in, with sessions as with tokens: ranges such as 203.0.113.0/24."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Iterable
from functools import lru_cache

from sdk import Forbidden, Invalid, Problem, _

log = logging.getLogger("dealwright.identity")
NAME = "allowed_addresses"
MOST = 200
type_network = ipaddress.IPv4Network | ipaddress.IPv6Network


def written(words: Iterable[str], own: str | None) -> str:
    """Ranges as they are kept; none: every address. Raises Invalid for what is no range, and where `own`, the address of who sets them, would
    stay outside (None for the operator, who comes from nowhere)."""
    ranges, problems = [], []
    for number, word in enumerate(words):
        try:
            ranges.append(str(ipaddress.ip_network(word)))
        except ValueError:
            text = _("expected an address or a range such as 203.0.113.0/24, with zeros after the prefix")
            problems.append(Problem(f"{NAME}.{number}", "malformed", text))
    made = " ".join(dict.fromkeys(ranges))
    if not problems and own is not None and not admits(made, own):
        text = _("your own address, {address}, is not included: you would lock yourself out")
        problems.append(Problem(NAME, "locks_out", text, {"address": own}))
    if problems:
        raise Invalid(_("some values are invalid"), problems=problems)
    return made


def shown(ranges: str) -> list[str]:
    """The ranges that are kept."""
    return ranges.split()


def admits(ranges: str, address: str) -> bool:
    """Whether somebody may come in from an address. One that nobody knows is in no range."""
    if not ranges:
        return True
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(known, ipaddress.IPv6Address) and known.ipv4_mapped is not None:
        known = known.ipv4_mapped
    return any(known in network for network in _networks(ranges))


def refusal(tenant: str, address: str) -> Forbidden:
    """What to raise for who comes from elsewhere."""
    log.warning("a request from %s, which is outside of the ranges of tenant %s", address, tenant)
    return Forbidden(
        _("sign-in is not allowed from your network address, {address}; ask an administrator"), code="address_not_allowed", address=address
    )


@lru_cache(maxsize=1_000)
def _networks(ranges: str) -> tuple[type_network, ...]:
    return tuple(map(ipaddress.ip_network, ranges.split()))
