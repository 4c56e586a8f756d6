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
