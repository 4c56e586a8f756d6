"""A document taken apart for people: operations by tag, parameters, fields and answers in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from core.http.openapi.sharing import parameters_of

_Json: TypeAlias = "Mapping[str, Any]"
_METHODS = ("get", "post", "patch", "put", "delete")
_MOST_CHOICES = 12


@dataclass(frozen=True)
class Line:
    """A parameter or a field: its name, its kind in words, the schema it refers to."""

    name: str
    kind: str
    refers: str = ""
    required: bool = False
    text: str = ""


@dataclass(frozen=True)
class Operation:
    """One operation."""

    method: str
    path: str
    id: str
    summary: str
    parameters: list[Line]
    filters: list[Line]
    body: list[Line]
    answers: list[Line]


@dataclass(frozen=True)
class Group:
    """The operations of one tag."""

    name: str
    title: str
    operations: list[Operation] = field(default_factory=list)


def read(document: _Json) -> tuple[list[Group], list[tuple[str, list[Line]]]]:
    """The groups of operations in the order of the tags, and the schemas with their fields."""
    groups = {tag["name"]: Group(tag["name"], tag.get("description", tag["name"])) for tag in document["tags"]}
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                operation = item[method]
                groups[operation["tags"][0]].operations.append(_operation(document, path, method, operation))
    schemas = [(name, _fields(schema)) for name, schema in document["components"]["schemas"].items()]
    return [group for group in groups.values() if group.operations], schemas


def _operation(document: _Json, path: str, method: str, operation: _Json) -> Operation:
    written = parameters_of(document, path, method)
    filters: dict[str, tuple[list[str], _Json]] = {}
    for one in written:
        name, bracket, rest = one["name"].partition("[")
        if one["in"] == "query" and bracket:
            filters.setdefault(name, ([], one))[0].append(rest.rstrip("]"))
    plain = [one for one in written if "[" not in one["name"] and not (one["in"] == "query" and one["name"] in filters)]
    for one in written:
        if one["in"] == "query" and one["name"] in filters:
            filters[one["name"]] = (["eq", *filters[one["name"]][0]], one)
    return Operation(
        method.upper(), path, operation["operationId"], operation["summary"],
        parameters=[_line(one["name"], one["schema"], one.get("required", False), f"{one.get('description', '')}", one["in"]) for one in plain],
        filters=[_line(name, one["schema"], False, ", ".join(operators)) for name, (operators, one) in filters.items()],
        body=_body(operation.get("requestBody")),
        answers=[_answer(document, status, answer) for status, answer in sorted(operation["responses"].items())],
    )  # fmt: skip


def _line(name: str, schema: _Json, required: bool, text: str, place: str = "") -> Line:
    kind = _kind(schema)
    return Line(name, f"{kind}, {place}" if place in ("path", "header") else kind, _refers(schema), required, text)


def _body(body: _Json | None) -> list[Line]:
    if body is None:
        return []
    lines = []
    for media, content in body["content"].items():
        schema = content["schema"]
        lines += [Line(media, _kind(schema), _refers(schema)), *([] if "$ref" in schema else _fields(schema))]
    return lines


def _answer(document: _Json, status: str, answer: _Json) -> Line:
    if "$ref" in answer:
        answer = document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    content = next(iter(answer.get("content", {}).items()), None)
    if content is None:
        return Line(status, "", text=answer["description"])
    media, described = content
    refers = _refers(described["schema"]) or _refers(described["schema"].get("properties", {}).get("data", {}))
    return Line(status, media, refers, text=answer["description"])


def _fields(schema: _Json) -> list[Line]:
    required = set(schema.get("required", ()))
    return [
        Line(name, _kind(one), _refers(one), name in required, one.get("title") or one.get("description", ""))
        for name, one in schema.get("properties", {}).items()
    ]


def _refers(schema: _Json) -> str:
    """The name of the schema that a schema is, or is a list of."""
    found = schema.get("$ref") or schema.get("items", {}).get("$ref", "")
    return str(found).rpartition("/")[2]


def _kind(schema: _Json) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " | ".join(dict.fromkeys(_kind(one) for one in schema[several]))
    if "const" in schema:
        return f'"{schema["const"]}"'
    if "enum" in schema:
        shown = [str(choice) for choice in schema["enum"][:_MOST_CHOICES]]
        return " | ".join([*shown, "…"] if len(schema["enum"]) > _MOST_CHOICES else shown)
    if schema.get("type") == "array":
        return f"[{_kind(schema.get('items', {}))}]"
    kind = schema.get("type", "any")
    words = " | ".join(kind) if isinstance(kind, list) else str(kind)
    bounds = [schema.get("format", ""), f"≤ {schema['maxLength']}" if "maxLength" in schema else ""]
    if "minimum" in schema and "maximum" in schema:
        bounds.append(f"{schema['minimum']} … {schema['maximum']}")
    told = ", ".join(bound for bound in bounds if bound)
    return f"{words} ({told})" if told else words
