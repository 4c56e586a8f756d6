"""The pages, as their reader gets them: what a page counts, names or draws by itself passes no list of the API."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import product
from random import Random

from core.testkit.leaks.asker import Asker
from core.testkit.leaks.oracle import Oracle
from core.testkit.leaks.questions import Question, answered, over_http
from core.testkit.leaks.world import World
from sdk import PageRoute

_PARAMETER = re.compile(r"\{([a-z_]+)\}")
_BIN = "/bin"
"""What is deleted is judged by itself (see `core.testkit.leaks.judged`): it may rightly differ in the other world."""
MARK = re.compile(rb'name="once" value="[^"]*"')
"""By which a form is known that is sent twice: another on each page."""


def pages(world: World, oracle: Oracle, random: Random, most: int | None, only: Collection[str] | None = None) -> Iterator[Question]:
    """Some of all addresses of pages, or all of them: for lists, and for records that are seen and records that are not. A page that is about no
    entity goes by its own name. `only`: about these entities alone, and all that their plugins show beside them, which no choice leaves out."""
    frame = world.platform.frame
    if frame is None:
        return
    plugins = () if only is None else {name.partition(".")[0] for name in only}
    asked, beside = list[tuple[str, str]](), list[tuple[str, str]]()
    for page in world.platform.pages:
        if page.plugin in world.system.enabled and not page.path.endswith(_BIN):
            start = frame.prefix + ("" if page.plugin == frame.plugin else f"/{page.plugin}")
            for name, path in _filled(world, oracle, page, random, only, few=most is not None):
                if name or only is None:
                    asked.append((name or page.full_key, start + path))
                elif page.plugin in plugins:
                    beside.append((page.full_key, start + path))
    for name, path in beside + (asked if most is None or len(asked) <= most else random.sample(asked, most)):
        yield _page(name, path)


def _filled(
    world: World, oracle: Oracle, page: PageRoute, random: Random, only: Collection[str] | None, *, few: bool
) -> Iterator[tuple[str, str]]:
    """The path of a page with all that stands for something filled in, and the entity that it is about."""
    names = _PARAMETER.findall(page.path)
    if {"plugin", "plural"} <= {*names}:
        entities = [name for name in world.shapes if oracle.named(name) and (only is None or name in only)]
        about = random.sample(entities, min(3, len(entities))) if few else entities
    else:
        plural = page.path.split("/")[1] if page.path.count("/") > 1 else ""
        about = [name for name, shape in world.shapes.items() if (shape.entity.plugin, shape.entity.plural) == (page.plugin, plural)]
        if {*names} - ({"id"} if about else set()):
            return
        about = about or [""]
    for name in about if only is None else [name for name in about if not name or name in only]:
        for filling in _fillings(world, oracle, name, names, random):
            yield name, _PARAMETER.sub(lambda found, filling=filling: filling[found[1]], page.path)  # type: ignore[misc]


def _fillings(world: World, oracle: Oracle, name: str, names: list[str], random: Random) -> Iterator[Mapping[str, str]]:
    if not name:
        yield {}
        return
    entity, choices = world.shapes[name].entity, dict[str, list[str]]()
    for one in names:
        if one == "id":
            choices[one] = [str(id) for id in Asker(world, oracle, name, random).chosen()]
        elif one == "field":
            choices[one] = [random.choice(sorted(world.shapes[name].fields))]
        else:
            choices[one] = [getattr(entity, one, "")]
    for filled in product(*choices.values()):
        yield dict(zip(choices, filled, strict=True))


def _page(name: str, path: str) -> Question:
    def ask(world: World) -> bytes:
        status, headers, body = over_http(world, "GET", path)
        return answered(status, headers, MARK.sub(b"", body))

    return Question("page", name, f"GET {path}", ask)
