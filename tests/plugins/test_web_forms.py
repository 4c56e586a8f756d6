"""Web forms: a visitor's words become a lead through the one door; what cannot be taken is kept, and tried again."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from lxml import html
from werkzeug.test import TestResponse

from core.app import create_app
from core.context import Work
from core.http.idempotency import answers
from core.platform import Platform
from core.testkit.fixtures import Api, Clock, People
from plugins.web_forms.capture import retry
from plugins.web_forms.making import begin
from plugins.web_forms.settings import forget
from sdk import Channel, Forbidden, where
from sdk.context import id_of

FORMS, FIELDS, SENT = "/api/v1/web_forms/forms", "/api/v1/web_forms/form_fields", "/api/v1/web_forms/submissions"
LEADS, CUSTOM = "/api/v1/leads/leads", "/api/v1/core/custom_fields"
SITE = "https://www.acme.example"
NUMBERS = "zero one two three four five six seven eight nine".split()
ANN = {"name": "Ann Lee", "email": "Ann@Lee.example", "notes": "Two lines\r\nof words", "_consent": "true"}
HELLO = {"key": "contact", "name": "Contact", "heading": "Talk to us", "heading_zh": "联系我们", "consent": "Keep my details.",
         "consent_zh": "同意保存我的信息。"}  # fmt: skip


class Visitor:
    """Somebody on the page of a form, who reads it for ten seconds and answers its question unless another answer is given."""

    def __init__(self, api: Api, path: str, clock: Clock) -> None:
        self.api, self.path, self.clock, self.after = api.anonymous(), path, clock, 10

    def fill(self, query: str = "", **words: str) -> TestResponse:
        """Open the page, fill it in, send it."""
        answer = self.api.get(self.path + query)
        assert (answer.status_code, answer.mimetype) == (200, "text/html"), answer.text
        return self.send({**typed(answer), "_answer": right(answer.text), **ANN, **words})

    def send(self, words: dict[str, Any], **more: Any) -> TestResponse:
        """What a form sends."""
        self.clock.move(seconds=self.after)
        return self.api.call("POST", self.path, data=words, **more)


def typed(answer: TestResponse) -> dict[str, str]:
    """What the form of a page holds."""
    (form,) = html.fromstring(answer.text).forms
    return dict(form.form_values())


def right(text: str) -> str:
    """The sum that a page or a question asks for."""
    found = re.search(r"How much is (\w+) plus (\w+)\?", text)
    assert found is not None, text
    return str(NUMBERS.index(found[1]) + NUMBERS.index(found[2]))


@pytest.fixture
def form(work: Work, people: People) -> str:
    """The id of a form of a manager, whose leads go to a representative."""
    mine = work.platform.user(work.tenant.id, people.managers[0], Channel.API)
    return str(id_of(begin(mine, {**HELLO, "assignee": people.reps[0][0], "told": people.managers[0]})))


@pytest.fixture
def visitor(client: Api, work: Work, form: str, clock: Clock) -> Visitor:
    """Somebody at the form's address."""
    path = client.get(f"{FORMS}/{form}/embedding").json["address"].partition("8000")[2]
    return Visitor(client, path, clock)


@pytest.mark.feature("C17")
def test_a_bad_answer_is_refused_and_what_fails_for_no_fault_of_the_visitor_is_listed_and_can_be_tried_again(
    client: Api, visitor: Visitor, form: str, people: People
) -> None:
    wrong = visitor.fill(_answer="99")
    assert wrong.status_code == 422
    assert "not the right answer" in wrong.text
    assert typed(wrong)["name"] == "Ann Lee"  # filled in again
    assert client.get(SENT).json["data"] == client.get(LEADS).json["data"] == []
    client.patch(f"/api/v1/core/users/{people.managers[0]}", {"active": False})
    thanked = visitor.fill()
    assert (thanked.status_code, client.get(LEADS).json["data"]) == (201, [])
    (failed,) = client.get(SENT, {"state": "failed"}).json["data"]
    assert (failed["owner"], failed["lead"]) == (str(people.reps[0][0]), None)
    assert (failed["code"], failed["attempts"]) == ("not_found", 1), failed["reason"]
    client.patch(f"/api/v1/core/users/{people.managers[0]}", {"active": True})
    again = client.post(f"{SENT}/{failed['id']}/retries", {})
    assert (again.status_code, again.json["state"]) == (200, "taken"), again.text
    assert client.post(f"{SENT}/{failed['id']}/retries", {}).status_code == 409
    (lead,) = client.get(LEADS).json["data"]
    assert (lead["id"], lead["name"], lead["notes"]) == (again.json["lead"], "Ann Lee", "Two lines\nof words")


def test_a_lead_says_by_which_form_it_came_and_what_was_agreed_to_and_through_what(
    client: Api, visitor: Visitor, form: str, people: People, work: Work, clock: Clock
) -> None:
    client.post("/api/v1/leads/campaigns", {"name": "spring", "channel": "mail"})
    assert visitor.fill("?utm_source=letter&utm_campaign=spring&lang=en").status_code == 201
    (lead,) = client.get(LEADS).json["data"]
    told = ("email", "owner", "source", "web_forms.form", "web_forms.consent", "web_forms.consent_version")
    assert [lead[name] for name in told] == ["ann@lee.example", str(people.reps[0][0]), "letter", form, "Keep my details.", 1]
    assert lead["web_forms.consented_at"] == clock.now.isoformat().replace("+00:00", "Z")
    (touch,) = client.get("/api/v1/leads/touches").json["data"]
    assert (touch["source"], touch["lead"]) == ("letter", lead["id"])
    (entry,) = [one for one in client.get(f"{LEADS}/{lead['id']}/history").json["data"] if one["action"] == "create"]
    assert (entry["channel"], entry["actor"]) == ("form", "manager0")
    client.patch(f"{FORMS}/{form}", {"consent": "Keep them for a year."})
    assert client.get(f"{FORMS}/{form}").json["consent_version"] == 2
    (notice,) = client.as_user(people.managers[0]).get("/api/v1/teamwork/notifications").json["data"]
    assert (notice["kind"], notice["about"]["id"]) == ("web_forms.taken", lead["id"])


def test_programs_are_kept_away_and_who_sends_twice_is_taken_once(client: Api, visitor: Visitor) -> None:
    page = visitor.api.get(visitor.path)
    words = {**typed(page), "_answer": right(page.text), **ANN}
    visitor.after = 1
    assert "faster than anyone can type" in visitor.send(words).text
    visitor.after = 5
    assert visitor.send({**words, "topic_code": "buy"}).status_code == 201  # it is not told that it was found out
    assert [one["state"] for one in client.get(SENT).json["data"]] == ["spam"]
    page = visitor.api.get(visitor.path)
    words = {**typed(page), "_answer": right(page.text), **ANN}
    assert [visitor.send(words).status_code, visitor.send(words).status_code] == [201, 201]
    assert len(client.get(LEADS).json["data"]) == 1
    for stamp in ("", "1.x.y", words["_stamp"][:-1] + "0" * (words["_stamp"][-1] != "0") or "1", "9" * 15 + ".a.b"):
        visitor.after = 61
        unsigned = visitor.send({**words, "_stamp": stamp})
        assert (unsigned.status_code, typed(unsigned)["name"]) == (422, "Ann Lee")
    visitor.after = 13 * 3600
    assert visitor.send(words).status_code == 422


def test_one_address_sends_so_many_a_minute_and_is_told_when_to_come_back(client: Api, visitor: Visitor) -> None:
    visitor.after = 0
    for _n in range(6):
        assert visitor.send({}).status_code == 422
    refused = visitor.send({})
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    other = visitor.send({}, environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
    assert other.status_code == 422
    visitor.after = 60
    assert visitor.send({}).status_code == 422


def test_the_pace_is_one_for_all_processes_and_who_is_refused_begins_nothing_that_writes(
    client: Api, visitor: Visitor, platform: Platform, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = platform.on(platform.config, clock)  # another process of the same installation: all that they share is the database
    elsewhere = Visitor(Api(second, create_app(second).test_client()), visitor.path, clock)
    visitor.after = elsewhere.after = 0
    assert [who.send({}).status_code for who in (visitor, elsewhere) * 3] == [422] * 6
    begun: list[bool] = []
    for one in (platform, second):
        begin = one.database.begin
        monkeypatch.setattr(one.database, "begin", lambda begin=begin, **more: begun.append(more["write"]) or begin(**more))
    assert [who.send({}).status_code for who in (elsewhere, visitor, elsewhere)] == [429] * 3
    assert visitor.send({}, headers={"Origin": "https://elsewhere.example"}).status_code == 403
    assert (set(begun), len(begun)) == ({False}, 10)  # the second time it is told from memory
    clock.move(seconds=60)
    assert elsewhere.send({}).status_code == 422
    second.close()


def test_a_website_of_ours_sends_json_and_others_may_not(client: Api, visitor: Visitor, form: str, clock: Clock) -> None:
    client.patch(f"{FORMS}/{form}", {"origins": [SITE]})
    asked = {"Origin": SITE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    allowed = visitor.api.call("OPTIONS", visitor.path, headers=asked)
    assert (allowed.status_code, allowed.headers["Access-Control-Allow-Origin"]) == (204, SITE)
    assert "Content-Type" in allowed.headers["Access-Control-Allow-Headers"]
    there = visitor.api.get(visitor.path, headers={"Accept": "application/json", "Origin": SITE}).json
    assert [one["name"] for one in there["fields"]] == ["name", "company", "email", "phone", "notes"]
    clock.move(seconds=9)
    wrong = visitor.api.post(visitor.path, {"name": "Bo", "email": "no", "_stamp": there["stamp"]}, headers={"Origin": SITE})
    assert (wrong.status_code, wrong.headers["Access-Control-Allow-Origin"], wrong.mimetype) == (422, SITE, "application/problem+json")
    assert {one["field"] for one in wrong.json["errors"]} == {"email", "_answer", "_consent"}
    answer = {"_stamp": wrong.json["stamp"], "_answer": right(wrong.json["question"]), "_consent": True}
    clock.move(seconds=9)
    taken = visitor.api.post(visitor.path, {"name": "Bo", "email": "bo@x.example", **answer}, headers={"Origin": SITE})
    assert (taken.status_code, taken.json["taken"]) == (201, True), taken.text
    for origin in ("https://evil.example", "http://www.acme.example"):
        other = visitor.api.post(visitor.path, {}, headers={"Origin": origin})
        assert (other.status_code, "Access-Control-Allow-Origin" in other.headers) == (403, False)
        assert "Access-Control-Allow-Origin" not in visitor.api.call("OPTIONS", visitor.path, headers={**asked, "Origin": origin}).headers
    assert visitor.api.call("POST", visitor.path, data=b"x" * 10, content_type="text/plain").status_code == 415
    assert visitor.api.post(visitor.path, {"notes": "x" * 50_000}, headers={"Origin": SITE}).status_code == 413


def test_constants_and_custom_fields_are_the_leads_and_a_rule_of_the_tenant_does_not_lose_anybody(
    client: Api, visitor: Visitor, form: str, people: People
) -> None:
    mine = client.as_user(people.managers[0])
    client.post(CUSTOM, {"entity": "leads.lead", "key": "size", "label": "Size", "label_zh": "规模", "kind": "choice",
                                "options": [{"key": "s", "label": "Small"}, {"key": "l", "label": "Large"}]})  # fmt: skip
    name = "custom.size"
    for values in (
        {"field": name, "required": True},
        {"field": "source", "hidden": True, "value": "website"},
        {"field": "rating", "hidden": True, "value": "warm"},
    ):
        assert mine.post(FIELDS, {"form": form, **values}).status_code == 201
    for values, field in (
        ({"field": "campaign"}, "field"), ({"field": "nothing"}, "field"), ({"field": "converted_at", "hidden": True, "value": "x"}, "field"),
        ({"field": "value", "hidden": True, "value": "much"}, "value"), ({"field": "website", "hidden": True}, "value"),
    ):  # fmt: skip
        refused = mine.post(FIELDS, {"form": form, **values})
        assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, field), refused.text
    assert visitor.fill().status_code == 422  # Size is to be chosen
    assert visitor.fill(**{name: "l", "rating": "hot", "source": "me"}).status_code == 201
    (lead,) = client.get(LEADS).json["data"]
    assert (lead[name], lead["source"], lead["rating"]) == ("l", "website", "warm")
    client.post(CUSTOM, {"entity": "leads.lead", "key": "budget", "label": "Budget", "kind": "integer", "required": True})
    visitor.clock.move(minutes=2)
    assert visitor.fill(**{name: "s"}, email="bo@x.example").status_code == 201
    (failed,) = client.get(SENT, {"state": "failed"}).json["data"]
    assert "budget" in failed["reason"]
    still = client.post(f"{SENT}/{failed['id']}/retries", {})
    assert (still.json["state"], client.get(f"{SENT}/{failed['id']}").json["attempts"]) == ("failed", 2)


def test_what_a_plugin_breaks_is_kept_and_leaves_nothing_half_written(
    client: Api, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_any: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("plugins.leads.touches.of_leads", broken)
    assert visitor.fill().status_code == 201
    (failed,) = client.get(SENT).json["data"]
    assert (failed["state"], failed["code"], client.get(LEADS).json["data"]) == ("failed", "plugin_failed", [])
    monkeypatch.undo()
    assert client.post(f"{SENT}/{failed['id']}/retries", {}).json["state"] == "taken"


def test_a_likely_double_is_kept_and_made_all_the_same_by_who_says_so(client: Api, visitor: Visitor, work: Work) -> None:
    client.patch("/api/v1/core/tenant", {"duplicates": {"leads.lead.email": "refuse"}})
    assert visitor.fill().status_code == visitor.fill(name="Ann L.").status_code == 201
    (double,) = client.get(SENT, {"state": "failed"}).json["data"]
    assert (double["code"], len(client.get(LEADS).json["data"])) == ("likely_duplicate", 1)
    assert client.post(f"{SENT}/{double['id']}/retries", {}).json["state"] == "failed"
    assert client.post(f"{SENT}/{double['id']}/retries", {"force": True}).json["state"] == "taken"


def test_who_may_not_looks_at_no_submission_and_makes_no_form_for_somebody_else(
    client: Api, visitor: Visitor, form: str, people: People
) -> None:
    visitor.fill()
    (sent,) = client.get(SENT).json["data"]
    other, boss = client.as_user(people.reps[1][0]), client.as_user(people.managers[0])
    assert other.get(SENT).json["data"] == []
    assert [other.post(f"{SENT}/{sent['id']}/retries", {}).status_code, other.post(FORMS, HELLO).status_code] == [403, 403]
    refused = boss.post(FORMS, {**HELLO, "key": "b", "owner": str(people.reps[0][0])})
    assert (refused.status_code, refused.json["code"]) == (409, "beyond_own")
    assert boss.patch(f"{FORMS}/{form}", {"owner": None}).status_code == 403, "nobody's leads are made by the system"
    few = client.as_user(people.managers[0], allows=["web_forms.form.read:name"])
    assert few.get(f"{FORMS}/{form}/embedding").status_code == 200  # who sees little of it still sees what everybody does
    assert "digest" not in visitor.api.get(visitor.path).text
    client.patch(f"{FORMS}/{form}", {"active": False})
    assert [visitor.api.get(visitor.path).status_code, visitor.send({}).status_code] == [404, 404]
    assert visitor.api.get(f"{FORMS}/{'0' * 32}_{'a' * 43}").status_code == 404


def test_what_was_sent_is_forgotten_after_its_time_and_with_the_person(
    client: Api, visitor: Visitor, work: Work, clock: Clock, people: People, drain: Callable[[], int]
) -> None:
    client.patch(f"/api/v1/core/users/{people.managers[0]}", {"active": False})
    visitor.fill()
    client.patch(f"/api/v1/core/users/{people.managers[0]}", {"active": True})
    visitor.fill(name="Ann Lee again")
    (lead,) = client.get(LEADS).json["data"]
    visitor.fill(name="Somebody else", email="other@else.example")
    erased = client.post("/api/v1/core/erasures", {"record": f"leads.lead:{lead['id']}", "reason": "asked for it"})
    assert erased.status_code == 200, erased.text
    drain()
    kept = {one["id"]: one["said"] for one in client.get(SENT).json["data"]}
    assert [said is None or "lee.example" not in said for said in kept.values()] == [True] * 3
    assert [one for one in kept.values() if one and "other@else.example" in one]
    (failed,) = client.get(SENT, {"state": "failed"}).json["data"]
    assert client.post(f"{SENT}/{failed['id']}/retries", {}).json["code"] == "erased"
    clock.move(days=180)
    forget(work)
    assert any(kept.values())
    clock.move(days=1)
    forget(work)
    assert [one["said"] for one in client.get(SENT).json["data"]] == [None] * 3


def test_the_page_speaks_the_visitors_language_and_goes_on_to_a_page_of_the_company(client: Api, visitor: Visitor, form: str) -> None:
    chinese = visitor.api.get(visitor.path, headers={"Accept-Language": "zh-CN"})
    assert "联系我们" in chinese.text
    assert "等于几" in chinese.text
    client.patch(f"{FORMS}/{form}", {"redirect": f"{SITE}/thanks?a=1", "captcha": False})
    page = visitor.api.get(visitor.path)
    assert f"form-action 'self' {SITE};" in page.headers["Content-Security-Policy"]
    gone = visitor.send({**typed(page), **ANN})
    assert (gone.status_code, gone.headers["Location"]) == (303, f"{SITE}/thanks?a=1")
    sheet = client.get(f"{FORMS}/{form}/embedding").json["html"]
    plain = dict(html.fromstring(sheet).form_values())
    confirm = visitor.send({**plain, **ANN})
    assert (confirm.status_code, "once more" in confirm.text) == (422, True)  # no stamp yet: our own page asks
    assert visitor.send({**typed(confirm), "email": "c@x.example"}).status_code == 303
    assert len(client.get(LEADS).json["data"]) == 2


def test_what_was_refused_is_asked_anew_under_the_same_key_and_kept_nowhere(client: Api, visitor: Visitor, form: str, work: Work) -> None:
    patch = client.patch(f"{FORMS}/{form}", {"most": 1})
    assert patch.status_code == 200, patch.text
    words = {"name": "Ann", "_stamp": "no"}
    assert visitor.send(words).status_code == 422
    key = {"headers": {"Idempotency-Key": "one"}}
    assert visitor.send(words, **key).status_code == 429
    visitor.clock.move(seconds=60)
    assert visitor.send(words, **key).status_code == 422
    with work.transaction():
        assert work.connection.execute(sa.select(sa.func.count()).select_from(answers)).scalar_one() == 0


def test_nobody_sends_more_to_a_form_than_words(visitor: Visitor) -> None:
    much = {"name": "Ann", "file": (io.BytesIO(b"x" * (5 << 20)), "much.bin")}
    answer = visitor.api.call("POST", visitor.path, data=much, content_type="multipart/form-data")
    assert answer.status_code == 413, answer.text


def test_who_may_not_force_a_double_does_not_by_the_owner_of_the_form(client: Api, visitor: Visitor, work: Work, people: People) -> None:
    for _time in range(2):
        assert visitor.fill().status_code == 201
    (double,) = client.get(SENT, {"state": "failed"}).json["data"]
    manager = work.platform.user(work.tenant.id, people.managers[0], Channel.API)
    narrow = manager.within(["web_forms.submission.read:*", "web_forms.submission.retry", "leads.lead.read:*", "leads.lead.create:*"])
    with pytest.raises(Forbidden):
        retry(narrow, UUID(double["id"]), force=True)
    assert retry(narrow, UUID(double["id"]))["state"] == "failed"


@pytest.mark.feature("B6")
def test_a_submission_says_of_a_lead_what_one_sees_of_leads(client: Api, visitor: Visitor, work: Work, people: People) -> None:
    for _time in range(2):
        assert visitor.fill().status_code == 201
    rep = client.as_user(people.rep)
    (double,) = rep.get(SENT, {"state": "failed"}).json["data"]
    assert ("Ann@Lee.example" in double["said"], bool(double["reason"])) == (True, True)
    seen = sorted(work.records("leads.lead").fields().keys() - {"email"})
    (role,) = work.records("core.role").find(where(key="sales_rep"))
    work.records("core.grant").create({"role": role["id"], "permission": "leads.lead.read", "scope": "team", "only_fields": seen})
    (double,) = rep.get(SENT, {"state": "failed"}).json["data"]
    assert ("Ann@Lee.example" in double["said"], "Ann Lee" in double["said"], double["reason"]) == (False, True, None)
    for word in ("said[contains]=Ann@Lee.example", "reason[contains]=a", "said[empty]=false"):
        assert rep.get(f"{SENT}?{word}").status_code == 400
    assert "Ann@Lee.example" not in rep.get(f"{SENT}/{double['id']}/history").text
    assert "Ann@Lee.example" in client.get(f"{SENT}?said[contains]=Ann@Lee.example").text


def test_a_form_sent_again_after_its_submission_was_deleted_is_taken_no_second_time(client: Api, visitor: Visitor) -> None:
    page = visitor.api.get(visitor.path)
    words = {**typed(page), "_answer": right(page.text), **ANN}
    assert visitor.send(words).status_code == 201
    (sent,) = client.get(SENT).json["data"]
    assert client.delete(f"{SENT}/{sent['id']}").status_code == 204
    assert visitor.send(words).status_code == 201
    assert (client.get(SENT).json["data"], len(client.get(LEADS).json["data"])) == ([], 1)
