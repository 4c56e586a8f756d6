"""From an expression to a program: every name is known, and every operation has values of the kinds that it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

from core.formulas.grammar import FormulaError, Part, parsed, path_of
from core.formulas.program import TODAY, ZONE, Input, Kind, Node, Program
from sdk import _
from sdk import fields as f
from sdk.fields.money import CURRENCIES

Resolve: TypeAlias = "Callable[[tuple[str, ...]], tuple[str, f.Field, int] | None]"
"""From the words of a path to the name of a field, the field, and how many words it took; None where there is no such field."""

MOST_INPUTS = 30
RESULTS = {
    "integer": Kind.NUMBER,
    "decimal": Kind.NUMBER,
    "money": Kind.MONEY,
    "text": Kind.TEXT,
    "date": Kind.DATE,
    "boolean": Kind.BOOLEAN,
}
_ORDERED = frozenset({Kind.NUMBER, Kind.TEXT, Kind.DATE, Kind.INSTANT})
_METHODS: dict[tuple[str, Kind], tuple[tuple[Kind, ...], Kind]] = {
    **dict.fromkeys(((name, Kind.TEXT) for name in ("contains", "startsWith", "endsWith")), ((Kind.TEXT,), Kind.BOOLEAN)),
    **dict.fromkeys(((name, Kind.TEXT) for name in ("lowerAscii", "upperAscii", "trim")), ((), Kind.TEXT)),
    ("size", Kind.TEXT): ((), Kind.NUMBER),
    **dict.fromkeys(((name, Kind.DATE) for name in ("getFullYear", "getMonth", "getDate", "getDayOfWeek")), ((), Kind.NUMBER)),
}
_MATH = ("abs", "ceil", "floor", "trunc")
_WRITTEN = {Kind.NUMBER: "written_number", Kind.BOOLEAN: "written_boolean", Kind.DATE: "written_date"}
_ARITHMETIC = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "remainder"}
_KINDS: tuple[tuple[type[f.Field], Kind], ...] = (
    (f.IntegerField, Kind.NUMBER), (f.DecimalField, Kind.NUMBER), (f.MoneyField, Kind.MONEY), (f.TextField, Kind.TEXT), (f.ChoiceField, Kind.TEXT),
    (f.BooleanField, Kind.BOOLEAN), (f.DateField, Kind.DATE), (f.DateTimeField, Kind.INSTANT), (f.LinkField, Kind.RECORD),
)  # fmt: skip


def kind_of(one: f.Field) -> Kind | None:
    """What a field is in a formula; None: it cannot stand in one."""
    return None if one.secret else next((kind for type_, kind in _KINDS if isinstance(one, type_)), None)


def checked(source: str, result: str, resolve: Resolve, entity: str) -> Program:
    """The program of an expression over the fields of an entity; raises FormulaError with the place of what cannot stand."""
    check = _Check(resolve, entity)
    root, wanted = check.node(parsed(source)), RESULTS[result]
    if root.kind not in (wanted, Kind.NOTHING):
        raise FormulaError(1, _("at character {at}: the result is a {got}, expected {wanted}"), got=root.kind.value, wanted=wanted.value)
    if len(check.inputs) > MOST_INPUTS:
        raise FormulaError(1, _("at character {at}: a formula can use at most {most} fields"), most=MOST_INPUTS)
    return Program(_as(root, wanted), tuple(check.inputs.values()), result)


def _as(node: Node, kind: Kind) -> Node:
    """Nothing is of every kind."""
    return Node("nothing", kind) if node.kind is Kind.NOTHING else node


def _whole(part: Part, most: int) -> str:
    if part.what != "number" or "." in part.word or int(part.word) > most:
        raise FormulaError(part.at, _("at character {at}: expected a literal whole number from 0 to {most}"), most=most)
    return str(int(part.word))


@dataclass
class _Check:
    resolve: Resolve
    entity: str
    inputs: dict[str, Input] = field(default_factory=dict)

    def node(self, part: Part) -> Node:
        made: Node = getattr(self, f"_{part.what}")(part)
        return made

    def _input(self, one: Input) -> Node:
        self.inputs.setdefault(one.name, one)
        return Node("input", one.kind, (), one.name)

    # --- words ---------------------------------------------------------------------------------------------------

    def _number(self, part: Part) -> Node:
        return Node("number", Kind.NUMBER, (), part.word)

    def _text(self, part: Part) -> Node:
        return Node("text", Kind.TEXT, (), part.word)

    def _yes(self, _part: Part) -> Node:
        return Node("boolean", Kind.BOOLEAN, (), "true")

    def _no(self, _part: Part) -> Node:
        return Node("boolean", Kind.BOOLEAN, (), "false")

    def _nothing(self, _part: Part) -> Node:
        return Node("nothing", Kind.NOTHING)

    def _name(self, part: Part) -> Node:
        return self._path(part, (part.word,))

    def _select(self, part: Part) -> Node:
        if path := path_of(part):
            return self._path(part, path)
        return self._component(part, self.node(part.parts[0]), part.word)

    def _component(self, part: Part, of: Node, word: str) -> Node:
        if of.kind is not Kind.MONEY or word not in ("amount", "currency"):
            raise FormulaError(part.at, _("at character {at}: {kind} has no {word!r}"), kind=of.kind.value, word=word[:40])
        return Node(word, Kind.NUMBER if word == "amount" else Kind.TEXT, (of,))

    def _path(self, part: Part, path: tuple[str, ...]) -> Node:
        found = self.resolve(path)
        if found is None:
            text = _("at character {at}: {entity} has no field {name!r}; see GET /api/v1/meta for its fields")
            raise FormulaError(part.at, text, name=".".join(path)[:80], entity=self.entity)
        name, one, used = found
        kind = kind_of(one)
        if kind is None:
            raise FormulaError(part.at, _("at character {at}: the field {name!r} can’t be used in a formula"), name=name)
        places = one.places if isinstance(one, f.DecimalField) else 4 if kind is Kind.MONEY else 0
        node = self._input(Input(name, kind, places))
        for word in path[used:]:
            node = self._component(part, node, word)
        return node

    # --- operators -----------------------------------------------------------------------------------------------

    def _boolean(self, part: Part) -> Node:
        return self._of(part, Kind.BOOLEAN)

    def _of(self, part: Part, kind: Kind) -> Node:
        node = self.node(part)
        if node.kind not in (kind, Kind.NOTHING):
            raise FormulaError(part.at, _("at character {at}: expected {wanted}, got {got}"), wanted=kind.value, got=node.kind.value)
        return _as(node, kind)

    def _either(self, part: Part) -> Node:
        return Node(part.what, Kind.BOOLEAN, tuple(map(self._boolean, part.parts)))

    _both = _either

    def _opposite(self, part: Part) -> Node:
        return Node("not", Kind.BOOLEAN, (self._boolean(part.parts[0]),))

    def _negate(self, part: Part) -> Node:
        node = self.node(part.parts[0])
        if node.kind not in (Kind.NUMBER, Kind.MONEY):
            raise FormulaError(part.at, _("at character {at}: expected {wanted}, got {got}"), wanted="number", got=node.kind.value)
        return Node("negate" if node.kind is Kind.NUMBER else "money_negate", node.kind, (node,))

    def _choose(self, part: Part) -> Node:
        asked, *rest = part.parts
        nodes = self._alike(part, [self.node(one) for one in rest])
        return Node("choose", nodes[0].kind, (self._boolean(asked), *nodes))

    def _alike(self, part: Part, nodes: Sequence[Node]) -> list[Node]:
        kinds = {node.kind for node in nodes} - {Kind.NOTHING}
        if len(kinds) > 1 or Kind.RECORD in kinds:
            text = _("at character {at}: the values are of different types: {kinds}")
            raise FormulaError(part.at, text, kinds=", ".join(sorted(kind.value for kind in kinds)))
        kind = next(iter(kinds), Kind.NOTHING)
        return [_as(node, kind) for node in nodes]

    def _compare(self, part: Part) -> Node:
        one, other = (self.node(side) for side in part.parts)
        if Kind.NOTHING in (one.kind, other.kind):
            if part.word not in ("==", "!="):
                raise FormulaError(part.at, _("at character {at}: null can’t be compared by size"))
            missing = Node("missing", Kind.BOOLEAN, (one if other.kind is Kind.NOTHING else other,))
            return missing if part.word == "==" else Node("not", Kind.BOOLEAN, (missing,))
        self._alike(part, [one, other])
        if one.kind is Kind.MONEY:
            return Node(f"money_compare{part.word}", Kind.BOOLEAN, (one, other))
        if part.word not in ("==", "!=") and one.kind not in _ORDERED:
            raise FormulaError(part.at, _("at character {at}: {kind} values can’t be ordered"), kind=one.kind.value)
        return Node(f"{'order' if one.kind is Kind.TEXT else 'compare'}{part.word}", Kind.BOOLEAN, (one, other))

    def _among(self, part: Part) -> Node:
        one, several = part.parts
        if not several.parts:
            raise FormulaError(several.at, _("at character {at}: the list is empty"))
        nodes = self._alike(part, [self.node(one), *map(self.node, several.parts)])
        if nodes[0].kind in (Kind.MONEY, Kind.NOTHING):
            raise FormulaError(part.at, _("at character {at}: {kind} can’t be looked up in a list"), kind=nodes[0].kind.value)
        return Node("among", Kind.BOOLEAN, tuple(nodes))

    def _list(self, part: Part) -> Node:
        raise FormulaError(part.at, _("at character {at}: a list is only allowed after `in`"))

    def _calculate(self, part: Part) -> Node:
        one, other = (self.node(side) for side in part.parts)
        kinds, sign, args = (one.kind, other.kind), part.word, (one, other)
        number, money, day = Kind.NUMBER, Kind.MONEY, Kind.DATE
        if kinds == (number, number):
            return Node(_ARITHMETIC[sign], number, args)
        if kinds == (money, money) and sign in "+-/":
            return Node({"+": "money_add", "-": "money_subtract", "/": "money_ratio"}[sign], number if sign == "/" else money, args)
        if kinds == (money, number) and sign in "*/":
            return Node("money_multiply" if sign == "*" else "money_divide", money, args)
        if kinds == (number, money) and sign == "*":
            return Node("money_multiply", money, (other, one))
        if kinds == (Kind.TEXT, Kind.TEXT) and sign == "+":
            return Node("join", Kind.TEXT, args)
        if kinds == (day, number) and sign in "+-":
            return Node("later" if sign == "+" else "earlier", day, args)
        if kinds == (day, day) and sign == "-":
            return Node("subtract", number, args)
        text = _("at character {at}: {one} {sign} {other} is not possible; string(x) makes text, x.amount the number of an amount")
        raise FormulaError(part.at, text, one=kinds[0].value, sign=sign, other=kinds[1].value)

    # --- functions -----------------------------------------------------------------------------------------------

    def _method(self, part: Part) -> Node:
        of, *args = part.parts
        if of.what == "name" and of.word == "math" and self.resolve(("math",)) is None:
            return self._math(part, args)
        one = self.node(of)
        if (part.word, one.kind) == ("substring", Kind.TEXT):
            return self._substring(part, one, args)
        takes = _METHODS.get((part.word, one.kind))
        if takes is None:
            text = _("at character {at}: {kind} has no function {name!r}; see the table of functions in the administrator guide")
            raise FormulaError(part.at, text, kind=one.kind.value, name=part.word[:40])
        self._count(part, args, len(takes[0]))
        return Node(part.word, takes[1], (one, *(self._of(arg, kind) for arg, kind in zip(args, takes[0], strict=True))))

    def _count(self, part: Part, args: Sequence[Part], least: int, most: int | None = None) -> None:
        if not least <= len(args) <= (least if most is None else most):
            raise FormulaError(
                part.at, _("at character {at}: {name} takes {wanted} values, got {got}"), name=part.word, wanted=least, got=len(args)
            )

    def _substring(self, part: Part, one: Node, args: Sequence[Part]) -> Node:
        self._count(part, args, 1, 2)
        bounds = [_whole(arg, 20_000) for arg in args]
        if len(bounds) == 2 and int(bounds[0]) > int(bounds[1]):
            raise FormulaError(part.at, _("at character {at}: it ends before it begins"))
        return Node("substring", Kind.TEXT, (one,), ",".join(bounds))

    def _math(self, part: Part, args: Sequence[Part]) -> Node:
        if part.word == "round":
            self._count(part, args, 1, 2)
            return Node("round", Kind.NUMBER, (self._of(args[0], Kind.NUMBER),), _whole(args[1], 12) if args[1:] else "0")
        if part.word in ("least", "greatest"):
            self._count(part, args, 1, 20)
            nodes = self._alike(part, [self.node(arg) for arg in args])
            if nodes[0].kind not in (Kind.NUMBER, Kind.DATE):
                raise FormulaError(part.at, _("at character {at}: expected {wanted}, got {got}"), wanted="number", got=nodes[0].kind.value)
            return Node(part.word, nodes[0].kind, tuple(nodes))
        if part.word not in _MATH:
            raise self._no_function(part, f"math.{part.word}")
        self._count(part, args, 1)
        return Node(part.word, Kind.NUMBER, (self._of(args[0], Kind.NUMBER),))

    def _no_function(self, part: Part, name: str) -> FormulaError:
        text = _("at character {at}: function {name!r} does not exist; see the table of functions in the administrator guide")
        return FormulaError(part.at, text, name=name[:40])

    def _function(self, part: Part) -> Node:
        made: Callable[[Part], Node] | None = getattr(self, f"_call_{part.word}", None)
        if made is None:
            raise self._no_function(part, part.word)
        return made(part)

    def _call_has(self, part: Part) -> Node:
        self._count(part, part.parts, 1)
        return Node("not", Kind.BOOLEAN, (Node("missing", Kind.BOOLEAN, (self.node(part.parts[0]),)),))

    def _call_coalesce(self, part: Part) -> Node:
        self._count(part, part.parts, 1, 20)
        nodes = self._alike(part, [self.node(arg) for arg in part.parts])
        return Node("coalesce", nodes[0].kind, tuple(nodes))

    def _call_size(self, part: Part) -> Node:
        self._count(part, part.parts, 1)
        return Node("size", Kind.NUMBER, (self._of(part.parts[0], Kind.TEXT),))

    def _call_int(self, part: Part) -> Node:
        self._count(part, part.parts, 1)
        return Node("trunc", Kind.NUMBER, (self._of(part.parts[0], Kind.NUMBER),))

    def _call_string(self, part: Part) -> Node:
        self._count(part, part.parts, 1)
        node = self.node(part.parts[0])
        if node.kind is Kind.TEXT:
            return node
        if node.kind not in _WRITTEN:
            raise FormulaError(part.at, _("at character {at}: {kind} can’t be written as text"), kind=node.kind.value)
        return Node(_WRITTEN[node.kind], Kind.TEXT, (node,))

    def _call_today(self, part: Part) -> Node:
        self._count(part, part.parts, 0)
        return self._input(Input(TODAY, Kind.DATE))

    def _call_date(self, part: Part) -> Node:
        self._count(part, part.parts, 1)
        (one,) = part.parts
        if one.what != "text":
            return Node("day_of", Kind.DATE, (self._of(one, Kind.INSTANT), self._input(Input(ZONE, Kind.TEXT))))
        try:
            return Node("date", Kind.DATE, (), str(date.fromisoformat(one.word).toordinal()))
        except ValueError as failure:
            raise FormulaError(one.at, _("at character {at}: expected a date such as 2026-01-31")) from failure

    def _call_money(self, part: Part) -> Node:
        self._count(part, part.parts, 2)
        amount, currency = self._of(part.parts[0], Kind.NUMBER), self.node(part.parts[1])
        if currency.op != "currency" and (currency.op != "text" or currency.value not in CURRENCIES):
            raise FormulaError(
                part.parts[1].at, _("at character {at}: expected a currency such as 'CNY', or that of an amount: x.currency")
            )
        return Node("money_make", Kind.MONEY, (amount, currency))
