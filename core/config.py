"""Settings of one installation, from `dealwright.toml` and the environment; the environment wins."""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path

from core import master_key
from core.mail import smtp
from sdk.errors import DeclarationError


@dataclass(frozen=True)
class Config:
    """What is in force; `origins` says from where each value came."""

    home: Path
    database_url: str
    redis_url: str = ""
    plugins: tuple[str, ...] | None = None
    """Names to discover; None: all that are installed."""
    secret_key: str = ""
    max_body: int = 4 << 20
    max_upload: int = 200 << 20
    rate_limit: int = 60_000
    """Requests a minute with one token, in each process; 0: no limit."""
    drain: bool = True
    """Whether `serve` delivers events and runs jobs itself, in a thread."""
    url: str = "http://127.0.0.1:8000"
    """Where people reach us: what links in letters begin with."""
    proxies: int = 0
    """How many proxies of ours stand before `serve`: so many addresses at the end of X-Forwarded-For are to be believed."""
    private_hooks: bool = False
    """Whether webhooks may call addresses inside the house (loopback, private networks); else they are refused."""
    mail_url: str = ""
    """The server that takes our mail; see `core.mail.smtp.FORM`."""
    mail_from: str = ""
    """In whose name mail is sent; without it the user of `mail_url`."""
    metrics_token: str = ""
    """What a bearer from elsewhere has to send to read `/metrics`; "": they are read from this machine alone."""
    origins: Mapping[str, str] | None = None

    @cached_property
    def mail(self) -> smtp.Server | None:
        """The mail server, if there is one; raises DeclarationError where its address does not fit."""
        return smtp.parse(self.mail_url, self.mail_from)

    @property
    def https(self) -> bool:
        """Whether people reach us by https: then cookies travel by nothing else."""
        return self.url.startswith("https://")

    @cached_property
    def _key(self) -> bytes:
        return hashlib.sha256(self.secret_key.encode()).digest() if self.secret_key else master_key.read(self.home / "secret.key")

    def served_at(self, host: str, port: int) -> Config:
        """With the address at which `serve` listens, unless somebody says where people reach us."""
        if (self.origins or {}).get("url", "default") != "default":
            return self
        return replace(self, url=f"http://{'127.0.0.1' if host in ('0.0.0.0', '::', '') else host}:{port}")  # noqa: S104 (compared, not bound)

    def key(self) -> bytes:
        """The installation's master key, 32 bytes: from `secret_key`, else of a file in its home, made at first use."""
        return self._key


_ENVIRONMENT = {
    "home": "DEALWRIGHT_HOME", "database_url": "DATABASE_URL", "redis_url": "REDIS_URL", "plugins": "DEALWRIGHT_PLUGINS",
    "secret_key": "DEALWRIGHT_SECRET_KEY", "max_body": "DEALWRIGHT_MAX_BODY", "max_upload": "DEALWRIGHT_MAX_UPLOAD",
    "rate_limit": "DEALWRIGHT_RATE_LIMIT", "drain": "DEALWRIGHT_DRAIN", "url": "DEALWRIGHT_URL", "proxies": "DEALWRIGHT_PROXIES",
    "private_hooks": "DEALWRIGHT_PRIVATE_HOOKS",
    "mail_url": "MAIL_URL", "mail_from": "MAIL_FROM", "metrics_token": "DEALWRIGHT_METRICS_TOKEN",
}  # fmt: skip


def load(environment: Mapping[str, str] | None = None, folder: Path | None = None) -> Config:
    """The configuration of `folder` (default: here). Raises DeclarationError naming a key that does not exist or fit."""
    environment = os.environ if environment is None else environment
    file = (folder or Path.cwd()) / "dealwright.toml"
    written = _read(file)
    origins = dict.fromkeys(_ENVIRONMENT, "default")
    found: dict[str, object] = {}
    for key, variable in _ENVIRONMENT.items():
        if environment.get(variable):
            found[key], origins[key] = environment[variable], f"environment {variable}"
        elif key in written:
            found[key], origins[key] = written[key], str(file)
    home = Path(str(found.get("home", "var"))).absolute()
    config = Config(home, _url(str(found.get("database_url", "")), home))
    typed = {key: _typed(key, value) for key, value in found.items() if key not in ("home", "database_url")}
    made = replace(config, **typed, origins=origins)  # type: ignore[arg-type]
    _ = made.mail  # an address that does not fit is refused here, not when the first letter is due
    return made


def _read(file: Path) -> dict[str, object]:
    if not file.exists():
        return {}
    try:
        written = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as failure:
        raise DeclarationError(f"{file}: not a TOML file: {failure}; correct it") from failure
    if unknown := sorted(set(written) - set(_ENVIRONMENT)):
        raise DeclarationError(f"{file}: unknown key {unknown[0]!r}; there are {', '.join(_ENVIRONMENT)}")
    return written


_LEAST_TOKEN = 16
_TRUTHS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
_NUMBERS = {"max_body": "bytes", "max_upload": "bytes", "rate_limit": "requests", "proxies": "proxies"}


def _typed(key: str, value: object) -> object:
    if key == "plugins":
        names = value.split(",") if isinstance(value, str) else value
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise DeclarationError(f"plugins: expected a list of names, got {value!r}")
        return tuple(name.strip() for name in names if name.strip())
    if unit := _NUMBERS.get(key):
        if not str(value).isdigit():
            raise DeclarationError(f"{key}: expected a number of {unit}, got {value!r}")
        return int(str(value))
    if key == "url":
        if not re.match(r"https?://[^\s/?#]+(/[^\s?#]*)?\Z", str(value)):
            raise DeclarationError(f"url: expected an address such as https://crm.example.com, got {value!r}")
        return str(value).rstrip("/")
    if key == "metrics_token" and len(str(value)) < _LEAST_TOKEN:
        raise DeclarationError(f"metrics_token: expected at least {_LEAST_TOKEN} characters; make one with `openssl rand -hex 32`")
    if key in ("drain", "private_hooks"):
        if str(value).lower() not in _TRUTHS:
            raise DeclarationError(f"{key}: expected true or false, got {value!r}")
        return _TRUTHS[str(value).lower()]
    return str(value)


def _url(url: str, home: Path) -> str:
    return database_address(url) or f"sqlite:///{home / 'dealwright.sqlite3'}"


def database_address(url: str) -> str:
    """A database's URL as people write it, with the driver that we use."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def shown(config: Config) -> list[tuple[str, str, str]]:
    """Key, value and origin for people; secrets are not shown."""
    rows = []
    for item in fields(config):
        if item.name == "origins":
            continue
        value = str(getattr(config, item.name))
        if item.name in ("secret_key", "metrics_token") and value:
            value = "(set)"
        if "@" in value and "://" in value:
            scheme, _sep, rest = value.partition("://")
            value = f"{scheme}://…@{rest.rpartition('@')[2]}"
        rows.append((item.name, value, (config.origins or {}).get(item.name, "default")))
    return rows
