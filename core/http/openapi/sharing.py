"""What a document says again and again is said once and referred to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from core.http.openapi.parts import Json

_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


def share_parameters(document: Json) -> None:
    """Equal parameters of several operations become one among the components, where each refers to it.

    The filters of a field that many entities have, the pages of a list, an id: half of what the parameters take.
    """
    shared: Json = document["components"]["parameters"]
    counts = Counter(orjson.dumps(one) for many in _parameters(document) for one in many if "$ref" not in one)
    names = dict[bytes, str]()
    for many in _parameters(document):
        for place, one in enumerate(many):
            key = orjson.dumps(one)
            if counts[key] > 1:
                if key not in names:
                    names[key] = _free(one["name"], shared)
                    shared[names[key]] = one
                many[place] = {"$ref": f"#/components/parameters/{names[key]}"}


def parameters_of(document: Mapping[str, Any], path: str, method: str) -> list[Any]:
    """All parameters of an operation, those of its address and shared ones included, as they are."""
    item, shared = document["paths"][path], document["components"]["parameters"]
    listed = [*item.get("parameters", ()), *item[method].get("parameters", ())]
    return [shared[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in listed]


def _parameters(document: Json) -> Iterator[list[Any]]:
    for item in document["paths"].values():
        for word, part in item.items():
            listed = part if word == "parameters" else part.get("parameters")
            if listed:
                yield listed


def _free(name: str, taken: Json) -> str:
    """A name for a component: letters, digits, dots and dashes, and a number where another parameter has the same name."""
    plain = _UNFIT.sub(".", name).strip(".")
    number, found = 1, plain
    while found in taken:
        number += 1
        found = f"{plain}-{number}"
    return found
