"""Custom fields as pages: made, looked at as they are typed, ordered, and taken away after it was said what is lost."""

from __future__ import annotations

from core.context import Work
from tests.console.site import Site

HERE = "/admin/fields/customers.account"


def test_a_field_is_made_ordered_changed_and_deleted_after_it_was_said_what_is_lost(site: Site, work: Work) -> None:
    page = site.get(HERE)
    options = "gold = Gold / 金牌\nsilver"
    made = site.post(HERE, {**page.form(), "label": "Medal", "label_zh": "奖牌", "key": "medal", "kind": "choice", "options": options})
    assert made.status == 303, made.text
    formula = {"label": "Twice", "key": "", "kind": "formula", "expression": "employees * 2", "result": "integer"}
    assert site.post(HERE, formula).status == 303
    assert [row[0] for row in site.get(HERE).rows()] == ["Medal", "Twice"]
    (medal, twice) = work.records("core.custom_field").find(())
    assert twice["key"] == "twice", "it follows from the label where nobody types one"
    assert medal["options"] == [{"key": "gold", "label": "Gold", "label_zh": "金牌"}, {"key": "silver", "label": "silver"}]
    assert site.post(HERE, {"do": "up", "field": str(twice["id"])}).status == 303
    assert [row[0] for row in site.get(HERE).rows()] == ["Twice", "Medal"]
    work.records("customers.account").create({"name": "Huawei", "employees": 4, "custom.medal": "gold"})
    one = site.get(f"{HERE}/{medal['id']}")
    assert "1 record has a value in this field" in one.text
    lost = site.post(f"{HERE}/{medal['id']}", {**one.form(0), "label": "Medal", "options": "silver"})
    assert lost.status == 422
    assert "gold" in " ".join(lost.texts("//*[@data-problem='options']"))
    assert site.post(f"{HERE}/{medal['id']}", {"label": "Award", "options": options}).status == 303
    assert site.post(f"{HERE}/{medal['id']}", {"do": "delete"}).status == 303
    assert [row[0] for row in site.get(HERE).rows()] == ["Twice"]


def test_what_is_typed_is_looked_at_and_nothing_is_written(site: Site, work: Work) -> None:
    typed = {"do": "check", "label": "Twice", "key": "twice", "kind": "formula", "expression": "employees *", "result": "integer"}
    told = site.post(HERE, typed).answer.json
    assert [one["field"] for one in told["problems"]] == ["expression"]
    assert site.post(HERE, {**typed, "expression": "employees * 2"}).answer.json == {"problems": []}
    assert work.records("core.custom_field").find(()) == []
    refused = site.post(HERE, {**typed, "do": ""})
    assert (refused.status, refused.form()["expression"]) == (422, "employees *")
    assert site.get("/admin/fields/customers.nothing").status == 404
