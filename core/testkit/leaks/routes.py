"""The addresses of plugins' own routes, for the records that are there."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from random import Random

from core.testkit.leaks.asker import Asker
from core.testkit.leaks.oracle import Oracle
from core.testkit.leaks.questions import Question, http
from core.testkit.leaks.world import World


def routes(world: World, oracle: Oracle, only: Collection[str] | None = None) -> Iterator[Question]:
    """Each address of a plugin that is read, for records that are seen and records that are not; `only`: of these entities and their plugins."""
    plugins = None if only is None else {name.partition(".")[0] for name in only}
    by_plural = {(shape.entity.plugin, shape.entity.plural): name for name, shape in world.shapes.items()}
    for route in world.platform.catalog.routes:
        if (
            route.method != "GET"
            or route.plugin not in world.system.enabled
            or "{token}" in route.path
            or (plugins is not None and route.plugin not in plugins)
        ):
            continue
        path = f"/api/v1/{route.plugin}{route.path}"
        if "{id}" in path:
            name = by_plural.get((route.plugin, route.path.split("/")[1]), "")
            if name and (only is None or name in only):
                for id in Asker(world, oracle, name, Random(0)).chosen():
                    yield http("route", name, "GET", path.replace("{id}", str(id)))
        elif "{entity}" in path:
            for name in world.shapes if only is None else only:
                yield http("route", name, "GET", path.replace("{entity}", name))
        elif "{" not in path:
            yield http("route", "", "GET", path)
