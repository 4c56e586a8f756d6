"""Platforms of one process: the plugins are read once, each test has a platform of its own over them in a millisecond."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from importlib.metadata import EntryPoint
from typing import Any

from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy.util import LRUCache

from core.config import Config
from core.extension.catalog import Catalog
from core.platform import Platform, boot, type_clock

_MOST_STATEMENTS = 10_000
type_held = Mapping[str, object]


class Statements:
    """What SQLAlchemy has compiled, for all engines that speak to one kind of database: they differ in nothing but where it is.

    SQLAlchemy's own memory ends with its engine; the keys begin with the engine's dialect, which is all that tells two engines apart.
    """

    def __init__(self) -> None:
        self._kept: LRUCache[Any, Any] = LRUCache(_MOST_STATEMENTS)

    def get(self, key: tuple[object, ...]) -> object:
        """What was compiled, or None."""
        return self._kept.get(key[1:])

    def __setitem__(self, key: tuple[object, ...], compiled: object) -> None:
        self._kept[key[1:]] = compiled


class Pages(BytecodeCache):
    """What Jinja has compiled of templates, by their names and their texts."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take what was compiled, where it was."""
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it."""
        self._kept[bucket.key, bucket.checksum] = bucket.code


@cache
def pages(_locale: str) -> Pages:
    """One for each locale of a process."""
    return Pages()


class Platforms:
    """Boots platforms that share what does not depend on the database. A test that has changed what was declared had the last of them."""

    def __init__(self) -> None:
        self._models: dict[tuple[object, ...], tuple[Platform, type_held]] = {}
        self._statements = {True: Statements(), False: Statements()}

    def boot(self, config: Config, clock: type_clock, points: Sequence[EntryPoint] | None, *, alone: bool = False) -> Platform:
        """A platform over the database of `config`; one that is `alone` shares nothing but statements and pages, as code of ours is changed under it."""
        made = self._fresh(config, clock, points) if alone else self._model(config, clock, points).on(config, clock)
        made.database.engine.update_execution_options(compiled_cache=self._statements[made.database.is_sqlite])
        made.templates.compiled = pages
        return made

    def _model(self, config: Config, clock: type_clock, points: Sequence[EntryPoint] | None) -> Platform:
        key = (None if points is None else tuple(points), config.plugins, config.database_url.partition(":")[0])
        there = self._models.get(key)
        if there is not None and there[1] == _held(there[0].catalog):
            return there[0]
        made = self._fresh(config, clock, points)
        made.close()
        self._models[key] = made, _held(made.catalog)
        return made

    @staticmethod
    def _fresh(config: Config, clock: type_clock, points: Sequence[EntryPoint] | None) -> Platform:
        return boot(config, clock=clock, entry_points=points, check_schema=False)


def _held(catalog: Catalog) -> type_held:
    """What a catalogue holds; a copy that later changes leave alone. Specs are frozen, so the containers say it all."""
    return {part.name: _copied(getattr(catalog, part.name)) for part in fields(catalog)}


def _copied(part: object) -> object:
    if isinstance(part, dict):
        return {key: _copied(value) for key, value in part.items()}
    return [*part] if isinstance(part, list) else part
