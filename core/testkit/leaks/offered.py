"""What plugins show of anybody's records, by the questions that they offer themselves (see `sdk.leaks`)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache, partial
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from random import Random

import orjson

from core.extension.discover import GROUP, discover
from core.testkit.leaks.oracle import Oracle
from core.testkit.leaks.pages import MARK
from core.testkit.leaks.questions import Question, answered, over_http, undone
from core.testkit.leaks.world import World, place_of
from sdk import Context, Verb
from sdk.leaks import About, Asked, Shows

_BESIDE = "leaks"


def with_offering(points: Sequence[EntryPoint]) -> tuple[EntryPoint, ...]:
    """These plugins, and those that offer questions, where they are installed and require nobody who is not there."""
    found = {point.name: point for point in points}
    offering = {point.name: point for point in entry_points(group=GROUP) if point.name not in found and _offers(point.module)}
    for plugin in discover(None, list(offering.values())):
        if plugin.manifest is not None and {*plugin.manifest.required} - {"core"} <= {*found, *offering}:
            found[plugin.name] = offering[plugin.name]
    return tuple(found.values())


def of_entity(world: World, oracle: Oracle, name: str, random: Random) -> Iterator[Question]:
    """What plugins show of the records of an entity."""
    shape = world.shapes[name]
    ids, readable = sorted(oracle.rows.get(place_of(shape.entity), ())), bool(oracle.rights(shape.entity, Verb.READ))
    for shows in _shows(world):
        for asked in shows.of_entity(About(shape.entity, shape.fields, ids, readable, random)):
            if asked.answer is None or world.allows is None:  # what acts later acts as its owner, who may do more than a token
                yield _question(name, asked)


def besides(world: World, only: Collection[str] | None = None) -> Iterator[Question]:
    """What they show besides; `only`: of what these entities' plugins have declared."""
    plugins = None if only is None else {name.partition(".")[0] for name in only}
    for shows in _shows(world):
        for asked in shows.besides(world.system, plugins):
            yield _question("", asked)


@cache
def _offers(module: str) -> bool:
    package = module.rpartition(".")[0]
    return bool(package) and find_spec(f"{package}.{_BESIDE}") is not None


def _shows(world: World) -> Iterator[Shows]:
    for plugin in world.platform.plugins:
        if plugin.serves and plugin.name in world.system.enabled and plugin.module is not None and _offers(plugin.module.__name__):
            yield import_module(f"{plugin.module.__name__.rpartition('.')[0]}.{_BESIDE}").SHOWS


def _question(name: str, asked: Asked) -> Question:
    def ask(world: World) -> bytes:
        status, headers, body = over_http(world, "GET", asked.words, asked.query)
        return _unpacked(body) if body.startswith(b"PK\x03\x04") else answered(status, headers, MARK.sub(b"", body))

    if asked.answer is not None:
        return Question(asked.kind, name, asked.words, partial(_worked, asked.answer))
    query = "&".join(f"{key}={value}" for key, value in asked.query)
    return Question(asked.kind, name, f"GET {asked.words}?{query}", ask)


def _worked(answer: Callable[[Context], object], world: World) -> bytes:
    made: object = None
    with undone(world) as work:
        made = answer(work)
    return orjson.dumps(made, default=str)


def _unpacked(body: bytes) -> bytes:
    """The parts of a workbook, or of another such archive: the file itself tells when it was made."""
    with zipfile.ZipFile(io.BytesIO(body)) as book:
        return b"\n".join(book.read(name) for name in sorted(book.namelist()) if not name.startswith("docProps/"))
