"""What our plugins offer to ask beside the registry: reports and their files, and what webhooks tell."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from random import Random

import orjson

from core.testkit.leaks.oracle import Oracle
from core.testkit.leaks.questions import Question, http, over_http, undone
from core.testkit.leaks.world import World, place_of
from plugins.automation import webhooks
from sdk import Event, Verb, where
from sdk.context import id_of
from sdk.fields import ReportRole
from sdk.reporting import Report

WAIVERS: Mapping[tuple[str, str], str] = {
    ("duplicates", ""): "how many likely duplicates there are is told to who would make another: decision 0019",
    ("route", "import_export.import"): "fails alike in both: a made-up import holds no JSON where its plugin writes some",
    ("page", "import_export.import"): "fails alike in both, as its routes do",
    ("page", "reports.dashboard"): "shows the tiles of dashboards to whom these are meant for, whatever rights they have on tiles",
    ("page", "web_forms.form"): "shows the link of a form",
    ("route", "web_forms.form"): "the link of a form is of its installation and its moment, and so differs between the two",
    ("route", "forecast.run"): "fails alike in both: a made-up run holds no JSON where its plugin writes some",
    ("route", "forecast.result"): "fails alike in both: a made-up back-test holds no JSON where its plugin writes some",
}  # fmt: skip


WORKED_OUT = {
    "pipeline.deal": {"forecast.weighted": ("amount", "probability"), "forecast.weighted_base": ("base_amount", "probability")},
}  # fmt: skip
"""A weighted amount is granted as its deal's own fields are (`plugins.forecast.weighted`)."""


def more(world: World, oracle: Oracle) -> Iterator[Question]:
    """The questions about what these plugins make of the registry."""
    yield from _reports(world, oracle)
    for name, shape in world.shapes.items():
        if name.partition(".")[0] != "automation" and oracle.rights(shape.entity, Verb.READ) and not shape.table.info.get("view"):
            yield _webhook(name, oracle)


def _reports(world: World, oracle: Oracle) -> Iterator[Question]:
    random = Random(0)
    for name, shape in world.shapes.items():
        dimensions = [field.name for field in shape.fields.values() if field.role is ReportRole.DIMENSION]
        if dimensions and random.random() < 0.3:
            yield http(
                "report", name, "GET", "/api/v1/reports/query", [("entity", name), ("measure", "count"), ("by", random.choice(dimensions))]
            )
    for number, report in enumerate(world.system.declared(Report)):
        path = f"/api/v1/reports/reports/{report.full_key}"
        yield http("report", "", "GET", path)
        yield http("file", "", "GET", path, [("format", "csv")])
        if number % 5 == 0:
            yield Question("file", "", f"GET {path}, as a workbook", lambda world, path=path: _workbook(world, path))


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
            id = id_of(work.records(webhooks.WEBHOOK).create(hook))
            if told:
                webhooks.hear(work, told)
            kept = work.records(webhooks.DELIVERY).find(where(webhook=id))
            return orjson.dumps(sorted((str(row["subject"]), row["payload"]) for row in kept), default=str)

    return Question("webhook", name, f"the payloads of {name}.updated", ask)
