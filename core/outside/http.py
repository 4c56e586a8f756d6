"""One HTTP request to an address that people have typed: it must not become a way into the house.

The standard library is enough: it follows no redirects, knows no proxies, and lets the connection go to the very address
that was looked at (a name that answers differently the second time gains nothing).
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from urllib.parse import urlsplit

from sdk import Invalid, Problem, _
from sdk.calls import Call, Reply

PATIENCE = 10.0
"""Seconds of silence."""
LONGEST = 20.0
"""Seconds for all of it, however steadily it drips."""
EXCERPT = 2_000
"""Characters of a failure that are kept."""
MOST = 1_000_000
"""Bytes of an answer that are read, whatever was asked for."""
METHODS = frozenset({"GET", "POST", "PUT", "PATCH"})
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
type_address = ipaddress.IPv4Address | ipaddress.IPv6Address


class _Refused(Exception):
    """The address leads into the house."""


def check_url(url: str) -> None:
    """Raise Invalid for what is no address of http or https."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and parts.username is None
    except ValueError:
        fits = False
    if not fits or not url.isascii() or not url.isprintable() or " " in url or len(url) > 500:
        text = _("expected a URL such as https://erp.example/hook without a user name")
        raise Invalid(_("some values are invalid"), problems=[Problem("url", "malformed", text)])


def inside(address: type_address) -> bool:
    """Whether an address is loopback, private, link-local, or otherwise none of the public internet, in whatever disguise."""
    if isinstance(address, ipaddress.IPv6Address):
        hidden = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if hidden is not None:
            return inside(hidden)
        if address in _NAT64:
            return inside(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return not address.is_global or address.is_multicast


def call(request: Call, *, private: bool) -> Reply:
    """Make the request. Raises Invalid for an address or a method that is none; all else is a Reply, failures with status 0."""
    check_url(request.url)
    if request.method not in METHODS:
        raise Invalid(_("some values are invalid"), problems=[Problem("method", "unknown_choice", _("expected GET, POST, PUT or PATCH"))])
    try:
        return _made(request, private)
    except _Refused as refused:
        return Reply(0, str(refused))
    except (OSError, http.client.HTTPException, ValueError) as failure:
        return Reply(0, f"{type(failure).__name__}: {failure}"[:EXCERPT])


def _made(request: Call, private: bool) -> Reply:
    parts = urlsplit(request.url)
    host = str(parts.hostname)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(host, parts.port, timeout=PATIENCE, context=ssl.create_default_context())
    else:
        connection = http.client.HTTPConnection(host, parts.port, timeout=PATIENCE)
    place = _looked_at(host, connection.port, private)
    connection._create_connection = lambda _asked, *more: socket.create_connection(place, *more)  # type: ignore[attr-defined]
    over = threading.Timer(LONGEST, _cut, (connection,))
    over.daemon = True
    over.start()
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(request.method, path, request.body or None, {"User-Agent": "Dealwright", **request.headers})
        answer = connection.getresponse()
        return Reply(answer.status, answer.read(min(request.most, MOST)).decode("utf-8", "replace").replace("\x00", ""))
    finally:
        over.cancel()
        connection.close()


def _looked_at(host: str, port: int, private: bool) -> tuple[str, int]:
    """The first of the host's addresses; raises where any of them is inside."""
    found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for word in () if private else found:
        if inside(ipaddress.ip_address(word.partition("%")[0])):
            raise _Refused(f"{host} is an address inside ({word}); DEALWRIGHT_PRIVATE_HOOKS=true lets us call it")
    return found[0], port


def _cut(connection: http.client.HTTPConnection) -> None:
    if connection.sock is not None:
        with contextlib.suppress(OSError):  # it ended by itself
            socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)
