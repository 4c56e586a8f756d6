"""The audit as a page, and the proof of it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from core.context import Work
from core.events.tables import audit
from core.platform import Platform
from core.testkit.fixtures import Api, People
from plugins.pipeline.template import apply
from sdk import Forbidden
from sdk.context import id_of
from tests.console.site import Site

AUDIT = "/admin/audit"


def test_the_audit_shows_who_changed_what_from_what_to_what_and_is_filtered(client: Api, work: Work, people: People) -> None:
    one, other = (id_of(work.records("customers.account").create({"name": name, "owner": people.rep})) for name in ("Alpha", "Beta"))
    client.as_user(people.rep).patch(f"/api/v1/customers/accounts/{one}", {"name": "Alphabet"})
    work.records("customers.account").delete(other)
    site = Site(client)
    page = site.get(AUDIT, {"user": str(people.rep), "entity": "customers.account"})
    assert page.texts("//dl[@class='altered']//dt") == ["Name"]
    assert (page.texts("//del"), page.texts("//ins")) == (["Alpha"], ["Alphabet"])
    assert page.links()["Alphabet"] == f"/console/customers/accounts/{one}"
    entry = site.api.get("/api/v1/core/audit", {"user": str(people.rep), "entity": "customers.account", "fields": "id"}).json["data"][0][
        "id"
    ]
    listed = site.get("/core/audit", {"user": str(people.rep), "entity": "customers.account"}).rows()
    assert "Changed" in {row[0] for row in listed}, listed
    assert "Name: Alpha → Alphabet" in site.get(f"/core/audit/{entry}").text
    worth = {"name": "Gamma", "revenue": {"amount": "1234.5", "currency": "CNY"}, "founded": 1987}
    gamma = id_of(work.records("customers.account").create(worth))
    entry = site.api.get("/api/v1/core/audit", {"record": f"customers.account:{gamma}", "fields": "id"}).json["data"][0]["id"]
    told = site.get(f"/core/audit/{entry}").text
    assert ("— → CN¥1,234.50" in told, "— → 1987" in told) == (True, True), "as people write them"
    rows = len(site.get(AUDIT, {"record": f"customers.account:{one}"}).rows())
    assert (rows, len(site.get(AUDIT, {"entity": "customers.account", "action": "delete"}).rows())) == (2, 1)
    (deleted,) = site.get(AUDIT, {"entity": "customers.account", "action": "delete"}).all("//td[contains(@class, 'title')]")
    assert deleted.text_content().startswith("Beta"), "what is in the recycle bin is called as it was"
    assert not deleted.xpath(f".//a[contains(@href, '/accounts/{other}')]")
    assert site.get(AUDIT, {"channel": "import"}).rows() == []
    day = work.now().date().isoformat()
    assert site.get(AUDIT, {"since": day, "until": day, "entity": "customers.account"}).rows()
    assert site.get(AUDIT, {"until": "2001-01-01"}).rows() == []
    for wrong in ({"since": "yesterday"}, {"record": "x"}, {"until": "9999-12-31"}, {"cursor": "x"}):
        assert site.get(AUDIT, wrong).all("//*[@role='alert']"), wrong
    work.records("core.grant").create({"role": "finance", "permission": "customers.account.read", "scope": "all"})
    assert "Accounts · Read" in site.get(AUDIT, {"entity": "core.grant"}).text
    assert Site(client.as_user(people.rep)).get(AUDIT).status == 403
    rep = work.as_user(people.rep)
    with pytest.raises(Forbidden), work.transaction(write=True):
        rep.require("core.mail.check")
    client.patch("/api/v1/core/plugins/forecast", {"enabled": False})
    switched = " ".join(site.get(AUDIT).rows()[0])
    assert ("Plugin · " in switched, "ForecastOn → Off" in switched, "core.plugin" in switched) == (True, True, False)
    refused = client.get("/console/admin/audit?action=refused")
    assert (refused.status_code, "core.mail" in refused.text, "00000000" in refused.text) == (200, False, False)
    apply(work, "direct_sales")
    work.records("pipeline.deal").create({"name": "Network"})
    (moved,) = site.get(AUDIT, {"entity": "pipeline.stage_change"}).texts("//td[contains(@class, 'title')]/a[1]")
    assert "+00:00" not in moved, "a moment that names a record is one of the reader"
    work.records("leads.lead").create({"name": "Berg"})
    for plugin in ("web_forms", "leads"):
        client.patch(f"/api/v1/core/plugins/{plugin}", {"enabled": False})
    (lead,) = site.get(AUDIT, {"entity": "leads.lead"}).rows()
    assert ("Leads · Full history" in lead[2], lead[3].strip(), "leads.lead" in " ".join(lead)) == (True, "Created", False)


def test_the_proof_says_that_nobody_has_changed_the_audit_or_names_the_link_that_does_not_hold(
    client: Api, work: Work, platform: Platform, people: People
) -> None:
    site = Site(client)
    proven = site.post(AUDIT, {"head": ""})
    assert "The audit log is intact." in proven.text
    head = client.post("/api/v1/core/audit/proofs", {}).json["head"]
    assert client.post("/api/v1/core/audit/proofs", {"head": head}).json["broken"] is None
    assert client.post("/api/v1/core/audit/proofs", {"head": "0" * 64}).json["broken"]["what"] == "seal_deleted"
    with platform.database.begin_as_owner() as connection:
        if not platform.database.is_sqlite:
            connection.exec_driver_sql("ALTER TABLE core_audit NO FORCE ROW LEVEL SECURITY")
        first = sa.select(audit.c.id).where(audit.c.tenant_id == work.tenant.id).order_by(audit.c.id).limit(1)
        connection.execute(audit.update().where(audit.c.id == connection.execute(first).scalar_one()).values(actor="somebody else"))
        if not platform.database.is_sqlite:
            connection.exec_driver_sql("ALTER TABLE core_audit FORCE ROW LEVEL SECURITY")
    assert "Someone has changed the audit log outside the application." in site.post(AUDIT, {"head": ""}).text
    assert client.as_user(people.rep).post("/api/v1/core/audit/proofs", {}).status_code == 403
    if platform.database.is_sqlite:  # which keeps any text in any column
        with platform.database.begin_as_owner() as connection:
            newest = "(SELECT max(id) FROM core_audit WHERE tenant_id = :of)"
            spoilt = sa.text(f"UPDATE core_audit SET changes = 'x1' WHERE id = {newest}").bindparams(
                sa.bindparam("of", work.tenant.id, sa.Uuid())
            )
            connection.execute(spoilt)
        assert "One of these entries can’t be read" in site.get(AUDIT).text
        assert "Someone has changed the audit log outside the application." in site.post(AUDIT, {"head": ""}).text
        assert "The newest entries of the audit log can’t be read." in site.get("/admin").text
        assert site.get(AUDIT, {"until": "2001-01-01"}).status == 200
