"""Leaks that other products had and one of our search, put into ours: the kit catches each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

import core.entities.pages
import core.entities.write
import core.policy.grants
import core.search.find
from core.entities.aggregate import Aggregation
from core.entities.item import Item
from core.entities.pages import Outline
from core.entities.read import Reader
from core.policy.allowed import admitted
from core.policy.grants import Grant, Grants
from core.policy.scopes import Scopes
from core.search.index import places
from core.testkit.leaks.kit import Kit
from sdk import Conflict, Scope
from sdk.text import Text
from tests.testkit.first_leak import first_leak, type_twins
from tests.testkit.ours import WAIVERS

_init, _grants_of, _outline = Aggregation.__init__, Scopes.grants_of, core.entities.pages._outline


class _Wide(Reader):
    """A reader of all rows, with the fields of another."""

    def reach(self, source: Any, names: Any = (), scopes: Any = None, *, deleted: bool = False) -> Any:
        return source.live()


def groups_by_any_field(self: Aggregation, reader: Reader) -> None:
    """twentyhq/twenty #25911: what is hidden in lists can be grouped by."""
    _init(self, reader)
    self.visible = dict(reader.shape.fields)


def system_objects_for_all(self: Scopes, entity: Any, verb: Any) -> Any:
    """twentyhq/twenty #23062: the objects of the system do not ask for rights."""
    return (Grant(Scope.ALL),) if entity.plugin == "core" else _grants_of(self, entity, verb)


def lists_with_all_fields(reader: Reader, query: Any) -> Outline:
    """espocrm/espocrm #2515: the record hides a field, the list of records shows it."""
    found = _outline(reader, query)
    return found if query.fields else Outline(found.visible, list(reader.shape.fields), found.keys, found.sort)


def reports_of_all_rows(self: Aggregation, reader: Reader) -> None:
    """frappe/erpnext #13104: a report counts all records, whoever asks."""
    _init(self, _Wide(reader.work, reader.shape))


def searches_all_fields(reader: Reader) -> dict[str, int]:
    """Rules for lists that the search of everything does not know."""
    return {one.name: one.id for one in places(reader.shape).values()}


def quotes_what_is_stored(_work: Any, _shape: Any, items: Sequence[Item]) -> None:
    """A rule of validity that reads the whole record, as it may, and quotes it."""
    for item in items:
        if item.draft.verb == "update" and item.before is not None and "notes" in item.before:
            item.refusal = Conflict(Text("is not to be changed: {notes}"), notes=item.before["notes"])


BUGS: dict[str, tuple[object, str, Callable[..., Any], str]] = {
    "twenty-25911": (Aggregation, "__init__", groups_by_any_field, "report"),
    "twenty-23062": (Scopes, "grants_of", system_objects_for_all, "meta openapi list"),
    "espocrm-2515": (core.entities.pages, "_outline", lists_with_all_fields, "list"),
    "erpnext-13104": (Aggregation, "__init__", reports_of_all_rows, "report"),
    "search": (core.search.find, "searched", searches_all_fields, "search"),
    "a refusal that quotes": (core.entities.write, "check_trees", quotes_what_is_stored, "refusal"),
}


def reads_whatever_is_not_named(_table: Any, _permission: str, grants: Any) -> Any:
    """twentyhq/twenty #23461: what a program's list does not name is not denied."""
    return grants


def shows_every_field(table: Any, permission: str, grants: Any) -> Any:
    """The same of fields: those that the list does not name are read, also those to come."""
    return grants if admitted(table, permission) else ()


def keeps_lists_and_asks_none(self: Grants, _allows: Any) -> Grants:
    """MicroPyramid/Django-CRM: the scopes of a token are stored, and nothing enforces them."""
    return self


TOKEN_BUGS: dict[str, tuple[object, str, Callable[..., Any]]] = {
    "twenty-23461": (core.policy.grants, "within", reads_whatever_is_not_named),
    "twenty-23461-fields": (core.policy.grants, "within", shows_every_field),
    "django-crm": (Grants, "narrowed", keeps_lists_and_asks_none),
}


@pytest.mark.feature("B6", "B7")
@pytest.mark.parametrize("bug", ["none", *TOKEN_BUGS])
def test_the_kit_catches_a_token_that_does_more_than_its_list(
    bug: str, small_kit: Kit, token_twins: type_twins, monkeypatch: pytest.MonkeyPatch
) -> None:
    if bug != "none":
        monkeypatch.setattr(*TOKEN_BUGS[bug])
    leak = first_leak(small_kit, token_twins, "list get")
    assert (leak is None) == (bug == "none"), str(leak)


@pytest.mark.feature("B6", "B7")
def test_a_run_by_a_token_with_a_random_list_catches_that(small_kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    kit, entities = replace(small_kit, deep=False, waivers=WAIVERS), ("customers.account", "customers.contact", "probe.thing")
    report = kit.run([2], entities, beside=False, by_token=True)
    assert (report.tokens, report.leaks) == (1, []), str(report)
    monkeypatch.setattr(Grants, "narrowed", keeps_lists_and_asks_none)
    found = kit.run([2], entities, beside=False, by_token=True)
    assert {leak.question.kind for leak in found.leaks} >= {"list", "get"}, str(found)


@pytest.mark.feature("B6")
@pytest.mark.parametrize("bug", BUGS)
def test_the_kit_catches(bug: str, small_kit: Kit, small_twins: type_twins, monkeypatch: pytest.MonkeyPatch) -> None:
    target, name, broken, kinds = BUGS[bug]
    monkeypatch.setattr(target, name, broken)
    assert first_leak(small_kit, small_twins, kinds) is not None
