"""What was there before a migration is as if it had been written after it."""

from __future__ import annotations

from core.context import Work
from core.data import migrate
from core.platform import Platform
from core.testkit.fixtures import Api
from sdk.context import id_of


def test_records_from_before_have_their_likeness_and_their_class(platform: Platform, client: Api, work: Work) -> None:
    made = work.records("customers.account").create(
        {"name": "北京华为技术有限公司", "tier": "potential", "phone": "010-62345678", "website": "https://www.hw.example"}
    )
    work.records("customers.contact").create({"name": "Ann", "phone": "+86 138 0013 8000"})
    branch = next(one for one in platform.branches() if one.plugin == "customers")
    migrate.downgrade(platform.database, branch, "0001")
    migrate.upgrade(platform.database, platform.branches())
    asked = {"name": "华为技术(北京)有限公司", "phone": "+86 10 6234 5678", "website": "http://hw.example"}
    (found,) = client.post("/api/v1/customers/accounts/duplicates", {"values": asked}).json["data"]
    assert (found["id"], found["fields"]) == (str(id_of(made)), ["name", "phone", "website"])
    assert client.get("/api/v1/customers/accounts").json["data"][0]["tier"] == "potential"
    assert client.get("/api/v1/customers/contacts", {"phone[alike]": "13800138000"}).json["data"][0]["name"] == "Ann"
