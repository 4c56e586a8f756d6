"""What `If-Match` may hold."""

from __future__ import annotations

import pytest

from core.testkit.fixtures import Api


@pytest.mark.feature("P20")
@pytest.mark.parametrize("tag", ['"v' + "9" * 5000 + '"', '"v-1"', '"x1"', "v", '""', '"v１"'])
def test_a_tag_that_names_no_version_of_ours_is_stale(client: Api, tag: str) -> None:
    made = client.post("/api/v1/customers/accounts", {"name": "Acme"}).json
    answer = client.patch(f"/api/v1/customers/accounts/{made['id']}", {"name": "Other"}, headers={"If-Match": tag})
    assert answer.status_code == 412
    assert client.get(f"/api/v1/customers/accounts/{made['id']}").json["name"] == "Acme"


@pytest.mark.feature("P20")
def test_an_act_on_a_record_and_its_restoring_rest_on_the_version_that_was_read(client: Api) -> None:
    account = client.post("/api/v1/customers/accounts", {"name": "Acme"}).json["id"]
    made = client.post("/api/v1/customers/surveys", {"name": "How was it", "kind": "nps", "question": "Would you?"})
    at, old = f"/api/v1/customers/surveys/{made.json['id']}", {"If-Match": made.headers["ETag"]}
    now = {"If-Match": client.patch(at, {"valid_days": 5}).headers["ETag"]}
    refused = client.post(f"{at}/invitations", {"account": account}, headers=old)
    assert (refused.status_code, refused.json["code"]) == (412, "stale")
    assert client.get("/api/v1/customers/invitations").json["data"] == []
    assert client.post(f"{at}/invitations", {"account": account}, headers=now).status_code == 201
    assert client.post(f"{at}/invitations", {"account": account}).status_code == 201
    assert client.delete(at, headers=now).status_code == 204
    assert client.post(f"{at}/restore", headers=now).status_code == 412
    assert client.post(f"{at}/restore", headers={"If-Match": '"v1", "v2"'}).status_code == 412
    assert client.post(f"{at}/restore", headers={"If-Match": '"v1", "v3"'}).status_code == 200
