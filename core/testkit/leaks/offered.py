"""What plugins make of any entity, where they are there: reports and their files, and what webhooks tell."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection, Iterator, Sequence
from importlib.metadata import EntryPoint, entry_points
from random import Random

import orjson

from core.extension.discover import GROUP, discover
from core.testkit.leaks.oracle import Oracle
from core.testkit.leaks.questions import Question, http, over_http, undone
from core.testkit.leaks.world import World, place_of
from sdk import Event, Verb, Watch, where
from sdk.context import id_of
from sdk.fields import ReportRole
from sdk.reporting import Report

OFFERING = ("automation", "console", "reports")
"""Who shows any plugin's records: in webhooks, on pages, in reports."""
_REPORTS, _WEBHOOK, _DELIVERY = "reports", "automation.webhook", "automation.delivery"


def with_offering(points: Sequence[EntryPoint]) -> tuple[EntryPoint, ...]:
    """These plugins, and those that show their records, where they are installed and require nobody who is not there."""
    found = {point.name: point for point in points}
    for point in entry_points(group=GROUP):
        if point.name in OFFERING and point.name not in found:
            (plugin,) = discover(None, [point])
            if plugin.manifest is not None and {*plugin.manifest.required} - {"core"} <= {*found, *OFFERING}:
                found[point.name] = point
    return tuple(found.values())


def of_entity(world: World, oracle: Oracle, name: str, random: Random) -> Iterator[Question]:
    """A report about an entity, and what a webhook tells of it."""
    shape = world.shapes[name]
    dimensions = [field.name for field in shape.fields.values() if field.role is ReportRole.DIMENSION]
    if dimensions and _REPORTS in world.system.enabled:
        query = [("entity", name), ("measure", "count"), ("by", random.choice(dimensions))]
        yield http("report", name, "GET", "/api/v1/reports/query", query)
        yield http("file", name, "GET", "/api/v1/reports/query", [*query, ("format", "csv")])
    tells = _WEBHOOK in world.shapes and not name.startswith("automation.") and not shape.table.info.get("view")
    if tells and oracle.rights(shape.entity, Verb.READ):
        yield _webhook(name, oracle)


def reports(world: World, only: Collection[str] | None = None) -> Iterator[Question]:
    """The reports that plugins have declared, and their files; `only`: those of these entities' plugins."""
    plugins = None if only is None else {name.partition(".")[0] for name in only}
    for number, report in enumerate(world.system.declared(Report) if _REPORTS in world.system.enabled else ()):
        if plugins is not None and report.plugin not in plugins:
            continue
        path = f"/api/v1/reports/reports/{report.full_key}"
        yield http("report", "", "GET", path)
        yield http("file", "", "GET", path, [("format", "csv")])
        if number % 5 == 0:
            yield Question("file", "", f"GET {path}, as a workbook", lambda world, path=path: _workbook(world, path))  # type: ignore[misc]


def _workbook(world: World, path: str) -> bytes:
    """The sheets of a workbook: the file itself tells when it was made."""
    status, _headers, body = over_http(world, "GET", path, [("format", "xlsx")])
    if status != 200:
        return b"%d %s" % (status, body)
    with zipfile.ZipFile(io.BytesIO(body)) as book:
        return b"\n".join(book.read(name) for name in sorted(book.namelist()) if not name.startswith("docProps/"))


def _webhook(name: str, oracle: Oracle) -> Question:
    """What an address of the user's is told when all records of an entity change in all fields."""

    def ask(world: World) -> bytes:
        ids = sorted(oracle.rows[place_of(world.shapes[name].entity)])
        told = [Event(f"{name}.updated", id, {"fields": sorted(world.shapes[name].fields)}) for id in ids]
        with undone(world) as user:
            work = user.as_system()
            hook = {"name": "hook", "url": "https://hook.example", "entity": name, "owner": world.cast.me}
            id = id_of(work.records(_WEBHOOK).create(hook))
            if told:
                hear = next(one.handler for one in work.declared(Watch) if one.full_key == f"{_WEBHOOK}s")
                hear(work, told)
            kept = work.records(_DELIVERY).find(where(webhook=id))
            return orjson.dumps(sorted((str(row["subject"]), row["payload"]) for row in kept), default=str)

    return Question("webhook", name, f"the payloads of {name}.updated", ask)
