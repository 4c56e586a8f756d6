"""What was worked out with somebody else's eyes: a word that a person may not see is looked for in all that the person can read.

The kit's worlds differ in what is hidden, and nothing is worked out in them. Here the powerful have worked: what they exported, imported,
let rules do and sent has left texts behind, and none of those may tell the word to who could not read it where it stood.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence

from core.entities.shape import Shape
from core.testkit.fixtures import Api
from sdk import Entity

_MOST = 500
"""Records of an entity: a test has fewer."""
_EACH = 2
"""Of how many of them, the newest, each address is asked."""


class Listener:
    """One person, as whom all is read that has to do with some entities: `Listener(client.as_user(person), shapes)`."""

    def __init__(self, api: Api, shapes: Sequence[Shape]) -> None:
        self._api, self._shapes = api, shapes
        self._plugins = {shape.entity.plugin for shape in shapes}
        self._ids: dict[str, list[str]] = {}

    def hears(self, *words: str) -> list[str]:
        """The addresses whose answers say one of the words, or are failures of the server."""
        sought, found = [word.encode() for word in words], list[str]()
        for address, status, said in self.said():
            whole = said + _unpacked(said)
            if status >= 500 or any(word in whole for word in sought):
                found.append(address)
        return found

    def finds(self, *words: str) -> list[str]:
        """The fields by which a filter finds one of the words, although no answer says it."""
        return [
            f"{shape.entity.full_name}.{name}"
            for shape in self._shapes
            for name, field in shape.fields.items()
            if "contains" in field.operators
            if any(self._rows(shape.entity, f"?fields=id&{name}[contains]={word}") for word in words)
        ]

    def said(self) -> Iterator[tuple[str, int, bytes]]:
        """Every list, every history, every route and page of the plugins, each for the newest records that it is there for."""
        for shape in self._shapes:
            place = f"{shape.entity.plugin}/{shape.entity.plural}"
            self._ids[place] = [str(row["id"]) for row in self._rows(shape.entity, "?fields=id")[:_EACH]]
            yield self._asked(f"/api/v1/{place}?limit={_MOST}")
            for more in ("history", "timeline"):
                yield from self._of_each(place, f"/api/v1/{place}/{{id}}/{more}")
        platform = self._api.platform
        for route in platform.catalog.routes:
            if route.method == "GET" and "{token}" not in route.path and route.plugin in self._plugins:
                yield from self._at(f"/api/v1/{route.plugin}", route.plugin, route.path)
        for page in platform.pages:
            if platform.frame is not None and page.plugin in self._plugins - {platform.frame.plugin}:
                yield from self._at(f"{platform.frame.prefix}/{page.plugin}", page.plugin, page.path)

    def _at(self, start: str, plugin: str, path: str) -> Iterator[tuple[str, int, bytes]]:
        if path.count("{") == 1 and "{id}" in path:
            yield from self._of_each(f"{plugin}{path.partition('/{id}')[0]}", start + path)
        elif "{" not in path:
            yield self._asked(start + path)

    def _of_each(self, place: str, address: str) -> Iterator[tuple[str, int, bytes]]:
        for id in self._ids.get(place, ()):
            yield self._asked(address.replace("{id}", id))

    def _rows(self, entity: Entity, query: str) -> list[dict[str, object]]:
        answer = self._api.get(f"/api/v1/{entity.plugin}/{entity.plural}{query}&limit={_MOST}")
        return list(answer.json["data"]) if answer.status_code == 200 and answer.json is not None else []

    def _asked(self, address: str) -> tuple[str, int, bytes]:
        answer = self._api.get(address)
        return address, answer.status_code, bytes(answer.data)


def _unpacked(said: bytes) -> bytes:
    """What is in an archive, such as a workbook or a Word file."""
    if not said.startswith(b"PK\x03\x04"):
        return b""
    with zipfile.ZipFile(io.BytesIO(said)) as archive:
        return b"\n".join(archive.read(name) for name in archive.namelist())
