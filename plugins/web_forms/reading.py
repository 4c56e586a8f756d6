"""What somebody has sent, read as the fields of the lead and the form's own words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from plugins.web_forms.forms import origin_of
from plugins.web_forms.guards import LURE
from sdk import Conflict, Context, Problem, TooLarge, _
from sdk.context import Row
from sdk.fields import BooleanField, Field, KeysField, MoneyField

STAMP, ANSWER, CONSENT, CAME_FROM, LANGUAGE = "_stamp", "_answer", "_consent", "_came_from", "_language"
TAGS = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
LONGEST, LONGEST_TAG = 40_000, 100
YES = ("true", "on", "1", "yes")


@dataclass(frozen=True)
class Said:
    """The words of a visitor, as text, and where they came from; it is what a submission keeps."""

    values: Mapping[str, str | list[str]]
    consents: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    came_from: str = ""
    language: str = ""

    def as_json(self) -> str:
        """For the submission."""
        kept = {"values": self.values, "consents": self.consents, "tags": self.tags, "came_from": self.came_from, "language": self.language}
        return json.dumps(kept, ensure_ascii=False)

    @classmethod
    def of(cls, text: object) -> Said:
        """What a submission has kept; raises Conflict where it was erased."""
        try:
            kept = json.loads(str(text or ""))
            return cls(kept["values"], kept["consents"], kept["tags"], kept["came_from"], kept["language"])
        except (ValueError, TypeError, KeyError) as failure:
            raise Conflict(_("the submission has been erased, so it can’t be retried"), code="erased") from failure


@dataclass(frozen=True)
class Sent:
    """A form as it came in: what it says, and what guards it."""

    said: Said
    stamp: str
    answer: str
    lured: bool


def read(body: Mapping[str, object], fields: Sequence[tuple[Row, Field]]) -> Sent:
    """The body of a form or a JSON object; names that it does not ask for are passed over. Raises TooLarge."""
    if sum(len(name) + len(str(value)) for name, value in body.items()) > LONGEST:
        raise TooLarge(_("a form can contain at most {most} characters"), most=LONGEST)
    values = {str(row["field"]): _words(body.get(str(row["field"]))) for row, _field in fields}
    return Sent(
        Said(
            values={name: value for name, value in values.items() if value},
            consents=_line(body.get(CONSENT)).lower() in YES,
            tags=tags_in(body),
            came_from=origin_of(_line(body.get(CAME_FROM)))[:200],
            language=_line(body.get(LANGUAGE))[:10],
        ),
        stamp=_line(body.get(STAMP))[:200],
        answer=_line(body.get(ANSWER))[:60],
        lured=bool(_line(body.get(LURE))),
    )


def tags_in(words: Mapping[str, object]) -> dict[str, str]:
    """The tags of a campaign in an address, or in a form."""
    return {name: tag for name in TAGS if (tag := _line(words.get(name))[:LONGEST_TAG].strip())}


def values_of(ctx: Context, said: Said, rows: Sequence[tuple[Row, Field]]) -> tuple[dict[str, object], list[Problem]]:
    """The values of the lead's fields, and what is wrong with them at which field."""
    values: dict[str, object] = {}
    problems: list[Problem] = []
    for row, of in rows:
        name, word = str(row["field"]), said.values.get(str(row["field"]), "")
        value, problem = _value(ctx, of, name, word)
        if problem is not None:
            problems.append(problem)
        elif value in (None, False, []) and (row["required"] or of.required):
            problems.append(Problem(name, "required", _("is required")))
        elif value is not None:
            values[name] = value
    return values, problems


def _value(ctx: Context, of: Field, name: str, word: str | list[str]) -> tuple[object, Problem | None]:
    if isinstance(of, BooleanField):
        return (word if isinstance(word, str) else word[-1]).lower() in YES, None
    if isinstance(of, KeysField):
        parsed = of.parse([[word] if isinstance(word, str) and word else word or []])
    else:
        text = word if isinstance(word, str) else word[-1]
        if isinstance(of, MoneyField) and text and not any(sign.isalpha() for sign in text):
            text = f"{text} {ctx.tenant.currency}"
        parsed = of.read([text])
    for flaw in parsed.flaws:
        return None, Problem(name, flaw.code, flaw.message, flaw.params)
    return parsed.values[0], None


def _words(value: object) -> str | list[str]:
    """Text without the control characters that no field takes: a visitor cannot be asked to mend them."""
    if isinstance(value, list):
        return [_clean(_text(one)) for one in value]
    return _clean(_text(value))


def _text(value: object) -> str:
    return "true" if value is True else "" if value is None or value is False or isinstance(value, dict | list) else str(value)


def _line(value: object) -> str:
    return _clean(_text(value[-1] if isinstance(value, list) and value else value)).replace("\n", " ")


def _clean(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(sign for sign in text if sign.isprintable() or sign in "\n\t").strip()
