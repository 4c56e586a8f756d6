"""Definitions of entities: what cannot be one, who may make one, how one is renamed, switched off, deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.custom import purge
from core.custom.entity_tables import MOST_ENTITIES, CustomEntity, CustomRecord
from core.custom.keys import custom_keys
from core.entities.ids import new_ids
from core.identity.tables import Grant, Share
from core.platform import Platform
from core.tenancy import lifecycle
from core.tenancy.export import export
from core.testkit.fixtures import Api, MakeTenant, People
from plugins.teamwork.tables import Comment, File, Follow, Task
from sdk import Conflict, NotFound, Tenant
from sdk.context import id_of
from tests.automation.test_webhooks import Receiver
from tests.custom.conftest import ENTITIES, FIELDS, PROJECT, PROJECTS, type_define

on_sqlite = pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)
WRONG: Mapping[str, tuple[object, str]] = {
    "a word of the API": ({"key": "batch"}, "reserved"),
    "an address of the API": ({"plural": "history"}, "reserved"),
    "a key in capitals": ({"key": "Project"}, "malformed"),
    "a key with a dot": ({"key": "a.b"}, "malformed"),
    "a key of one letter": ({"key": "p"}, "malformed"),
    "a path": ({"key": "../core"}, "malformed"),
    "SQL": ({"key": "x'; DROP TABLE core_users; --"}, "malformed"),
    "a key of no ASCII": ({"key": "项目"}, "malformed"),
    "a number": ({"key": 7}, "type"),
    "no label": ({"label": None}, "required"),
    "no parent": ({"parent": "customers.nothing"}, "unknown_entity"),
    "a parent of core": ({"parent": "core.user"}, "unknown_entity"),
    "a parent that is a part": ({"parent": "teamwork.comment"}, "unknown_entity"),
    "itself as parent": ({"parent": "custom.project"}, "unknown_entity"),
    "what the platform sets": ({"purging": True}, "read_only"),
    "no such field": ({"fields": []}, "unknown_field"),
}


@on_sqlite
def test_what_cannot_be_an_entity_is_refused_with_the_reason(client: Api) -> None:
    for case, (wrong, code) in WRONG.items():
        assert isinstance(wrong, dict)
        answer = client.post(ENTITIES, {**PROJECT, **wrong})
        assert (answer.status_code, [one["code"] for one in answer.json["errors"]]) == (422, [code]), case
    assert client.get(ENTITIES).json["data"] == []


@on_sqlite
def test_a_key_that_a_plugin_has_makes_an_entity_beside_the_plugins(client: Api, define: type_define) -> None:
    define(ENTITIES, key="account", label="Ledger")
    assert client.post("/api/v1/custom/accounts", {"name": "mine"}).status_code == 201
    assert client.get("/api/v1/customers/accounts", {"count": "true"}).json["page"]["total"] == 0
    names = {one["name"] for one in client.get("/api/v1/meta").json["entities"]}
    assert {"custom.account", "customers.account"} <= names


@on_sqlite
def test_two_entities_share_neither_key_nor_address(client: Api, define: type_define) -> None:
    define()
    again = client.post(ENTITIES, {**PROJECT, "plural": "others"})
    assert (again.status_code, again.json["errors"][0]["field"]) == (409, "key")
    beside = client.post(ENTITIES, {"key": "projectx", "plural": "projects", "label": "X"})
    assert (beside.status_code, beside.json["errors"][0]["field"]) == (409, "plural")
    made = client.post(ENTITIES, {"key": "pro", "plural": "project", "label": "X"})
    assert made.status_code == 201
    items = [{"op": "create", "values": {"key": key, "label": "X", **more}} for key, more in (("one", {"plural": "twos"}), ("two", {}))]
    assert [one["status"] for one in client.post(f"{ENTITIES}/batch", {"items": items}).json["data"]] == [201, 409]
    derived = client.post(ENTITIES, {"key": "projects", "plural": "project", "label": "X"})
    assert derived.status_code == 409
    hidden = client.post(ENTITIES, {"key": "projec", "plural": "project_s", "label": "X"})
    assert hidden.status_code == 201


@on_sqlite
def test_what_addresses_and_records_say_stays_and_labels_change(client: Api, define: type_define) -> None:
    made = f"{ENTITIES}/{define()['id']}"
    for name, value in (("key", "other"), ("plural", "others"), ("parent", "customers.account"), ("owned", False)):
        answer = client.patch(made, {name: value})
        assert [(one["field"], one["code"]) for one in answer.json["errors"]] == [(name, "lasting")]
    assert client.patch(made, {"label": "Job", "title_label": "Title"}).status_code == 200
    (shown,) = [one for one in client.get("/api/v1/meta").json["entities"] if one["name"] == "custom.project"]
    assert (shown["label"], {one["name"]: one["label"] for one in shown["fields"]}["name"]) == ("Job", "Title")


@on_sqlite
def test_only_who_has_the_right_makes_an_entity_or_deletes_one(client: Api, define: type_define, people: People) -> None:
    id = define()["id"]
    for who in (people.director, people.rep):
        api = client.as_user(who)
        assert api.post(ENTITIES, {"key": "own", "label": "Own"}).status_code == 403
        assert api.delete(f"{ENTITIES}/{id}").status_code in (403, 404)
        assert api.post(f"{ENTITIES}/{id}/purges", {"key": "project"}).status_code == 403


@on_sqlite
def test_a_tenant_has_no_more_entities_than_the_limit(client: Api, platform: Platform, tenant: Tenant) -> None:
    work = platform.system(tenant.id)
    stamps = {
        "tenant_id": tenant.id,
        "version": 1,
        "created_at": work.now(),
        "updated_at": work.now(),
        "owned": True,
        "active": True,
        "purging": False,
    }
    with work.transaction(write=True):
        rows = [{**stamps, "id": id, "key": f"k{n}", "plural": f"k{n}s", "label": "K"} for n, id in enumerate(new_ids(MOST_ENTITIES - 1))]
        work.connection.execute(CustomEntity.table().insert(), rows)
    both = client.post(f"{ENTITIES}/batch", {"items": [{"op": "create", "values": {"key": key, "label": "A"}} for key in ("one", "two")]})
    assert [one["status"] for one in both.json["data"]] == [201, 409]
    assert both.json["data"][1]["problem"]["code"] == "too_many"


@on_sqlite
def test_an_entity_that_is_switched_off_is_nowhere_and_comes_back_whole(client: Api, define: type_define) -> None:
    made = f"{ENTITIES}/{define()['id']}"
    define(FIELDS, entity="custom.project", key="code", kind="text", label="Code", unique=True)
    one = client.post(PROJECTS, {"name": "A", "custom.code": "1"}).json
    comment = client.post("/api/v1/teamwork/comments", {"about": {"entity": "custom.project", "id": one["id"]}, "body": "x"}).json
    assert client.patch(made, {"active": False}).status_code == 200
    assert client.get(PROJECTS).status_code == client.get(f"{PROJECTS}/{one['id']}").status_code == 404
    assert PROJECTS not in client.get("/api/v1/openapi.json").json["paths"]
    assert client.post(FIELDS, {"entity": "custom.project", "key": "b", "kind": "text", "label": "B"}).status_code == 422
    assert client.get("/api/v1/reports/query", {"entity": "custom.project", "measure": "count"}).status_code in (400, 404)
    assert client.get("/api/v1/teamwork/comments").status_code == 200
    assert client.patch(made, {"active": True}).status_code == 200
    assert client.get(f"{PROJECTS}/{one['id']}").json["custom.code"] == "1"
    assert client.get(f"/api/v1/teamwork/comments/{comment['id']}").status_code == 200


@on_sqlite
def test_records_of_one_entity_are_not_there_under_another(client: Api, define: type_define) -> None:
    define()
    define(ENTITIES, key="site", label="Site")
    project = client.post(PROJECTS, {"name": "A"}).json["id"]
    stray = f"/api/v1/custom/sites/{project}"
    answers = [client.get(stray), client.patch(stray, {"name": "x"}), client.delete(stray), client.post(f"{stray}/restore"),
               client.get(f"{stray}/history"), client.get(f"{stray}/timeline")]  # fmt: skip
    assert [answer.status_code for answer in answers] == [404] * 6
    define(FIELDS, entity="custom.site", key="project", kind="link", label="Project", target="custom.project")
    define(FIELDS, entity="custom.project", key="site", kind="link", label="Site", target="custom.site")
    wrong = client.post(PROJECTS, {"name": "B", "custom.site": project})
    assert [one["code"] for one in wrong.json["errors"]] == ["no_such_record"]
    named = client.post("/api/v1/custom/sites", {"name": "A", "custom.project": "A"})
    assert named.json["custom.project"] == project
    assert client.get("/api/v1/custom/sites", {"count": "true", "q": "a"}).json["page"]["total"] == 1
    assert client.get("/api/v1/reports/query", {"entity": "custom.project", "measure": "count"}).json["data"] == [{"count": 1}]
    about = {"about": {"entity": "custom.site", "id": project}, "body": "x"}
    assert client.post("/api/v1/teamwork/comments", about).status_code == 422


def test_who_sees_the_account_sees_its_projects(client: Api, define: type_define, people: People) -> None:
    define(ENTITIES, **PROJECT, parent="customers.account")
    accounts = [client.post("/api/v1/customers/accounts", {"name": name, "owner": str(who)}).json["id"]
                for name, who in (("Mine", people.rep), ("Theirs", people.reps[2][0]))]  # fmt: skip
    for account in accounts:
        assert client.post(PROJECTS, {"name": f"P of {account}", "parent": account}).status_code == 201
    assert client.post(PROJECTS, {"name": "of none"}).json["errors"][0] == {"field": "parent", "code": "required", "message": "is required"}
    rep = client.as_user(people.rep)
    assert [row["parent"] for row in rep.get(PROJECTS).json["data"]] == [accounts[0]]
    assert rep.post(PROJECTS, {"name": "x", "parent": accounts[0]}).status_code == 201
    assert rep.post(PROJECTS, {"name": "x", "parent": accounts[1]}).status_code in (403, 422)
    count = {"kind": "roll_up", "source": "custom.project", "link": "parent", "measure": "count"}
    define(FIELDS, entity="customers.account", key="projects", label="Projects", **count)
    rows = client.get("/api/v1/customers/accounts", {"sort": "name"}).json["data"]
    assert {row["name"]: row["custom.projects"] for row in rows} == {"Mine": 2, "Theirs": 1}
    (row,) = client.get(PROJECTS, {"parent": "Theirs", "include": "parent"}).json["data"]
    assert row["parent"]["name"] == "Theirs"
    about = {"record": {"entity": "custom.project", "id": row["id"]}, "user": str(people.rep), "access": "read"}
    assert client.post("/api/v1/core/shares", about).status_code == 201
    assert row["id"] in {one["id"] for one in rep.get(PROJECTS).json["data"]}


def test_an_entity_is_purged_by_its_key_with_all_that_hangs_on_it(
    client: Api, define: type_define, platform: Platform, tenant: Tenant, people: People, drain: Callable[[], int]
) -> None:
    made = f"{ENTITIES}/{define()['id']}"
    define(ENTITIES, key="site", label="Site")
    define(FIELDS, entity="custom.project", key="code", kind="text", label="Code", unique=True)
    link = define(FIELDS, entity="custom.site", key="project", kind="link", label="Project", target="custom.project")
    work = platform.system(tenant.id)
    gone, kept = (client.post(f"/api/v1/custom/{plural}", {"name": "A"}).json["id"] for plural in ("projects", "sites"))
    client.patch(f"{PROJECTS}/{gone}", {"custom.code": "1"})
    define(FIELDS, entity="custom.site", key="about", kind="any_record", label="About")
    assert (
        client.patch(f"/api/v1/custom/sites/{kept}", {"custom.project": gone, "custom.about": f"custom.project:{gone}"}).status_code == 200
    )
    narrow = client.as_user(people.director, allows=["custom.project.read", "custom.site.read"])
    binned = client.post(PROJECTS, {"name": "B"}).json["id"]
    client.delete(f"{PROJECTS}/{binned}")
    for entity, id in (("custom.project", gone), ("custom.site", kept)):
        about = {"entity": entity, "id": id}
        assert client.post("/api/v1/teamwork/comments", {"about": about, "body": "x"}).status_code == 201
        assert client.post("/api/v1/teamwork/tasks", {"about": about, "subject": "x"}).status_code == 201
        assert client.post("/api/v1/teamwork/follows", {"about": about}).status_code == 201
        upload = {"about": f"{entity}:{id}", "file": (BytesIO(b"plan"), "plan.txt")}
        assert client.call("POST", "/api/v1/teamwork/uploads", data=upload, content_type="multipart/form-data").status_code == 201
    (role,) = client.get("/api/v1/core/roles", {"key": "sales_rep"}).json["data"]
    assert client.post("/api/v1/core/grants", {"role": role["id"], "permission": "custom.project.read", "scope": "all"}).status_code == 201

    assert client.delete(made).json["code"] == "has_records"
    assert client.post(f"{made}/purges", {"key": "site"}).json["errors"][0]["code"] == "other_key"
    assert client.get(PROJECTS).status_code == 200, "nothing is done by half"
    answer = client.post(f"{made}/purges", {"key": "project"})
    assert (answer.status_code, answer.json) == (202, {"entity": "custom.project", "records": 2})
    assert client.get(PROJECTS).status_code == 404
    assert client.post(f"{made}/restore").json["code"] == "purging"
    assert client.post(ENTITIES, PROJECT).json["errors"][0]["code"] == "purging"
    assert client.post(f"{made}/purges", {"key": "project"}).status_code == 404
    drain()
    with work.transaction():

        def there(table: sa.Table, *where: Any) -> int:
            return int(
                work.connection.execute(
                    sa.select(sa.func.count()).select_from(table).where(table.c.tenant_id == tenant.id, *where)
                ).scalar_one()
            )

        tables = {record: record.table() for record in (CustomRecord, Comment, File, Follow, Task, Share, CustomEntity)}
        assert {record.__name__: there(table) for record, table in tables.items()} == {
            "CustomRecord": 1, "Comment": 1, "File": 1, "Follow": 1, "Task": 2, "Share": 0, "CustomEntity": 1,
        }  # fmt: skip
        assert there(tables[Task], tables[Task].c.about.is_(None)) == 1
        assert there(custom_keys) == 0
        assert there(Grant.table(), Grant.table().c.permission.startswith("custom."), Grant.table().c.deleted_at.is_(None)) == 0
    assert len(list(work.files.all_keys())) == 1
    assert client.get(f"{FIELDS}/{link['id']}").status_code == 404
    (noted,) = client.get("/api/v1/core/audit", {"action": "purge"}).json["data"]
    assert noted["changes"] == {"key": ["project", None], "records": [2, None]}
    again = client.post(ENTITIES, PROJECT)
    assert (again.status_code, client.get(PROJECTS).json["data"]) == (201, [])
    assert client.post(f"{FIELDS}/{link['id']}/restore").json["code"] == "too_late", (
        "what it says of another entity's records means nothing"
    )
    assert client.get(f"/api/v1/custom/sites/{kept}").json["custom.about"] is None
    assert narrow.get(PROJECTS).status_code == 403, "a token's words were about the one that is gone"
    purge.delete_records(work, {"id": made.rpartition("/")[2]})  # at least once: a second attempt finds nothing to do
    assert client.get("/api/v1/custom/sites", {"count": "true"}).json["page"]["total"] == 1


@on_sqlite
def test_an_entity_that_others_are_part_of_is_not_purged(client: Api, define: type_define) -> None:
    made = define()
    define(ENTITIES, key="step", label="Step", parent="custom.project")
    for answer in (client.post(f"{ENTITIES}/{made['id']}/purges", {"key": "project"}), client.delete(f"{ENTITIES}/{made['id']}")):
        assert (answer.status_code, answer.json["code"]) == (409, "has_parts")


@on_sqlite
def test_an_empty_entity_goes_into_the_bin_and_comes_back_with_its_fields(client: Api, define: type_define) -> None:
    made = define()
    define(FIELDS, entity="custom.project", key="code", kind="text", label="Code")
    assert client.delete(f"{ENTITIES}/{made['id']}").status_code == 204
    assert client.post(ENTITIES, PROJECT).json["errors"][0]["code"] == "in_bin"
    assert client.post(f"{ENTITIES}/{made['id']}/restore").status_code == 200
    assert client.post(PROJECTS, {"name": "A", "custom.code": "x"}).status_code == 201


@on_sqlite
def test_what_is_in_the_bin_is_purged_from_there(client: Api, define: type_define, drain: Callable[[], int]) -> None:
    made = define()["id"]
    client.delete(f"{ENTITIES}/{made}")
    assert client.post(f"{ENTITIES}/{made}/purges", {"key": "project"}).json["records"] == 0
    drain()
    assert client.post(ENTITIES, PROJECT).status_code == 201


def test_who_writes_while_the_entity_is_deleted_writes_into_nothing(
    client: Api, define: type_define, platform: Platform, tenant: Tenant
) -> None:
    """The writer began when it was there: he holds it, or finds it gone, and is never left with a record of nothing."""
    made = UUID(define()["id"])
    writer = platform.system(tenant.id)
    assert writer.catalog.entities["custom.project"].name == "project"  # what he knows from before
    records = writer.records("custom.project")
    admin = platform.system(tenant.id)
    with writer.transaction():
        stale = writer.catalog
    admin.records("core.custom_entity").delete(made)
    assert "custom.project" in stale.entities
    with pytest.raises(NotFound):
        records.create({"name": "late"})
    admin.records("core.custom_entity").restore(made)
    id_of(platform.system(tenant.id).records("custom.project").create({"name": "in time"}))
    with pytest.raises(Conflict):
        admin.records("core.custom_entity").delete(made)


@on_sqlite
def test_tenants_with_the_same_key_see_each_their_own_shape(
    client: Api, define: type_define, make_tenant: MakeTenant, platform: Platform
) -> None:
    define()
    define(FIELDS, entity="custom.project", key="size", kind="integer", label="Size")
    other = make_tenant("other")
    work = platform.system(other.id)
    user = work.records("core.user").create({"name": "A", "email": "a@o.example", "roles": ["admin"]})
    theirs = client.as_user(str(user["email"]), of=other)
    assert theirs.post(ENTITIES, {**PROJECT, "label": "Vorhaben", "owned": False}).status_code == 201
    assert (
        theirs.post(FIELDS, {"entity": "custom.project", "key": "size", "kind": "choice", "label": "S", "options": ["s"]}).status_code
        == 201
    )
    mine, other_one = client.post(PROJECTS, {"name": "A", "custom.size": 3}), theirs.post(PROJECTS, {"name": "B", "custom.size": "s"})
    assert (mine.json["custom.size"], other_one.json["custom.size"]) == (3, "s")
    assert ("owner" in mine.json, "owner" in other_one.json) == (True, False)
    assert client.get(PROJECTS, {"custom.size[gte]": "1"}).json["data"][0]["name"] == "A"
    assert theirs.get(PROJECTS, {"custom.size[gte]": "1"}).status_code == 400
    assert theirs.get(f"{PROJECTS}/{mine.json['id']}").status_code == 404


@on_sqlite
def test_records_pass_to_a_successor_and_go_with_their_tenant(
    client: Api, define: type_define, platform: Platform, tenant: Tenant, people: People, tmp_path: Path
) -> None:
    define()
    define(FIELDS, entity="custom.project", key="code", kind="text", label="Code", unique=True)
    owner = str(people.reps[0][1])
    project = client.post(PROJECTS, {"name": "A", "owner": owner, "custom.code": "x"}).json["id"]
    gone = client.post(f"/api/v1/core/users/{owner}/departures", {"successor": str(people.rep)})
    assert {"entity": "custom.project", "records": 1} in gone.json["moved"]
    assert client.get(f"{PROJECTS}/{project}").json["owner"] == str(people.rep)
    exported = export(platform, tenant.name, tmp_path / "acme.tar.gz").tables
    assert (exported["core_custom_entities"], exported["core_custom_records"], exported["core_custom_keys"]) == (1, 1, 1)
    lost = lifecycle.purge(platform, tenant.name)
    assert (lost["core_custom_entities"], lost["core_custom_records"], lost["core_custom_keys"]) == (1, 1, 1)


def test_who_deletes_an_entity_waits_for_who_writes_into_it(define: type_define, platform: Platform, tenant: Tenant) -> None:
    """The writer's record is not there for others yet, and the entity stays all the same."""
    made = UUID(define()["id"])
    writer, refused = platform.system(tenant.id), list[str]()

    def delete() -> None:
        try:
            platform.system(tenant.id).records("core.custom_entity").delete(made)
        except Conflict as conflict:
            refused.append(conflict.reason)

    with writer.transaction(write=True):
        writer.records("custom.project").create({"name": "first"})
        other = Thread(target=delete)
        other.start()
    other.join()
    assert refused == ["has_records"]


@on_sqlite
def test_what_waits_for_an_entity_that_is_gone_is_done_with(
    client: Api, define: type_define, receiver: Receiver, drain: Callable[[], int]
) -> None:
    made = define()["id"]
    hook = client.post("/api/v1/automation/webhooks", {"name": "erp", "url": receiver.url, "entity": "custom.project"})
    action = {"action": "automation.update_record", "parameters": {"values": {"name": "seen"}}}
    rule = {"name": "r", "entity": "custom.project", "trigger": "automation.created", "actions": [action]}
    assert (hook.status_code, client.post("/api/v1/automation/rules", rule).status_code) == (201, 201)
    client.post(PROJECTS, {"name": "A"})
    client.post(f"{ENTITIES}/{made}/purges", {"key": "project"})
    drain()
    waiting = client.get("/api/v1/core/jobs", {"state[in]": "waiting,dead,held", "fields": "name,state,error"}).json["data"]
    assert waiting == []
    assert receiver.bodies == []
    assert client.get("/api/v1/automation/rules").status_code == client.get("/api/v1/automation/runs").status_code == 200
