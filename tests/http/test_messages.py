"""What marshmallow says of bodies, parameters and settings reaches people in our words, in both languages."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Sequence
from datetime import date
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from marshmallow import Schema, ValidationError, fields, validate

from core.platform import HERE
from core.testkit.fixtures import Api
from core.testkit.rules.source import walked
from core.translation import Translator
from sdk import Conflict, Problem, Text, _
from sdk import fields as f
from sdk.fields.base import Field
from sdk.messages import problems
from tests.architecture.source import sources
from tests.probe.fixtures import OURS

SAMPLES = {"obj_type": "datetime", "awareness": "aware", "choices": "a, b", "input": "x"}
SAYS = Translator({"core": HERE / "locales", "sdk": HERE / "locales"})
FAILING: list[tuple[validate.Validator, Any]] = [
    (validate.Length(max=1), "ab"), (validate.Length(min=3), "ab"), (validate.Length(1, 1), "ab"), (validate.Length(equal=1), "ab"),
    (validate.Range(5), 1), (validate.Range(max=0), 1), (validate.Range(2, 3), 1), (validate.Range(5, min_inclusive=False), 5),
    (validate.Range(max=5, max_inclusive=False), 5), (validate.Range(1, 5, max_inclusive=False), 5), (validate.Range(1, 5, min_inclusive=False), 1),
    (validate.Range(1, 5, min_inclusive=False, max_inclusive=False), 5), (validate.Range(date(2026, 1, 1)), date(2025, 1, 1)),
    (validate.OneOf(["a", "{b}"]), "c"), (validate.NoneOf(["a"]), "a"), (validate.Equal(1), 2), (validate.Regexp("a"), "b"),
    (validate.Predicate("isupper"), "b"), (validate.ContainsOnly(["a"]), ["b"]), (validate.ContainsNoneOf(["a"]), ["a"]),
    (validate.URL(), "x"), (validate.Email(), "x"),
]  # fmt: skip


@pytest.fixture
def entry_points() -> Sequence[EntryPoint] | None:
    """The plugins of this repository."""
    return OURS


def messages() -> Iterator[tuple[str, str]]:
    """Whatever marshmallow's fields, schemas and validators can say of what is read; to write out a value is another matter."""
    for name, kind in inspect.getmembers(fields, inspect.isclass):
        if issubclass(kind, fields.Field):
            for key, text in kind.default_error_messages.items():
                if key != "format":
                    yield f"{name}.{key}", str(text).format(**SAMPLES)
    yield from ((f"Schema.{key}", text) for key, text in Schema._default_error_messages.items())
    for rule, value in FAILING:
        with pytest.raises(ValidationError) as caught:
            rule(value)
        yield from ((f"{type(rule).__name__} {rule!r}", str(text)) for text in caught.value.messages)


def in_chinese(said: object) -> str:
    (one,) = problems([said], "x")
    told = SAYS.say(one.message, "zh_CN", one.params)
    assert "{" not in one.message.format(**one.params).replace("{b}", ""), one
    return told


@pytest.mark.feature("P34")
@pytest.mark.parametrize(
    ("where", "said"), [pytest.param(where, said, id=f"{n} {where[:40]}") for n, (where, said) in enumerate(messages())]
)
def test_what_marshmallow_can_say_is_said_in_our_words_and_in_chinese(where: str, said: str) -> None:
    (one,) = problems([said], "x")
    assert str(one) != said, f"{where} comes as marshmallow has it; add it to sdk.messages"
    assert re.search(r"[\u4e00-\u9fff]", in_chinese(said)), where


def test_every_validator_of_marshmallow_is_tried() -> None:
    known = {kind for _name, kind in inspect.getmembers(validate, inspect.isclass) if issubclass(kind, validate.Validator)}
    assert {type(rule) for rule, _value in FAILING} == known - {validate.Validator, validate.And}


@pytest.mark.feature("P34")
def test_no_code_of_ours_tells_marshmallow_a_text_that_is_not_marked_for_translation() -> None:
    bare = [
        f"{source.name}:{node.lineno}"
        for source in sources()
        for node in walked(source.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ValidationError"
        if isinstance(node.args[0], ast.Constant | ast.JoinedStr)
    ]
    assert bare == []


@pytest.mark.feature("P34")
def test_the_flaw_of_a_field_of_ours_keeps_its_code_and_its_words_through_marshmallow() -> None:
    column: Any = f.integer(_("Places"), least=1, most=9)
    of: Field = column.field
    with pytest.raises(ValidationError) as caught:
        of.input(required=True).deserialize("many")
    (one,) = problems(caught.value.messages, "places")
    assert one.field == "places"
    assert re.search(r"[\u4e00-\u9fff]", SAYS.say(one.message, "zh_CN", one.params))


def test_a_choice_that_may_be_left_out_is_not_told_as_nothing() -> None:
    with pytest.raises(ValidationError) as caught:
        validate.OneOf(("", "pdf", "docx"))("exe")
    (one,) = problems(caught.value.messages, "format")
    assert str(one) == "expected one of pdf, docx"


def test_messages_in_messages_are_named_by_their_place_and_braces_stay_braces() -> None:
    found = problems({"a": {"0": {"_schema": ["Invalid input type."]}}, "_schema": [Text("no {such} thing")]}, "where")
    assert [(one.field, one.code, str(one)) for one in found] == [
        ("where.a.0", "type", "has a different type than described"),
        ("where", "invalid", "no {such} thing"),
    ]


@pytest.mark.feature("P34")
@pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
def test_a_body_that_does_not_fit_is_told_in_chinese(client: Api) -> None:
    rule = {"name": "R", "entity": "customers.account", "trigger": "automation.schedule", "parameters": {"at": "09:00", "weekdays": [8], "where": "x"},
            "actions": [{"action": "automation.notify", "parameters": {}}]}  # fmt: skip
    (admin,) = client.get("/api/v1/core/users", {"email": "admin@acme.example"}).json["data"]
    client.patch(f"/api/v1/core/users/{admin['id']}", {"locale": "zh_CN"})
    refused = client.post("/api/v1/automation/rules", rule)
    assert refused.status_code == 422, refused.text
    told = {one["field"]: one["message"] for one in refused.json["errors"]}
    assert {"parameters.weekdays.0", "parameters.where"} <= told.keys()
    assert all(re.search(r"[\u4e00-\u9fff]", message) for message in told.values()), told


def test_a_text_chooses_between_one_and_many_where_its_language_does() -> None:
    text = "{count} {count:record|records} of {owner}"
    assert [SAYS.say(text, "en", {"count": count, "owner": "A|B"}) for count in (0, 1, 2)] == [
        "0 records of A|B", "1 record of A|B", "2 records of A|B",
    ]  # fmt: skip
    refused = Conflict(Text(text), problems=[Problem("lines", "many", Text("{count:line|lines}"), {"count": 1})], count=2, owner="A")
    assert str(refused) == "2 records of A; lines: line", "as the command line tells it"
