"""Webhooks against a real server: signed, in order, retried, redelivered, and never into the house."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import master_key
from core.context import Work
from core.outside import http
from core.platform import Platform
from core.tenancy import lifecycle
from core.testkit.engines import Engine
from core.testkit.fixtures import Api, Clock, MakeTenant, People
from sdk import Call, Invalid, where
from sdk.calls import CHAIN
from sdk.context import id_of
from sdk.errors import DeclarationError
from tests.automation.conftest import Rules, entry

PLACE = "/api/v1/automation/webhooks"


@dataclass
class Receiver:
    """A server that answers as it is told: `answers` first, then 204."""

    port: int = 0
    answers: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?x=1"

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _headers, body in self.got]


@pytest.fixture
def receiver(platform: Platform) -> Iterator[Receiver]:
    """A running receiver, in an installation that may call addresses inside."""
    platform.config = replace(platform.config, private_hooks=True)
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.got.append(({k.lower(): v for k, v in self.headers.items()}, self.rfile.read(int(self.headers["Content-Length"]))))
            status = made.answers.pop(0) if made.answers else 204
            self.send_response(status)
            if status == 302:
                self.send_header("Location", made.url)
            self.end_headers()
            if status != 204:
                self.wfile.write(b"wait\x00 a bit")

        def log_message(self, *_args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def hook(client: Api, receiver: Receiver) -> Callable[..., str]:
    """Makes a webhook; returns its id."""

    def make(api: Api | None = None, **more: object) -> str:
        answer = (api or client).post(PLACE, {"name": "erp", "url": receiver.url, "entity": "customers.account", **more})
        assert answer.status_code == 201, answer.text
        return str(answer.json["id"])

    return make


def deliveries(work: Work) -> list[dict[str, Any]]:
    return [dict(row) for row in work.records("automation.delivery").find(())]


@pytest.mark.feature("I13")
def test_a_receiver_that_fails_three_times_gets_one_delivery_in_order_and_the_log_shows_four_attempts(
    work: Work, hook: Callable[..., str], receiver: Receiver, engine: Engine, clock: Clock
) -> None:
    hook()
    receiver.answers = [500, 204, 503, 302]  # the second is for the other record
    accounts = work.records("customers.account")
    id = id_of(accounts.create({"name": "Alder"}))
    engine.run_until_idle()
    accounts.update(id, {"city": "Wuhan"})
    other = id_of(accounts.create({"name": "Birch"}))
    for seconds in (9, 1, 59, 1, 300):
        engine.run_until_idle()
        clock.move(seconds=seconds)
    engine.run_until_idle()
    of_first = [body for body in receiver.bodies if body["data"]["record"]["id"] == str(id)]
    assert [body["type"] for body in of_first] == ["customers.account.created"] * 4 + ["customers.account.updated"]
    assert [body["data"]["record"]["id"] for body in receiver.bodies].count(str(other)) == 1, "another record does not wait"
    ids = [headers["webhook-id"] for headers, body in receiver.got if json.loads(body) == of_first[0]]
    assert len(ids) == 4 and len(set(ids)) == 1, "the same id and the same content at each attempt"
    log = [
        (row["event"].rpartition(".")[2], row["state"], row["attempts"], row["status"])
        for row in deliveries(work)
        if row["subject"] == str(id)
    ]
    assert log == [("created", "done", 4, 204), ("updated", "done", 1, 204)]


@pytest.mark.feature("I13")
def test_the_signature_follows_standard_webhooks_and_the_secret_is_shown_once(
    client: Api, work: Work, hook: Callable[..., str], receiver: Receiver, engine: Engine, clock: Clock
) -> None:
    id = hook()
    secret = client.post(f"{PLACE}/{id}/secret").json["secret"]
    key = base64.b64decode(secret.removeprefix("whsec_"))
    assert secret.startswith("whsec_") and len(key) == 32
    work.records("customers.account").create({"name": "华宸"})
    engine.run_until_idle()
    (headers, body) = receiver.got[0]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    assert headers["webhook-signature"] == "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-timestamp"] == str(int(clock.now.timestamp()))
    assert headers["content-type"] == "application/json"
    shown = "".join(client.get(f"{PLACE}{rest}").text for rest in ("", f"/{id}", f"/{id}/history")) + client.get("/api/v1/core/jobs").text
    assert secret[6:] not in shown and key.hex() not in shown
    assert client.post(f"{PLACE}/{id}/secret").json["secret"] != secret


@pytest.mark.feature("I13")
def test_an_owner_who_may_not_see_a_record_or_a_field_is_not_told_of_it(
    client: Api, work: Work, hook: Callable[..., str], receiver: Receiver, engine: Engine, people: People
) -> None:
    hook(client.as_user(people.manager))
    mine, others = (id_of(work.records("customers.account").create({"name": f"a{n}", "owner": people.reps[n][0]})) for n in range(2))
    engine.run_until_idle()
    assert [body["data"]["record"]["id"] for body in receiver.bodies] == [str(mine)]
    assert {row["subject"] for row in deliveries(work)} == {str(mine)}
    place = "/api/v1/automation/deliveries"
    seen = [len(client.as_user(who).get(place).json["data"]) for who in (people.manager, people.managers[1])]
    assert seen == [1, 0]
    assert str(others) not in client.get(place).text


@pytest.mark.feature("I13")
def test_a_webhook_whose_owner_has_lost_a_right_does_not_keep_others_from_being_told(
    client: Api, work: Work, hook: Callable[..., str], engine: Engine, people: People
) -> None:
    blind, narrow, other = hook(client.as_user(people.manager)), hook(client.as_user(people.managers[1]), where=["city=Wuhan"]), hook()
    work.records("core.user").update(people.manager, {"roles": ["finance"]})
    grants = work.records("core.grant")
    for permission in ("customers.account.read", "customers.contact.read"):
        (role,) = work.records("core.role").find(where(key="finance"))
        grants.create({"role": id_of(role), "permission": permission, "scope": "none"})
    (role,) = work.records("core.role").find(where(key="sales_manager"))
    grants.create({"role": id_of(role), "permission": "customers.account.read", "scope": "all", "only_fields": ["name"]})
    id = id_of(work.records("customers.account").create({"name": "a", "city": "Wuhan"}))
    engine.run_until_idle()
    assert [(str(row["webhook"]), row["subject"]) for row in deliveries(work)] == [(other, str(id))]
    hooks = {str(row["id"]): row for row in work.records("automation.webhook").find(())}
    assert hooks[blind]["active"] and not hooks[narrow]["active"]
    assert "city" in str(hooks[narrow]["stopped_because"])


@pytest.mark.feature("I13")
def test_events_and_clauses_narrow_a_webhook(work: Work, hook: Callable[..., str], receiver: Receiver, engine: Engine) -> None:
    hook(events=["customers.account.created", "customers.account.deleted"], where=["city=Wuhan"])
    hook(name="gone", events=["customers.account.deleted"])
    accounts = work.records("customers.account")
    ids = [id_of(accounts.create({"name": name, "city": city})) for name, city in (("a", "Wuhan"), ("b", "Xi'an"))]
    accounts.update(ids[0], {"website": "https://a.example"})
    engine.run_until_idle()
    assert [(body["type"], body["data"]["record"]["name"]) for body in receiver.bodies] == [("customers.account.created", "a")]
    accounts.delete(ids[1])
    engine.run_until_idle()
    assert receiver.bodies[1]["data"]["record"] == {"id": str(ids[1])}


@pytest.mark.feature("I13")
def test_a_receiver_that_is_gone_is_called_no_more(
    client: Api, work: Work, hook: Callable[..., str], receiver: Receiver, engine: Engine
) -> None:
    id = hook()
    receiver.answers = [410]
    for name in ("a", "b"):
        work.records("customers.account").create({"name": name})
        engine.run_until_idle()
    row = client.get(f"{PLACE}/{id}").json
    assert (row["active"], len(receiver.got)) == (False, 1)
    assert "410" in row["stopped_because"]
    assert client.patch(f"{PLACE}/{id}", {"active": True}).json["stopped_because"] is None


@pytest.mark.feature("I13")
def test_what_waits_for_a_webhook_that_is_off_is_told_when_it_is_on_again(
    client: Api, work: Work, hook: Callable[..., str], receiver: Receiver, engine: Engine, clock: Clock
) -> None:
    id = hook()
    receiver.answers = [503]
    work.records("customers.account").create({"name": "Alder"})
    engine.run_until_idle()
    for active in (False, True):
        client.patch(f"{PLACE}/{id}", {"active": active})
        clock.move(minutes=1)
        engine.run_until_idle()
    assert [(row["state"], row["attempts"]) for row in deliveries(work)] == [("done", 2)]


@pytest.mark.feature("I13")
@pytest.mark.parametrize("minutes", [0, 90])
def test_what_fell_due_while_the_plugin_was_off_is_done_when_it_is_back_and_within_two_hours_where_nobody_switched_it(
    work: Work,
    client: Api,
    hook: Callable[..., str],
    rules: Rules,
    receiver: Receiver,
    engine: Engine,
    clock: Clock,
    minutes: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hook(events=["customers.account.created"])
    rules("customers.account", "created", entry("done", fail="{{ city }}"))
    receiver.answers = [503]
    id = id_of(work.records("customers.account").create({"name": "Alder", "city": "explode"}))
    engine.run_until_idle()
    assert {row["state"] for row in (*deliveries(work), *rules.runs())} == {"waiting"}
    lifecycle.switch(work, "automation", False)
    work = rules.work = work.platform.system(work.tenant.id)
    work.records("customers.account").update(id, {"city": None})
    clock.move(minutes=10)
    engine.run_until_idle()
    if minutes:
        monkeypatch.setattr("plugins.automation.resuming.begin", lambda _ctx: None)
    lifecycle.switch(work, "automation", True)
    work = rules.work = work.platform.system(work.tenant.id)
    for later in (0, minutes):
        clock.move(minutes=later)
        engine.run_until_idle()
    assert [row["state"] for row in (*deliveries(work), *rules.runs())] == ["done", "done"]


@pytest.mark.feature("I13")
def test_what_failed_for_good_can_be_delivered_again(
    client: Api, work: Work, hook: Callable[..., str], receiver: Receiver, engine: Engine, clock: Clock, people: People
) -> None:
    hook()
    receiver.answers = [500] * 8
    work.records("customers.account").create({"name": "Alder"})
    for _ in range(12):
        engine.run_until_idle()
        clock.move(hours=10)
    (row,) = deliveries(work)
    assert (row["state"], row["attempts"], row["status"], row["response"]) == ("failed", 8, 500, "wait a bit")
    place = f"/api/v1/automation/deliveries/{row['id']}/redeliver"
    assert client.as_user(people.managers[1]).post(place).status_code == 404
    assert client.post(place).status_code == 200
    engine.run_until_idle()
    assert [row["state"] for row in deliveries(work)] == ["done"]
    assert receiver.got[-1][0]["webhook-id"] == receiver.got[0][0]["webhook-id"] and receiver.got[-1][1] == receiver.got[0][1]
    assert client.post(place).status_code == 200, "a delivered one, too"


@pytest.mark.feature("I5")
def test_a_rule_calls_an_address_outside(work: Work, rules: Rules, receiver: Receiver, engine: Engine, clock: Clock) -> None:
    receiver.answers = [503]
    body = {"name": "{{ name }}", "list": ["{{ city }}"], "n": 5}
    rules("customers.account", "created", {"action": "automation.call_webhook", "parameters": {"url": receiver.url, "body": body}})
    work.records("customers.account").create({"name": "华宸", "city": "武汉"})
    engine.run_until_idle()
    clock.move(minutes=5)
    engine.run_until_idle()
    assert receiver.bodies == [{"name": "华宸", "list": ["武汉"], "n": 5}] * 2
    assert len({headers["idempotency-key"] for headers, _body in receiver.got}) == 1


@pytest.mark.feature("I8")
def test_rules_that_begin_each_other_through_a_system_outside_are_stopped_as_within_the_house(
    client: Api, work: Work, rules: Rules, receiver: Receiver, engine: Engine, account: UUID
) -> None:
    call = {"action": "automation.call_webhook", "parameters": {"url": receiver.url, "body": {"id": str(account)}}}
    step = {"action": "automation.update_record", "parameters": {"values": {"city": "{{ city }}x"}}}
    rules("customers.account", "updated", call, parameters={"fields": ["city"]})
    came = rules("customers.account", "inlet", step)
    inlet = client.post("/api/v1/automation/inlets", {"name": "silent", "rule": str(came), "mapping": {"id": "{{ id }}"}}).json["id"]
    address = client.post(f"/api/v1/automation/inlets/{inlet}/address").json["address"]
    work.records("customers.account").update(account, {"city": "x"})
    answers = []
    engine.run_until_idle()
    for headers, body in receiver.got:  # the system outside passes on what it gets, and the list grows
        answers.append(client.anonymous().call("POST", address, json=json.loads(body), headers={CHAIN: headers[CHAIN.lower()]}))
        engine.run_until_idle()
    assert [answer.status_code for answer in answers] == [200] * 4, "two runs a turn"
    stopped = [run for run in rules.runs() if run["state"] == "stopped"]
    assert len(stopped) == 1 and "stopped after 8 runs" in stopped[0]["error"]
    assert client.anonymous().call("POST", address, json={"id": str(account)}, headers={CHAIN: "8"}).status_code == 409
    (told,) = [
        row for row in work.records("teamwork.notification").find(()) if row["kind"] == "automation.stopped" and "inlet" in row["title"]
    ]
    assert told["title"] == "Messages to the inlet silent go in a circle", "whoever it belongs to hears of it"
    makes = {"name": "silent", "entity": "customers.account", "mapping": {"name": "{{ name }}", "city": "y"}}
    made = client.post("/api/v1/automation/inlets", makes).json["id"]
    other = client.post(f"/api/v1/automation/inlets/{made}/address").json["address"]
    rules("customers.account", "created", step)
    id = client.anonymous().call("POST", other, json={"name": "N"}, headers={CHAIN: "1"}).json["id"]
    engine.run_until_idle()
    assert work.records("customers.account").values([UUID(id)])[UUID(id)]["city"] == "yx", "no name of an inlet silences what it begins"


@pytest.mark.feature("I8")
@pytest.mark.parametrize("by_rule", [True, False])
def test_a_webhook_that_comes_back_by_an_inlet_is_stopped_whether_or_not_a_rule_is_on_the_way(
    client: Api, rules: Rules, work: Work, hook: Callable[..., str], receiver: Receiver, engine: Engine, account: UUID, by_rule: bool
) -> None:
    hook()
    step = {"action": "automation.update_record", "parameters": {"values": {"city": "{{ city }}x"}}}
    wish: dict[str, object] = {"name": "back", "entity": "customers.account", "mapping": {"name": "{{ data.record.name }} x"}}
    if by_rule:
        came = rules("customers.account", "inlet", step)
        wish = {"name": "back", "rule": str(came), "mapping": {"id": "{{ data.record.id }}"}}
    inlet = client.post("/api/v1/automation/inlets", wish).json["id"]
    address = client.post(f"/api/v1/automation/inlets/{inlet}/address").json["address"]
    work.records("customers.account").update(account, {"city": "x"})
    engine.run_until_idle()
    answers = []
    for headers, body in islice(receiver.got, 12):
        answers.append(client.anonymous().call("POST", address, json=json.loads(body), headers={CHAIN: headers[CHAIN.lower()]}))
        engine.run_until_idle()
    turns = answers[: [answer.status_code for answer in answers].index(409)]
    assert [answer.status_code for answer in turns] == [200] * 8
    assert (answers[8].json["code"], len(receiver.got)) == ("rules_loop", 9)


@pytest.mark.feature("I13")
def test_addresses_inside_are_refused_unless_the_installation_allows_them(
    platform: Platform, work: Work, hook: Callable[..., str], receiver: Receiver, engine: Engine
) -> None:
    hook()
    platform.config = replace(platform.config, private_hooks=False)
    work.records("customers.account").create({"name": "Alder"})
    engine.run_until_idle()
    (row,) = deliveries(work)
    assert (row["state"], row["attempts"], receiver.got) == ("waiting", 1, [])
    assert "address inside" in row["response"]


@pytest.mark.parametrize(("part", "field", "code"), [
    ({"url": "ftp://x.example"}, "url", "malformed"),
    ({"entity": "customers.nothing"}, "entity", "unknown_entity"),
    ({"entity": "automation.run"}, "entity", "unknown_entity"),
    ({"events": ["customers.contact.created"]}, "events", "unknown_event"),
    ({"where": ["nothing=1"]}, "where", "unknown_field"),
    ({"where": [1]}, "where", "malformed"),
])  # fmt: skip
def test_a_webhook_that_cannot_work_is_refused(client: Api, part: dict[str, object], field: str, code: str) -> None:
    refused = client.post(PLACE, {"name": "x", "url": "https://erp.example/hook", "entity": "customers.account", **part})
    assert refused.status_code == 422, refused.text
    assert [(error["field"], error["code"]) for error in refused.json["errors"]] == [(field, code)]


def test_an_event_that_is_gone_is_told_to_who_names_it_and_keeps_nobody_from_changing_something_else(client: Api, work: Work) -> None:
    made = client.post(PLACE, {"name": "x", "url": "https://erp.example/hook", "entity": "customers.account"}).json["id"]
    table = work.entity("automation.webhook").record.table()
    with work.transaction(write=True):
        work.connection.execute(table.update().where(table.c.id == UUID(made)).values(events=["customers.account.sold"]))
    assert client.patch(f"{PLACE}/{made}", {"url": "https://erp.example/other"}).status_code == 200
    refused = client.patch(f"{PLACE}/{made}", {"entity": "customers.contact"})
    assert refused.status_code == 422 and "sold" not in refused.text, "who may not see them learns nothing of events"


def test_another_tenants_webhook_hears_nothing_and_has_another_secret(
    platform: Platform, work: Work, client: Api, hook: Callable[..., str], receiver: Receiver, engine: Engine, make_tenant: MakeTenant
) -> None:
    hook()
    other = platform.system(make_tenant("other").id)
    other.records("customers.account").create({"name": "there"})
    engine.run_until_idle()
    assert receiver.got == []
    assert other.secret("x") != work.secret("x") == platform.system(work.tenant.id).secret("x")


# --- the door to the outside ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
    "::1", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "::",
])  # fmt: skip
def test_an_address_inside_is_known_in_every_disguise(word: str) -> None:
    assert http.inside(ipaddress.ip_address(word))


@pytest.mark.parametrize("word", ["8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808"])
def test_an_address_outside_may_be_called(word: str) -> None:
    assert not http.inside(ipaddress.ip_address(word))


@pytest.mark.parametrize("url", ["http://localhost:1/", "http://127.1:1/", "http://2130706433:1/", "http://0x7f.1:1/", "http://[::1]:1/"])
def test_names_of_this_machine_are_not_called(url: str) -> None:
    reply = http.call(Call(url, b"{}"), private=False)
    assert reply.status == 0
    assert "inside" in reply.text or "gaierror" in reply.text


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "https://",
        "http://user:word@x.example/",
        "http://x.example:99999/",
        "http://a b/",
        "http://x.example/\r\nX: y",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        http.call(Call(url, b"{}"), private=True)


@given(st.text(max_size=40))
def test_whatever_is_typed_as_an_address_is_refused_or_answered(word: str) -> None:
    try:
        http.check_url(f"http://{word}")
    except Invalid:
        return
    assert word.isascii()


@pytest.mark.timeout(30)
def test_who_drips_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that never ends is over when its time is."""
    import socket

    monkeypatch.setattr(http, "LONGEST", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def drip() -> None:
            connection, _address = server.accept()
            with connection:
                while not over.wait(0.02):
                    try:
                        connection.sendall(b"H")
                    except OSError:
                        return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        reply = http.call(Call(f"http://127.0.0.1:{server.getsockname()[1]}/", b"{}"), private=True)
        over.set()
        thread.join()
    assert reply.status == 0


def test_the_master_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "home" / "secret.key"
    key = master_key.read(file)
    assert (len(key), master_key.read(file), file.stat().st_mode & 0o777) == (32, key, 0o600)
    assert [one.name for one in file.parent.iterdir()] == ["secret.key"]
    file.write_bytes(b"short")
    with pytest.raises(DeclarationError, match="expected 32 bytes"):
        master_key.read(file)


def test_a_call_does_not_hold_a_write_transaction_open(work: Work) -> None:
    with work.transaction(write=True), pytest.raises(RuntimeError, match="from a job"):
        work.call(Call("https://erp.example", b"{}"))
