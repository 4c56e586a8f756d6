"""The grammar of CEL as far as formulas go: no loops, no maps, no bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from sdk import Text, _

if TYPE_CHECKING:
    from lark import Lark, Token, Tree

LONGEST, MOST_PARTS, DEEPEST = 1_000, 200, 40
_GRAMMAR = r"""
?expr: either | either "?" either ":" expr -> choose
?either: both | either "||" both -> either
?both: relation | both "&&" relation -> both
?relation: sum | relation COMPARED sum -> compare | relation "in" list -> among
?sum: product | sum ADDED product -> calculate
?product: unary | product MULTIPLIED unary -> calculate
?unary: member | "!" unary -> opposite | "-" unary -> negate
?member: primary | member "." NAME -> select | member "." NAME "(" [_arguments] ")" -> method
?primary: NAME -> name | NAME "(" [_arguments] ")" -> function | "(" expr ")"
        | NUMBER -> number | STRING -> text | "true" -> yes | "false" -> no | "null" -> nothing
list: "[" [_arguments] "]"
_arguments: expr ("," expr)*
COMPARED: /==|!=|<=|>=|<|>/
ADDED: /[+-]/
MULTIPLIED: /[*\/%]/
NUMBER: /[0-9]{1,15}(\.[0-9]{1,12})?(?![\w.])/
STRING: /'([^'\\\n]|\\.)*'|"([^"\\\n]|\\.)*"/
NAME: /[A-Za-z_][A-Za-z0-9_]*/
%ignore /[ \t\r\n]+/
"""
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "`": "`", "?": "?"}


class FormulaError(ValueError):
    """The expression cannot stand; `at` is the place, counted from 1."""

    def __init__(self, at: int, message: Text, **params: object) -> None:
        super().__init__(message)
        self.message, self.params = message, {"at": at, **params}


@dataclass(frozen=True)
class Part:
    """A part of an expression as written: what it is, its word, what stands in it, and where it begins, counted from 1."""

    what: str
    at: int
    word: str = ""
    parts: tuple[Part, ...] = ()


def parsed(source: str) -> Part:
    """The expression as a tree; raises FormulaError with the place of a mistake."""
    from lark.exceptions import UnexpectedCharacters, UnexpectedToken  # noqa: PLC0415 (for tenants with formulas alone)

    if len(source) > LONGEST:
        raise FormulaError(1, _("at character {at}: an expression can have at most {most} characters"), most=LONGEST)
    try:
        tree = _parser().parse(source)
    except UnexpectedCharacters as failure:
        at = (failure.pos_in_stream or 0) + 1
        raise FormulaError(at, _("at character {at}: unexpected {got!r}"), got=source[at - 1 : at + 9]) from failure
    except UnexpectedToken as failure:
        if failure.token.type == "$END":
            raise FormulaError(len(source) + 1, _("at character {at}: the expression ends too early")) from failure
        at = (failure.token.start_pos or 0) + 1
        raise FormulaError(at, _("at character {at}: {got!r} is not expected here"), got=str(failure.token)[:40]) from failure
    _measure(tree)
    return _part(tree)


@lru_cache(maxsize=1)
def _parser() -> Lark:
    from lark import Lark  # noqa: PLC0415 (as above)

    return Lark(_GRAMMAR, start="expr", parser="lalr", propagate_positions=True, maybe_placeholders=False)


def _measure(tree: Tree[Token]) -> None:
    from lark import Tree  # noqa: PLC0415 (as above)

    left, seen = [(tree, 1)], 0
    while left:
        one, depth = left.pop()
        seen += 1
        if depth > DEEPEST or seen > MOST_PARTS:
            at = one.meta.start_pos + 1
            text = _("at character {at}: too long: at most {parts} parts, nested {depth} deep; move some of it to another formula")
            raise FormulaError(at, text, parts=MOST_PARTS, depth=DEEPEST)
        left += [(child, depth + 1) for child in one.children if isinstance(child, Tree)]


def _part(tree: Tree[Token]) -> Part:
    from lark import Tree  # noqa: PLC0415 (as above)

    words = [str(child) for child in tree.children if not isinstance(child, Tree)]
    inner = tuple(_part(child) for child in tree.children if isinstance(child, Tree))
    at = getattr(tree.meta, "start_pos", 0) + 1
    what, word = str(tree.data), words[0] if words else ""
    return Part(what, at, _text(word, at) if what == "text" else word, inner)


def _text(written: str, at: int) -> str:
    def one(match: re.Match[str]) -> str:
        word = match[1]
        if word not in _ESCAPES and len(word) != 5:
            raise FormulaError(at, _("at character {at}: {got!r} is not a valid escape; write \\\\ for one backslash"), got=match[0])
        return chr(int(word[1:], 16)) if len(word) == 5 else _ESCAPES[word]

    made = _ESCAPE.sub(one, written[1:-1])
    if any(char == "\x00" or "\ud800" <= char <= "\udfff" for char in made):
        raise FormulaError(at, _("at character {at}: text can’t contain this character"))
    return made


def names_in(part: Part) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The names of an expression with their places, each with what follows it behind dots."""
    path = path_of(part)
    if path:
        yield part.at, path
        return
    for one in part.parts:
        yield from names_in(one)


def path_of(part: Part) -> tuple[str, ...]:
    """The words of a name with what follows it behind dots; of anything else none."""
    if part.what == "name":
        return (part.word,)
    before = path_of(part.parts[0]) if part.what == "select" else ()
    return (*before, part.word) if before else ()
