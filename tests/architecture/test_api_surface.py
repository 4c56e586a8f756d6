"""What programs lean on since the last release stays: the HTTP API grows, and shrinks only with a new version of it.

`python -m tests.architecture.test_api_surface` writes `api_surface.json` anew, at each release.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from core.app import create_app
from core.config import Config
from core.identity import tokens
from core.platform import Platform, boot
from core.tenancy import lifecycle
from core.tenancy.lifecycle import NewTenant
from core.testkit.templates import Templates
from sdk.context import id_of
from tests.probe.fixtures import OURS

FILE = Path(__file__).parent / "api_surface.json"
_METHODS = ("get", "post", "put", "patch", "delete")
_DEEP = 3
"""How far into an answer one looks; what is deeper is mostly the same again."""
type_surface = dict[str, dict[str, list[str]]]


def surface(document: Mapping[str, Any]) -> dict[str, Any]:
    """By operation (`GET /api/v1/…`) the parameters and members of the body, those that must be given with "!", and those of the answer."""
    operations: type_surface = {}
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if operation := methods.get(method):
                operations[f"{method.upper()} {path}"] = _of(document, operation)
    return {"version": document["info"]["version"], "operations": operations}


def _of(document: Mapping[str, Any], operation: Mapping[str, Any]) -> dict[str, list[str]]:
    named = [_resolved(document, one) for one in operation.get("parameters", ())]
    # a filter for each field and operator: the fields themselves are in the answer
    taken = sorted(one["name"] + ("!" if one.get("required") else "") for one in named if "[" not in one["name"])
    body = _resolved(document, operation.get("requestBody", {})).get("content", {})
    answers = [_resolved(document, one) for code, one in operation["responses"].items() if code.startswith("2")]
    given = {
        member for answer in answers for kind in answer.get("content", {}).values() for member in _members(document, kind.get("schema", {}))
    }
    asked = sorted({member for kind in body.values() for member in _members(document, kind.get("schema", {}), required=True)})
    return {name: words for name, words in (("takes", taken), ("body", asked), ("gives", sorted(given))) if words}


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        _root, kind, group, name = schema["$ref"].split("/")
        schema = document[kind][group][name]
    return schema


def _members(document: Mapping[str, Any], schema: Mapping[str, Any], *, required: bool = False, deep: int = 0) -> Iterator[str]:
    schema = _resolved(document, schema)
    for way in ("allOf", "oneOf", "anyOf"):
        for part in schema.get(way, ()):
            yield from _members(document, part, required=required and way == "allOf", deep=deep)
    if "items" in schema:
        yield from _members(document, schema["items"], required=required, deep=deep)
    for name, inner in schema.get("properties", {}).items():
        yield name + ("!" if required and name in schema.get("required", ()) else "")
        if deep + 1 < _DEEP:
            yield from (f"{name}.{one}" for one in _members(document, inner, required=required, deep=deep + 1))


def broken(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What was promised and does not hold any more."""
    found = []
    for name, promised in before["operations"].items():
        here = now["operations"].get(name)
        if here is None:
            found.append(f"{name} is gone")
            continue
        for what, verb in (("takes", "take"), ("body", "take")):
            known, there = promised.get(what, []), here.get(what, [])
            names = {one.rstrip("!") for one in there}
            found += [f"{name} does not {verb} {one.rstrip('!')!r} any more" for one in known if one.rstrip("!") not in names]
            # within a part that may be left out nothing must be given
            found += [f"{name} must be given {one.rstrip('!')!r} now" for one in there if one.endswith("!") and one not in known]
        found += [f"{name} does not give {one!r} any more" for one in promised.get("gives", []) if one not in here.get("gives", [])]
    return found


def _document(platform: Platform) -> Mapping[str, Any]:
    """What an administrator of a company with every plugin of ours may call."""
    tenant = lifecycle.create(platform, NewTenant("surface", "en", "UTC", "USD", shown=True))
    work = platform.system(tenant.id)
    lifecycle.add_person(work, "Ann", "ann@surface.example", ["admin"], None)
    (ann,) = (row for row in work.records("core.user").find(()) if row["email"] == "ann@surface.example")
    with work.transaction(write=True):
        _id, token = tokens.issue(work, id_of(ann), "surface")
    answer = create_app(platform).test_client().get("/api/v1/openapi.json", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def _of_ours(home: Path) -> Mapping[str, Any]:
    with Templates(home).copy(OURS) as url:
        booted = boot(Config(home, url), entry_points=OURS, check_schema=False)
        try:
            return _document(booted)
        finally:
            booted.close()


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """The OpenAPI document of all plugins of ours."""
    return _of_ours(tmp_path_factory.mktemp("surface"))


@pytest.fixture(scope="module")
def now(document: Mapping[str, Any]) -> dict[str, Any]:
    """The API of today."""
    return surface(document)


@pytest.mark.feature("P26")
def test_nothing_that_programs_lean_on_is_gone_without_a_new_version_of_the_api(now: dict[str, Any]) -> None:
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    gone = broken(kept, now)
    assert not gone or int(now["version"]) > int(kept["version"]), f"{gone[:20]}: keep it beside the new one, or raise the API's version"


ACCOUNTS = "/api/v1/customers/accounts"
BREAKS: dict[str, tuple[str, str, str, str, str]] = {
    "a parameter that is gone": ("remove", f"GET {ACCOUNTS}", "takes", "limit", "does not take 'limit' any more"),
    "a field that cannot be written any more": ("remove", f"POST {ACCOUNTS}", "body", "city", "does not take 'city' any more"),
    "a field that must be given now": ("append", f"POST {ACCOUNTS}", "body", "size!", "must be given 'size' now"),
    "a member of the answer that is gone": ("remove", f"GET {ACCOUNTS}/{{id}}", "gives", "name", "does not give 'name' any more"),
}


@pytest.mark.parametrize("why", BREAKS)
def test_a_break_is_seen(why: str, now: dict[str, Any]) -> None:
    act, operation, what, member, said = BREAKS[why]
    changed = deepcopy(now)
    getattr(changed["operations"][operation][what], act)(member)
    assert broken(now, changed) == [f"{operation} {said}"]
    assert not broken(changed, now) or act == "append", "to add what may be left out breaks nothing"


def test_an_address_that_is_gone_is_seen_and_a_new_one_breaks_nothing(now: dict[str, Any]) -> None:
    changed = deepcopy(now)
    changed["operations"]["GET /api/v1/new"] = {"takes": ["x!"]}
    assert broken(now, changed) == []
    assert broken(changed, now) == ["GET /api/v1/new is gone"]


def test_every_link_of_our_plugins_leads_to_an_operation_also_where_a_route_stands_in_a_collections_place(
    document: Mapping[str, Any],
) -> None:
    operations = [one for methods in document["paths"].values() for method, one in methods.items() if method in _METHODS]
    there = {one["operationId"] for one in operations}
    linked = {
        link["operationId"] for one in operations for answer in one["responses"].values() for link in answer.get("links", {}).values()
    }
    assert "import_export.file.get" in linked
    assert not linked - there


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        found = surface(_of_ours(Path(folder)))
    lines = [f"{json.dumps(name)}: {json.dumps(members, sort_keys=True)}" for name, members in sorted(found["operations"].items())]
    FILE.write_text(f'{{"version": "{found["version"]}", "operations": {{\n' + ",\n".join(lines) + "\n}}\n", encoding="utf-8")
