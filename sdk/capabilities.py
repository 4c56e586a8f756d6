"""What a plugin needs beyond what is its own: shown to an administrator, approved for each tenant, and enforced."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sdk.names import misshapen, words_in
from sdk.permissions import ALL_FIELDS, Verb

ANY_HOST: Final = "any"
"""In `network`: whichever host people have typed, as for webhooks."""
_DATA = re.compile(r"(?P<name>([a-z][a-z0-9_]*[.][a-z][a-z0-9_]*|[*])([.][a-z_]+)?)(:(?P<fields>[*]|[a-z0-9_.]+(,[a-z0-9_.]+)*))?\Z")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?\Z")
_JOB = re.compile(r"([a-z][a-z0-9_]*[.])?[a-z][a-z0-9_]*\Z")
_KINDS, _SWITCHES = ("data", "network", "jobs", "api"), ("mail", "files")
_VERBS = frozenset(verb.value for verb in Verb)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """An allow-list: a plugin's own entities, and the fields that it adds to those of others, are free; everything else is named here.

    `data` names entities of others as allow-lists of tokens do: `"customers.account.read:name,phone"` (one verb and its fields),
    `"customers.account:*"` (all verbs, all fields, also those to come), `"customers.account.delete"`; `"*.read:*"` is any entity.
    `network` names the hosts that `ctx.call` may speak to, or `ANY_HOST`. `jobs` names its own jobs and schedules (`"remind"`), and
    jobs of others that it asks for (`"documents.issue"`). `mail`: it sends letters; `files`: it keeps files and opens kept ones.
    `api` names plugins ("core" is the platform, "*" all) whose routes its pages ask in the name of who looks at them (`ctx.api`).
    What is wrong with it is told by its manifest, with the manifest's own mistakes.
    """

    data: tuple[str, ...] = ()
    network: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    api: tuple[str, ...] = ()
    mail: bool = False
    files: bool = False

    def mistakes(self) -> Iterator[str]:
        """What is wrong with it and how to mend it, all of it."""
        for kind in _KINDS:
            if mistake := misshapen(kind, getattr(self, kind)):
                yield mistake
        yield from filter(None, map(_mistake, words_in(self.data)))
        for host in words_in(self.network):
            if not _HOST.match(host):
                yield f"network {host!r}: expected a host such as 'api.example.com', or {ANY_HOST!r}"
        for job in words_in(self.jobs):
            if not _JOB.match(job):
                yield f"job {job!r}: expected a name such as 'remind', or 'documents.issue' of a partner"
        for plugin in words_in(self.api):
            if plugin != ALL_FIELDS and not _JOB.match(plugin):
                yield f"api {plugin!r}: expected the name of a plugin, 'core', or '*' for all"
        for kind in _SWITCHES:
            if not isinstance(given := getattr(self, kind), bool):
                yield f"{kind} {given!r}: expected True or False; write {kind}=True if you use it"

    def words(self) -> Iterator[str]:
        """Each capability as a word: `data customers.account.read:name`, `network api.example.com`, `jobs remind`, `mail`, `files`."""
        for kind in _KINDS:
            yield from (f"{kind} {word}" for word in getattr(self, kind))
        yield from (kind for kind in _SWITCHES if getattr(self, kind))


def _mistake(word: str) -> str:
    found = _DATA.match(word)
    if found is None:
        return f"data {word!r}: expected a word such as 'customers.account.read:name,phone'"
    verb = found["name"].rpartition(".")[2]
    whole = found["name"] == ALL_FIELDS or (found["name"].count(".") == 1 and not found["name"].startswith(ALL_FIELDS))
    if (whole or verb in _VERBS - {Verb.DELETE}) and found["fields"] is None:
        return f"data {word!r}: names no fields; write {word + ':name'!r} for those you use, or {word + ':*'!r} for all"
    return ""
