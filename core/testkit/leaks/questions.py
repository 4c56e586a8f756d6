"""Every way to ask, made from the registry: for each entity, and for each field of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import ne
from typing import Any

import orjson

from core.context import Work
from core.http.answers import OPTIONS
from core.http.openapi.sharing import parameters_of
from core.testkit.leaks.oracle import Oracle
from core.testkit.leaks.world import World
from sdk import Condition, Refusal

type_pairs = Sequence[tuple[str, str]]
SHORT = ("fields", "id")
"""Which records and in which order; what they hold is asked elsewhere, and short answers are found sooner."""
REFUSED = b"refused: "
"""How the answer to a write begins that a rule of validity did not take."""
WRONG = b"wrong: "
"""How an answer begins that is not as it has to be, whatever the other world says."""
_TOLD = ("Content-Type", "ETag", "Location", "Content-Disposition")


@dataclass(frozen=True)
class Question:
    """Something to ask a world; the answer is all that the user gets to see of it, as bytes."""

    kind: str
    entity: str
    words: str
    ask: Callable[[World], bytes]
    differ: Callable[[bytes, bytes], bool] = ne
    """Whether two answers tell the user something."""


class _UndoneError(Exception):
    """What was written as a question is taken back."""


@contextmanager
def undone(world: World) -> Iterator[Work]:
    """The user's context in a write transaction that is undone in the end."""
    work = world.user()
    try:
        with work.transaction(write=True):
            yield work
            raise _UndoneError
    except _UndoneError:
        return


def over_http(world: World, method: str, path: str, query: type_pairs = (), json: object = None) -> tuple[int, dict[str, str], bytes]:
    """One request of the user: status, the headers that tell something, body."""
    headers = {"Authorization": f"Bearer {world.token}", "X-Trace-Id": "leaks-00000001"}
    answer = world.app.open(path, method=method, query_string=list(query) or None, headers=headers, json=json)
    return answer.status_code, {name: answer.headers[name] for name in _TOLD if name in answer.headers}, world.neutral(answer.data)


def answered(status: int, headers: Mapping[str, str], body: bytes) -> bytes:
    """All of an answer that tells something."""
    return b"%d %s\n%s" % (status, orjson.dumps(headers, option=orjson.OPT_SORT_KEYS), body)


def http(kind: str, entity: str, method: str, path: str, query: type_pairs = (), json: object = None) -> Question:
    """A question that is one request."""

    def ask(world: World) -> bytes:
        status, headers, body = over_http(world, method, path, query, json)
        return answered(status, headers, body)

    words = f"{method} {path}?{'&'.join(f'{name}={value}' for name, value in query)}" if query else f"{method} {path}"
    return Question(kind, entity, words + (f" {orjson.dumps(json, default=str).decode()}" if json is not None else ""), ask)


def aggregate(entity: str, measures: Sequence[str], by: Sequence[str], where: Sequence[Condition] = ()) -> Question:
    """A report, as plugins ask for it."""

    def ask(world: World) -> bytes:
        try:
            with (work := world.user()).transaction():
                found: object = work.records(entity).aggregate(measures, by, tuple(where))
        except Refusal as refusal:
            found = [refusal.status, refusal.code, str(refusal)]
        return orjson.dumps(found, option=OPTIONS, default=str)

    words = f"aggregate {','.join(measures)} by {','.join(by)}" + "".join(f" where {c.field} {c.operator} {c.values}" for c in where)
    return Question("report", entity, words, ask)


def described(oracle: Oracle) -> Iterator[Question]:
    """What is said of entities and their fields: only of those that the user may read anywhere."""
    named = {name: oracle.named(name) for name in oracle.world.shapes}

    def meta(world: World) -> bytes:
        status, _headers, body = over_http(world, "GET", "/api/v1/meta")
        told = {entity["name"]: {field["name"] for field in entity["fields"]} | {"id"} for entity in orjson.loads(body)["entities"]}
        return _agreed({name: (told.get(name, set()), names) for name, names in named.items()}, b"%d\n%s" % (status, body))

    def openapi(world: World) -> bytes:
        status, _headers, body = over_http(world, "GET", "/api/v1/openapi.json")
        document, told = orjson.loads(body), dict[str, tuple[set[str], frozenset[str]]]()
        for name, names in named.items():
            entity = world.shapes[name].entity
            path = f"/api/v1/{entity.plugin}/{entity.plural}"
            listed = document["paths"].get(path, {}).get("get", {})
            answer = listed.get("responses", {}).get("200", {}).get("content", {}).get("application/json", {}).get("schema", {})
            filters = {one["name"].partition("[")[0] for one in parameters_of(document, path, "get")} if listed else set()
            told[name] = (
                (filters & world.shapes[name].fields.keys()) | _properties(document, answer) | ({"id"} if listed else set()),
                names,
            )
        return _agreed(told, b"%d\n%s" % (status, body))

    yield Question("meta", "", "GET /api/v1/meta", meta)
    yield Question("openapi", "", "GET /api/v1/openapi.json", openapi)


def _properties(document: Mapping[str, Any], answer: Mapping[str, Any]) -> set[str]:
    """The fields of the rows of a list, as its schema names them."""
    rows = _looked_up(document, _looked_up(document, answer).get("properties", {}).get("data", {}))
    return set(_looked_up(document, rows.get("items", {})).get("properties", {}))


def _looked_up(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = schema
    if "$ref" in schema:
        found = document
        for word in str(schema["$ref"]).removeprefix("#/").split("/"):
            found = found[word]
    return dict(found)


def _agreed(told: Mapping[str, tuple[set[str], frozenset[str]]], answer: bytes) -> bytes:
    """The answer, or what it says too much of."""
    wrong = {name: sorted(names - allowed) for name, (names, allowed) in told.items() if names - allowed}
    return WRONG + orjson.dumps(wrong) if wrong else answer
