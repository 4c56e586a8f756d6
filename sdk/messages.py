"""What marshmallow says of values that do not fit, in our words, which have codes and translations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sdk.errors import Problem
from sdk.text import Text, _

if TYPE_CHECKING:
    from sdk.fields.base import Flaw, FlawError

_TYPE = ("type", _("has a different type than described"))
_SAID = {
    "Missing data for required field.": ("required", _("is required")),
    "Field may not be null.": ("required", _("is required")),
    "Unknown field.": ("unknown_field", _("this field does not exist")),
    "String does not match expected pattern.": ("invalid", _("has a different format than described")),
    "Not a valid URL.": ("invalid", _("expected a URL such as https://example.com/page")),
    "Not a valid email address.": ("invalid", _("expected an email address such as ann@example.com")),
    "Invalid type.": _TYPE,
    "Invalid input type.": _TYPE,
    "Invalid value.": ("invalid", _("is invalid")),
    "Invalid input.": ("invalid", _("is invalid")),
    "Number too large.": ("invalid", _("is too large")),
    "Special numeric values (nan or infinity) are not permitted.": ("invalid", _("expected a finite number")),
}
_COUNTED = tuple(
    (re.compile(pattern, re.DOTALL), text)
    for pattern, text in (
        (r"Longer than maximum length (?P<most>\d+)\.", _("is longer than {most}")),
        (r"Shorter than minimum length (?P<least>\d+)\.", _("is shorter than {least}")),
        (r"Length must be between (?P<least>\d+) and (?P<most>\d+)\.", _("expected a length from {least} to {most}")),
        (r"Length must be (?P<most>\d+)\.", _("expected a length of {most}")),
        (r"Must be greater than or equal to (?P<least>.+?) and less than or equal to (?P<most>.+)\.", _("expected {least} to {most}")),
        (
            r"Must be greater than or equal to (?P<least>.+?) and less than (?P<most>.+)\.",
            _("expected at least {least} and less than {most}"),
        ),
        (
            r"Must be greater than (?P<least>.+?) and less than or equal to (?P<most>.+)\.",
            _("expected more than {least} and at most {most}"),
        ),
        (r"Must be greater than (?P<least>.+?) and less than (?P<most>.+)\.", _("expected more than {least} and less than {most}")),
        (r"Must be greater than or equal to (?P<least>.+)\.", _("expected at least {least}")),
        (r"Must be less than or equal to (?P<most>.+)\.", _("expected at most {most}")),
        (r"Must be greater than (?P<least>.+)\.", _("expected more than {least}")),
        (r"Must be less than (?P<most>.+)\.", _("expected less than {most}")),
        (r"Must be equal to (?P<wanted>.+)\.", _("expected {wanted}")),
        (r"One or more of the choices you made was not in: (?P<options>.*)\.", _("expected some of {options}")),
        (r"One or more of the choices you made was in: (?P<options>.*)\.", _("expected none of {options}")),
    )
)
_ONE_OF = "Must be one of: "


class Flawed(Text):
    """A flaw of a field's own check on its way through marshmallow, or as a part of another text: the English of it, with the flaw itself."""

    __slots__ = ("flaw",)
    flaw: FlawError | Flaw

    def __new__(cls, flaw: FlawError | Flaw) -> Flawed:
        made = super().__new__(cls, flaw.message.format(**flaw.params))
        assert isinstance(made, Flawed)
        made.flaw = flaw
        return made


def problems(messages: Any, where: str = "") -> list[Problem]:
    """The messages of a `marshmallow.ValidationError` as problems, each named by its place below `where`.

    Texts marked with `_` stay what they are; what marshmallow says by itself is said in our words.
    """
    if isinstance(messages, dict):
        found = list[Problem]()
        for name, inner in messages.items():
            found += problems(inner, where if name == "_schema" and where else f"{where}.{name}" if where else str(name))
        return found
    return [_problem(where[:200], one) for one in (messages if isinstance(messages, list) else [messages])]


def _problem(name: str, message: object) -> Problem:
    if isinstance(message, Flawed):
        return Problem(name, message.flaw.code, message.flaw.message, message.flaw.params)
    said = str(message)
    if said in _SAID:
        return Problem(name, *_SAID[said])
    if said.startswith("Not a valid "):
        return Problem(name, *_TYPE)
    if said.startswith(_ONE_OF):
        options = said[len(_ONE_OF) :].rstrip(".").removeprefix(", ")  # to leave it out is "", of which nobody need be told
        return Problem(name, "unknown_choice", _("expected one of {options}"), {"options": options})
    for pattern, text in _COUNTED:
        if found := pattern.fullmatch(said):
            return Problem(name, "invalid", text, found.groupdict())
    return Problem(name, "invalid", Text(said.replace("{", "{{").replace("}", "}}"), getattr(message, "module", "")))
