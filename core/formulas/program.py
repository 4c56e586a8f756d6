"""A checked formula: which values it takes, what is done with them, and what comes out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any

TODAY, ZONE = "today()", "zone()"
"""What a formula may take besides fields: the day it is in the tenant's time zone, and that zone."""


class Kind(StrEnum):
    """What the value of a part is."""

    NUMBER = "number"
    MONEY = "money"
    TEXT = "text"
    BOOLEAN = "boolean"
    DATE = "date"
    INSTANT = "instant"
    RECORD = "record"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Node:
    """One operation with the kind of its value; `value` is what is fixed in the expression."""

    op: str
    kind: Kind
    args: tuple[Node, ...] = ()
    value: str = ""

    def walk(self) -> Iterator[Node]:
        """This node and all within it."""
        yield self
        for one in self.args:
            yield from one.walk()


@dataclass(frozen=True)
class Input:
    """A value that the formula takes: its name, its kind, and how many digits a number has behind the point."""

    name: str
    kind: Kind
    places: int = 0


@dataclass(frozen=True)
class Program:
    """`result` is the kind of the field: integer, decimal, money, text, date or boolean."""

    root: Node
    inputs: tuple[Input, ...]
    result: str

    @cached_property
    def key(self) -> str:
        """All of it as digits and letters, so that it can stand in SQL; `program_of` has it back."""
        inputs = [[one.name, one.kind.value, one.places] for one in self.inputs]
        return json.dumps([_plain(self.root), inputs, self.result], ensure_ascii=False).encode().hex()


def _plain(node: Node) -> list[Any]:
    return [node.op, node.kind.value, node.value, *map(_plain, node.args)]


def _node(plain: list[Any]) -> Node:
    op, kind, value, *args = plain
    return Node(op, Kind(kind), tuple(map(_node, args)), value)


@lru_cache(maxsize=2_000)
def program_of(key: str) -> Program:
    """The program that has this key."""
    root, inputs, result = json.loads(bytes.fromhex(key))
    return Program(_node(root), tuple(Input(name, Kind(kind), places) for name, kind, places in inputs), result)
