"""The big list of naughty strings through every field of text of everything that an import makes: each comes back as it went in, or says why not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import cast

import pytest

from core.context import Work
from core.platform import Platform
from core.testkit.fixtures import MakeTenant
from plugins.import_export import imports
from sdk.context import id_of
from sdk.fields import Field, TextField, TimezoneField
from tests.journeys.real_data import folder
from tests.plugins.exported import exported, rows_of
from tests.plugins.imports import Done, import_file, written
from tests.plugins.test_round_trip import JSON_TOO, Filling, define, in_order, wiped

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
UNSEEN = re.compile(r"[\s\u00ad\u180e\u200b\u2060\ufeff]*")
"""What a text may be made of and show nothing, as far as the list has such."""
PART = 4
"""Entities with every type of field get all texts, each other one every fourth of them: next to each other they have all."""
VARIED: Mapping[tuple[str, str], str] = {
    ("company.holiday", "on"): "{day}",
    ("company.rate", "on"): "{day}",
    ("core.user", "email"): "n{number}@acme.example",
    ("orders.instalment", "amount"): "0.01 USD",
    ("orders.instalment", "share"): "",
    ("teamwork.evaluation", "period_start"): "{day}",
}
"""What has to be another in each row."""
APART = {("console.start", "entity")}
"""Texts by which people tell records apart, though no rule of the field says so."""
RULED: Mapping[str, set[str]] = {
    "core.custom_entity": {"key malformed", "parent unknown_entity"},
    "core.custom_field": {"entity unknown_entity", "key malformed"},
    "core.grant": {"permission unknown_permission"},
    "core.territory_member": {"user duplicate"},
    "console.view": {"entity unknown_entity"},
    "customers.affiliation": {"role duplicate"},
    "orders.instalment": {"reached_on no_milestone"},
    "pipeline.stage": {"key duplicate"},
    "reports.own_report": {"question bad_question"},
    "reports.dashboard": {"role no_role"},
    "reports.tile": {"source no_source"},
    "teamwork.task_template": {"entity unknown_entity"},
    "teamwork.template_task": {"None too_many"},
    "teamwork.preference": {"channel no_such_channel"},
    "teamwork.letter_times": {"owner duplicate"},
    "teamwork.target": {"None second_target"},
    "teamwork.evaluation": {"period_start not_a_start"},
    "forecast.series": {"entity cannot_be_asked"},
    "web_forms.form_field": {"field unknown_field"},
    "company.profile": {"None second_profile"},
    "company.currency": {"code duplicate"},
    "automation.webhook": {"entity unknown_entity"},
    "automation.inlet": {"entity unknown_entity"},
}
"""Where texts are refused by more than length, control characters and the pattern of a key: a field names something that has to be there, or
there is one such record."""


def refused(field: Field, text: str) -> str:
    """Why a field takes no such text; "" where it does."""
    assert isinstance(field, TextField)
    cell = text.strip()
    if not cell or (field.required and UNSEEN.fullmatch(cell)):  # nothing at all: told once all else is right
        return ""
    if len(cell) > field.length:
        return "too_long"
    if CONTROL.search(cell):
        return "control_character"
    return "malformed" if field.pattern is not None and not field.pattern.match(cell) else ""


def texts_of(work: Work, entity: str) -> dict[str, TextField]:
    """Its fields of any text that an import writes; the names of time zones are those that there are."""
    fields = [(name, one) for name, one in work.records(entity).fields().items() if not isinstance(one, TimezoneField)]
    return {name: one for name, one in fields if isinstance(one, TextField) and one.kind in ("text", "long_text") and not one.readonly}


def rows_for(
    entity: str, fields: Mapping[str, TextField], plain: Mapping[str, str], strings: list[str]
) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """A row for each text, in every field that takes it, and why others do not."""
    for number, text in enumerate(strings):
        cells = {name: f"{number} {text}" if one.unique or (entity, name) in APART else text for name, one in fields.items()}
        why = {name: code for name, one in fields.items() if (code := refused(one, cells[name]))}
        day = date(2000, 1, 1) + timedelta(number)
        varied = {name: cell.format(number=number, day=day) for (of, name), cell in VARIED.items() if of == entity}
        yield {**plain, **varied, **cells}, why


def told(work: Work, done: Done) -> dict[int, dict[str, str]]:
    """By row why it was not taken, by column."""
    found, cursor = dict[int, dict[str, str]](), cast("str | None", "")
    while cursor is not None:
        page = imports.rows(work, id_of(done.record), None, 500, cursor)
        for row in page.data:
            cells = json.loads(str(row["cells"]))
            problems = cells["problems"] if isinstance(cells, dict) else [row]
            found[int(str(row["number"]))] = {str(one["column"]): str(one["code"]) for one in problems}
        cursor = page.next
    return found


@pytest.mark.real_data
@pytest.mark.feature("C16")
def test_naughty_texts_come_back_from_every_field_of_text_or_are_refused_with_their_reason(
    platform: Platform, make_tenant: MakeTenant
) -> None:
    work = platform.system(make_tenant("one").id)
    strings = json.loads((folder("blns") / "blns.json").read_text(encoding="utf-8"))
    define(work)
    filling, ruled = Filling(work), dict[str, set[str]]()
    for place, entity in enumerate(
        sorted(in_order(work), key=lambda name: name.startswith("automation."))
    ):  # rules look at all that is written
        filling.fill(entity)
        if not (fields := texts_of(work, entity)):
            continue
        before = rows_of(exported(work, entity))
        plain = {name: cell for name, cell in before[0].items() if name != "external_id"}
        rows = list(rows_for(entity, fields, plain, strings if entity in JSON_TOO else strings[place % PART :: PART]))
        headings = [*rows[0][0]]
        bad = import_file(work, entity, written([headings, *(row.values() for row, why in rows if why)]), duplicates="take", totals="take")
        for (_row, why), (number, reasons) in zip([one for one in rows if one[1]], sorted(told(work, bad).items()), strict=True):
            assert why.items() <= reasons.items(), (entity, number)
        good = [one for one in rows if not any(fields[name].required or fields[name].unique for name in one[1])]
        if not good:
            continue
        done = import_file(
            work,
            entity,
            written([headings, *({**row, **dict.fromkeys(why, "")}.values() for row, why in good)]),
            duplicates="take",
            totals="take",
        )
        left = told(work, done)
        ruled[entity] = {f"{column} {code}" for reasons in left.values() for column, code in reasons.items() if code != "required"}
        back = [json.loads(line) for line in exported(work, entity, "jsonl").splitlines()[len(before) :]]
        taken = [one for number, one in enumerate(good, 1) if number not in left]
        for record, (row, why) in zip(back, taken, strict=True):
            asked = fields.keys() - why.keys()
            assert {name: record[name] for name in asked} == {name: row[name].strip() or None for name in asked}, entity
    assert {name: codes for name, codes in ruled.items() if codes} == RULED
    content = exported(work, "customers.account")
    while work.records("customers.account").find((), 1):  # more than are found at once
        wiped(work, "custom.case", "customers.account")
    assert import_file(work, "customers.account", content, duplicates="take").reasons == []
    assert exported(work, "customers.account") == content
