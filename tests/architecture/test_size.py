"""Files and functions stay small enough to be read at once."""

from __future__ import annotations

import ast

from tests.architecture.source import functions, lines_of_code, sources

MOST_LINES, MOST_STATEMENTS = 350, 40
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "base_utils", "tools"}


def test_a_file_has_at_most_350_lines_of_code() -> None:
    long = {source.name: lines for source in sources() if (lines := lines_of_code(source)) > MOST_LINES}
    assert not long, long


def test_a_function_has_at_most_40_statements() -> None:
    long = {}
    for source in sources():
        for function in functions(source.tree):
            count = sum(isinstance(node, ast.stmt) for node in ast.walk(function)) - 1
            if count > MOST_STATEMENTS:
                long[f"{source.name}:{function.name}"] = count
    assert not long, long


def test_a_module_is_named_by_a_noun_that_says_something() -> None:
    vague = [source.name for source in sources() if VAGUE & set(source.module.split("."))]
    assert not vague, vague


def test_an_init_module_is_a_docstring_or_a_face_of_re_exports() -> None:
    """`core/files` and `core/mail` are one short module each; a workplace would define more than one class."""
    workplaces = {
        source.name: defined
        for source in sources()
        if source.path.name == "__init__.py"
        and len(defined := [node.name for node in source.tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]) > 1
    }
    assert not workplaces, workplaces
