"""Where something stands in its author's file: asked once there is a mistake to tell, never before."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType


class Written:
    """The call of `name`, with arguments called `order`, that runs at this moment; without source nothing has a line."""

    def __init__(self, name: str, order: Sequence[str]) -> None:
        frame = _caller()
        self.file = "" if frame is None else frame.f_code.co_filename
        self._arguments: dict[str, ast.expr] = {}
        self._line = 0
        if frame is not None and (call := _call(self.file, name, frame.f_lineno)) is not None:
            self._line = call.lineno
            self._arguments = {**dict(zip(order, call.args, strict=False)), **{one.arg: one.value for one in call.keywords if one.arg}}

    def line(self, argument: str, value: object = None) -> int:
        """The line of an argument, or of the constant in it that equals `value`; that of the call for one which is not given, else 0."""
        at = self._arguments.get(argument)
        if at is None:
            return self._line
        return next((one.lineno for one in ast.walk(at) if isinstance(one, ast.Constant) and one.value == value), at.lineno)


def _caller() -> FrameType | None:
    """The first frame outside of the sdk's own modules and of what dataclasses write."""
    here = str(Path(__file__).parent)
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (frame.f_code.co_filename.startswith(here) or frame.f_code.co_filename == "<string>"):
        frame = frame.f_back
    return frame


def _call(file: str, name: str, line: int) -> ast.Call | None:
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):  # typed into an interpreter, packed away, or gone since
        return None
    return next((one for one in _calls(tree, name) if one.lineno <= line <= (one.end_lineno or one.lineno)), None)


def _calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    for one in ast.walk(tree):
        if isinstance(one, ast.Call) and (getattr(one.func, "id", "") == name or getattr(one.func, "attr", "") == name):
            yield one
