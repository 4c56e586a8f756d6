"""Contracts, quotes and invoices as PDF and Word: what they say, what they refuse, and copies that stay."""

from __future__ import annotations

import ast
import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import docx
import pytest
from pypdf import PdfReader

from core.context import Work
from core.testkit.fixtures import Api, Clock, MakeTenant, People
from plugins.documents import actions, workers
from plugins.orders.papers import language_of, papers
from sdk import Action, Channel, DocumentTemplate, Draft, Step, Tenant, where
from sdk.context import id_of
from tests.plugins import word_templates

API = "/api/v1/documents"
type_work_as = Callable[..., Work]
PROFILE = {
    "name": "Shanchuan", "legal_name": "上海山川科技有限公司", "address": "世纪大道 100 号", "city": "上海", "country": "中国", "postal_code": "200120",
    "tax_number": "91310000X", "bank_name": "Example Bank", "bank_account": "6200 0000",
}  # fmt: skip
WORD = "docx"


def cny(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "CNY"}


class Office:
    """A seller with its profile, a buyer at home and one abroad, and what they agree on."""

    def __init__(self, work: Work, owner: UUID | None = None) -> None:
        self.work, self.owner = work, owner
        work.records("company.profile").create(PROFILE)
        self.product = id_of(work.records("catalog.product").create({"name": "Gateway", "sku": "GW", "unit": "pcs", "price": cny("100")}))
        self.at_home = self.account("北京榆树食品有限公司", "中国", "北京", "建国路 88 号", tax_number="91110000Y")
        self.abroad = self.account("Alder Foods", "United Kingdom", "London", "1 Main Street")

    def account(self, name: str, country: str, city: str, address: str, **more: str) -> UUID:
        values = {"name": name, "country": country, "city": city, "address": address, "owner": self.owner, **more}
        return id_of(self.work.records("customers.account").create(values))

    def written(self, kind: str, account: UUID, lines: int = 3, **values: object) -> UUID:
        """A quote, an order or an invoice over 1, 2, 3 … gateways."""
        given = {"name": "Gateways", "account": account, "currency": "CNY", "owner": self.owner, **values}
        id = id_of(self.work.records(f"orders.{kind}").create(given))
        drafts = [
            Draft("create", {kind: id, "product": self.product, "quantity": n, "position": n, "tax_rate": 13, "unit_price": cny("100.05")})
            for n in range(1, lines + 1)
        ]
        for outcome in self.work.records(f"orders.{kind}_line").write(drafts):
            assert outcome.refusal is None, outcome.refusal
        return id

    def contract(self, account: UUID, lines: int = 3) -> UUID:
        order = self.written("order", account, lines)
        values = {
            "name": "Gateways", "account": account, "order": order, "value": cny("678.34"), "signed_on": date(2026, 1, 15), "owner": self.owner,
            "starts_on": date(2026, 2, 1), "ends_on": date(2027, 1, 31), "renewal": "automatic", "terms": "DAP & insured <all>",
        }  # fmt: skip
        return id_of(self.work.records("orders.contract").create(values))


@pytest.fixture
def office(work: Work, people: People) -> Office:
    """An office in the tenant; its papers belong to the first representative."""
    return Office(work, people.rep)


def asked(kind: str, id: UUID, **more: str) -> dict[str, str]:
    return {"about": f"orders.{kind}:{id}", "template": f"orders.{kind}", **more}


def pages(content: bytes) -> list[str]:
    """The text of each page, without white space, which is set and not written."""
    return ["".join((page.extract_text() or "").split()) for page in PdfReader(BytesIO(content)).pages]


def preview(client: Api, **query: str) -> bytes:
    answer = client.get(f"{API}/previews", query)
    assert answer.status_code == 200, answer.text
    return bytes(answer.data)


def said(content: bytes) -> str:
    """The text of a Word file, tables and all."""
    file = docx.Document(BytesIO(content))
    cells = [cell.text for table in file.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in file.sections[0].header.paragraphs), *(p.text for p in file.paragraphs), *cells])


def problem(answer: Any) -> tuple[int, str, str]:
    body = answer.json
    first = body["errors"][0] if body.get("errors") else {"code": body.get("code"), "message": body.get("detail", "")}
    return answer.status_code, first["code"], first["message"]


# --- what they say -----------------------------------------------------------------------------------------------------


@pytest.mark.feature("I11")
def test_a_contract_for_a_chinese_customer_is_in_chinese(client: Api, office: Office) -> None:
    (profile,) = office.work.records("company.profile").find(())
    wide = {"phone": "+86 21 5550 1000", "email": "office@shanchuan.example.com", "website": "https://shanchuan.example.com"}
    office.work.records("company.profile").update(id_of(profile), {**wide, "tax_number": "91310000XXXXXXXX0X"})
    content = preview(client, **asked("contract", office.contract(office.at_home)))
    assert "税\n号" not in PdfReader(BytesIO(content)).pages[0].extract_text(), "a label is not broken, however full its line"
    text = "".join(pages(content))
    for word in (
        "销售合同合同编号CON-2026-00001订单编号ORD-2026-00001", "甲方（买方）北京榆树食品有限公司中国北京建国路88号税号91110000Y乙方", "乙方（卖方）上海山川科技有限公司中国上海世纪大道100号200120",
        "第一条标的乙方向甲方提供下列产品与服务：序号名称数量单价税率金额（不含税）税额价税合计1GatewayGW1pcs100.0513%100.0513.01113.06",
        "2GatewayGW2pcs100.0513%200.1026.01226.113GatewayGW3pcs100.0513%300.1539.02339.17不含税合计¥600.30税额合计¥78.04价税合计¥678.34大写金额人民币陆佰柒拾捌元叁角肆分",
        "第二条合同金额合同总金额为¥678.34（大写：人民币陆佰柒拾捌元叁角肆分）。", "第三条期限本合同自2026年2月1日起生效，至2027年1月31日止。期满前三十日内双方均未书面提出异议的，自动续期，续期期限与本合同期限相同。",
        "户名上海山川科技有限公司开户行ExampleBank账号62000000", "第五条其他约定DAP&insured<all>", "日期2026年1月15日", "第1页共2页", "第2页共2页",
    ):  # fmt: skip
        assert word in text, text


@pytest.mark.feature("I11")
def test_a_contract_for_a_customer_abroad_is_in_english(client: Api, office: Office) -> None:
    text = "".join(pages(preview(client, **asked("contract", office.contract(office.abroad)))))
    for word in (
        "SalescontractContractno.CON-2026-00001Orderno.ORD-2026-00001", "BuyerAlderFoods1MainStreet,London,UnitedKingdom",
        "No.DescriptionQuantityUnitpriceTaxrateNetTaxTotal1GatewayGW1pcs100.0513%100.0513.01113.06", "NettotalCN¥600.30TaxCN¥78.04TotalCN¥678.34",
        "InwordsSixhundredseventy-eightand34/100Chineseyuan", "ThiscontracttakeseffectonFebruary1,2026andendsonJanuary31,2027.Itrenewsitselfforthesamelengthoftime",
        "5.FurthertermsDAP&insured<all>", "seller’sseat", "Page1of2", "Page2of2",
    ):  # fmt: skip
        assert word in text, text


@pytest.mark.feature("I11")
def test_the_word_file_says_the_same(client: Api, office: Office) -> None:
    chinese = said(preview(client, **asked("contract", office.contract(office.at_home), format=WORD)))
    for word in (
        "上海山川科技有限公司",
        "甲方（买方）　北京榆树食品有限公司\n中国北京建国路 88 号\n税号 91110000Y",
        "GW",
        "113.06",
        "价税合计　¥678.34",
        "人民币陆佰柒拾捌元叁角肆分",
        "DAP & insured <all>",
    ):
        assert word in chinese
    assert "{{" not in chinese
    assert "{%" not in chinese
    english = said(preview(client, **asked("invoice", office.written("invoice", office.abroad), format=WORD)))
    for word in ("Invoice (draft)", "Alder Foods", "Six hundred seventy-eight and 34/100 Chinese yuan"):
        assert word in english


@pytest.mark.feature("I11")
def test_forty_lines_go_over_pages_and_their_head_comes_again(client: Api, office: Office) -> None:
    found = pages(preview(client, **asked("quote", office.written("quote", office.at_home, 40))))
    assert len(found) >= 2
    assert all("序号名称数量" in page for page in found[:2])
    assert f"共{len(found)}页" in found[0]
    assert [line for line in range(1, 41) if f"{line}GatewayGW{line}pcs" not in "".join(found)] == []


@pytest.mark.feature("I11")
@pytest.mark.parametrize("format", ["pdf", "docx"])
def test_every_shipped_template_works_with_the_examples_and_with_nothing(client: Api, office: Office, format: str) -> None:
    """Blanks where nobody has written anything, never an error."""
    bare = id_of(office.work.records("customers.account").create({"name": "Bare"}))
    ids = {
        kind: id_of(office.work.records(f"orders.{kind}").create({"name": "x", "account": bare}))
        for kind in ("quote", "contract", "invoice")
    }
    for kind, id in ids.items():
        for locale in ("zh_CN", "en"):
            assert len(preview(client, **asked(kind, id, format=format, locale=locale))) > 1000


@pytest.mark.feature("I11")
@pytest.mark.parametrize("format", ["pdf", "docx"])
def test_a_document_points_at_neither_lines_nor_an_account_that_are_not_there(client: Api, office: Office, format: str) -> None:
    (profile,) = office.work.records("company.profile").find(())
    office.work.records("company.profile").update(id_of(profile), {"bank_account": None, "legal_name": None})
    contract = id_of(office.work.records("orders.contract").create({"name": "Care", "account": office.at_home}))
    made = (
        preview(client, **asked("contract", contract, format=format)),
        preview(client, **asked("invoice", office.written("invoice", office.at_home), format=format)),
    )
    texts = [said(one) if format == WORD else "".join(pages(one)) for one in made]
    assert "乙方向甲方提供“Care”项下的产品与服务。" in texts[0]
    for text in texts:
        assert not any(word in text for word in ("下列", "以下账户")), text
        assert "Shanchuan" in text, "a company without a registered name is called by its own"
        assert "税号91110000Y" in text.replace(" ", ""), "a contract and an invoice say by which number the buyer is taxed"


@pytest.mark.feature("A7")
def test_numbers_and_days_are_written_as_the_asked_locale_writes_them(client: Api, office: Office) -> None:
    invoice = office.written("invoice", office.abroad, 20, due_on="2026-12-31")
    text = "".join(pages(preview(client, **asked("invoice", invoice, locale="de-DE"))))
    assert "31.Dezember2026" in text
    assert "2.001,00" in text
    assert "Invoice" in text


@pytest.mark.parametrize(
    ("country", "locale"),
    [("中国", "zh_CN"), ("China", "zh_CN"), ("de", "de_DE"), ("美国", "en_US"), ("", ""), ("Atlantis", "")],
)
def test_the_language_of_a_country_is_known_by_its_name_in_two_languages(country: str, locale: str) -> None:
    assert language_of(country) == locale


def test_what_fills_a_document_is_what_its_variables_say(office: Office) -> None:
    """The documentation of variables is the declaration; here it is held to what the plugin gives."""

    def names(value: object, path: str = "") -> set[str]:
        if isinstance(value, Mapping):
            return {name for key, part in value.items() for name in names(part, f"{path}.{key}" if path else str(key))}
        if isinstance(value, list):
            return {name for part in value for name in names(part, f"{path}[]")}
        return {path}

    ids = {
        "quote": office.written("quote", office.abroad),
        "contract": office.contract(office.abroad),
        "invoice": office.written("invoice", office.abroad),
    }
    for paper in papers():
        assert names(paper.values(office.work, ids[paper.key])) == {variable.name for variable in paper.variables}


def test_the_word_templates_come_from_where_they_say() -> None:
    for name, content in word_templates.made().items():
        kept = zipfile.ZipFile(BytesIO((word_templates.FOLDER / name).read_bytes()))
        for part in ("document", "header1", "footer1"):
            made = zipfile.ZipFile(BytesIO(content)).read(f"word/{part}.xml")
            assert kept.read(f"word/{part}.xml") == made, (name, part)


# --- issued copies -----------------------------------------------------------------------------------------------------


def issued(client: Api, kind: str, id: UUID, **more: str) -> dict[str, Any]:
    answer = client.post(f"{API}/renderings", asked(kind, id, **more))
    assert answer.status_code == 201, answer.text
    return dict(answer.json)


@pytest.mark.feature("A1")
@pytest.mark.feature("F8")
def test_an_issued_copy_keeps_the_old_address_and_a_new_one_shows_the_new(
    client: Api, office: Office, drain: Callable[[], int], clock: Clock
) -> None:
    invoice = office.written("invoice", office.at_home)
    assert client.post(f"/api/v1/orders/invoices/{invoice}/issues").status_code == 201
    drain()
    (copy,) = client.get(f"{API}/documents", {"about": f"orders.invoice:{invoice}"}).json["data"]
    first = bytes(client.get(f"{API}/documents/{copy['id']}/content").data)
    assert (copy["name"], copy["format"], copy["locale"]) == ("Invoice INV-2026-00001", "pdf", "zh_CN")
    assert copy["sha256"] == hashlib.sha256(first).hexdigest()
    (profile,) = office.work.records("company.profile").find(())
    office.work.records("company.profile").update(id_of(profile), {"address": "南京路 1 号"})
    clock.move(days=1)
    again = issued(client, "invoice", invoice)
    assert "南京路1号" in "".join(pages(bytes(client.get(f"{API}/documents/{again['id']}/content").data)))
    kept = bytes(client.get(f"{API}/documents/{copy['id']}/content").data)
    assert kept == first
    assert "世纪大道100号" in "".join(pages(kept))


@pytest.mark.feature("I11")
def test_the_copy_of_an_issue_is_made_once_and_in_the_name_of_who_issued(
    client: Api, office: Office, drain: Callable[[], int], people: People, work_as: type_work_as
) -> None:
    invoice = office.written("invoice", office.abroad)
    clerk = office.work.records("core.user").create({"name": "Clerk", "email": "clerk@acme.example", "roles": ["finance"]})
    for _time in range(2):
        assert client.as_user("clerk@acme.example").post(f"/api/v1/orders/invoices/{invoice}/issues").status_code == 201
        drain()
    occasion = f"orders.invoice.issued:{invoice}"
    wish = {"about": f"orders.invoice:{invoice}", "template": "orders.invoice", "occasion": occasion}
    actions.issue_later(office.work, wish)  # a second run after a crash
    (row,) = office.work.records("documents.document").find(())
    assert (row["issued_by"], row["occasion"], row["number"]) == (clerk["id"], occasion, "INV-2026-00001")
    assert client.post(f"/api/v1/orders/invoices/{invoice}/credit_notes", {}).status_code == 201
    drain()
    names = {str(row["name"]) for row in office.work.records("documents.document").find(())}
    assert names == {"Invoice INV-2026-00001", "Credit note CN-2026-00001"}, "it is called what it is"


@pytest.mark.feature("I11")
@pytest.mark.parametrize("channel", list(Channel))
def test_nobody_changes_or_deletes_an_issued_copy_in_any_channel(client: Api, office: Office, channel: Channel) -> None:
    made = issued(client, "contract", office.contract(office.at_home))
    records = office.work.over(channel).records("documents.document")
    id = UUID(str(made["id"]))
    for draft in (
        Draft("update", {"sha256": "0" * 64}, id, act="issue"), Draft("update", {"name": "x"}, id, act="issue"), Draft("update", {"owner": None}, id),
        Draft("delete", {}, id), Draft("create", {"name": "x"}),
    ):  # fmt: skip
        (outcome,) = records.write([draft])
        assert outcome.refusal is not None, draft
    assert records.update(id, {"note": "sent by post"})["note"] == "sent by post"
    assert client.delete(f"{API}/documents/{id}").status_code in (404, 405)
    assert client.post(f"{API}/documents", {"name": "x"}).status_code in (404, 405)


def test_a_copy_that_was_tampered_with_is_not_given_out(client: Api, office: Office, tenant: Tenant) -> None:
    made = issued(client, "contract", office.contract(office.at_home))
    place = f"{API}/documents/{made['id']}/content"
    folder = office.work.platform.config.home / "files" / tenant.id.hex
    (file,) = folder.iterdir()
    content = file.read_bytes()
    file.write_bytes(content.replace(b"%PDF-1.7", b"%PDF-1.6"))
    assert problem(client.get(place))[:2] == (409, "copy_changed")
    file.unlink()
    assert problem(client.get(place))[:2] == (409, "copy_lost")
    file.write_bytes(content)
    assert client.get(place).data == content


@pytest.mark.feature("I11")
def test_a_copy_is_on_the_timelines_of_its_record_and_its_account(client: Api, office: Office) -> None:
    invoice = office.written("invoice", office.at_home)
    issued(client, "invoice", invoice)
    for place in (f"/api/v1/orders/invoices/{invoice}", f"/api/v1/customers/accounts/{office.at_home}"):
        entries = client.get(f"{place}/timeline").json["data"]
        assert [entry["title"] for entry in entries if entry["entity"] == "documents.document"] == ["Invoice"]


def test_what_is_refused_leaves_no_file_and_no_record(client: Api, office: Office, people: People, tenant: Tenant) -> None:
    contract = office.contract(office.at_home)
    stranger = client.as_user(people.reps[1][0])
    assert stranger.post(f"{API}/renderings", asked("contract", contract)).status_code == 404
    assert stranger.get(f"{API}/previews", asked("contract", contract)).status_code == 404
    folder = office.work.platform.config.home / "files" / tenant.id.hex
    assert not folder.exists()
    assert office.work.records("documents.document").find(()) == []


def test_who_sees_the_record_sees_its_copies_and_nobody_else(client: Api, office: Office, people: People) -> None:
    rep = client.as_user(people.rep)
    made = issued(rep, "contract", office.contract(office.at_home))
    place = f"{API}/documents/{made['id']}"
    for one, status in ((rep, 200), (client.as_user(people.manager), 200), (client.as_user(people.reps[1][0]), 404)):
        assert one.get(place).status_code == status
        assert one.get(f"{place}/content").status_code == status
    reader = office.work.records("core.user").create({"name": "Reader", "email": "reader@acme.example", "roles": ["read_only"]})
    answer = client.as_user(reader["id"]).post(f"{API}/renderings", asked("contract", office.contract(office.at_home)))
    assert answer.status_code in (403, 422)


def test_a_document_with_holes_is_refused_by_the_name_of_the_field(client: Api, office: Office, people: People) -> None:
    contract = office.contract(office.at_home)
    role = office.work.records("core.role").find(where(key="sales_rep"), 1)[0]
    values = {
        "role": role["id"],
        "permission": "orders.contract.read",
        "scope": "team",
        "only_fields": ["number", "name", "account", "owner"],
    }
    office.work.records("core.grant").create(values)
    status, _code, text = problem(client.as_user(people.rep).get(f"{API}/previews", asked("contract", contract)))
    assert status == 403
    assert "value" in text


@pytest.mark.feature("B6")
def test_a_copy_that_shows_what_one_may_not_see_is_not_given_out(client: Api, office: Office, people: People) -> None:
    """It was made with the rights that its issuer had, which may be fewer by now."""
    manager = client.as_user(people.manager)
    made, own = (issued(one, "contract", office.contract(office.at_home)) for one in (client, manager))
    place, his = (f"{API}/documents/{one['id']}" for one in (made, own))
    assert [manager.get(f"{one}/content").status_code for one in (place, his)] == [200, 200]
    role = office.work.records("core.role").find(where(key="sales_manager"), 1)[0]
    seen = sorted(office.work.records("orders.contract").fields().keys() - {"terms"})
    values = {"role": role["id"], "permission": "orders.contract.read", "scope": "team", "only_fields": seen}
    office.work.records("core.grant").create(values)
    assert manager.get(place).status_code == 200
    status, _code, text = problem(manager.get(f"{place}/content"))
    assert (status, "terms" in text) == (403, True)
    assert manager.get(f"{his}/content").status_code == 403
    assert client.get(f"{place}/content").status_code == 200


def test_of_a_customer_in_the_recycle_bin_there_are_no_documents_until_it_is_back(client: Api, office: Office) -> None:
    ids = {"contract": office.contract(office.at_home), **{kind: office.written(kind, office.at_home) for kind in ("quote", "invoice")}}
    office.work.records("customers.account").delete(office.at_home)
    for kind, id in ids.items():
        refused = client.get(f"{API}/previews", asked(kind, id))
        assert (refused.status_code, refused.json["code"]) == (409, "account_gone"), refused.text
    refused = client.post(f"{API}/mails", {"about": f"orders.invoice:{ids['invoice']}", "template": "orders.invoice"})
    issue = client.post(f"/api/v1/orders/invoices/{ids['invoice']}/issues")
    assert [(one.status_code, one.json["code"]) for one in (refused, issue)] == [(409, "account_gone")] * 2
    office.work.records("customers.account").restore(office.at_home)
    assert client.post(f"/api/v1/orders/invoices/{ids['invoice']}/issues").json["number"] == "INV-2026-00001"
    (order,) = office.work.records("orders.order").find(())
    office.work.records("orders.order").delete(id_of(order))
    assert "第二条合同金额" in "".join(pages(preview(client, **asked("contract", ids["contract"])))), (
        "an order that is gone leaves the contract"
    )


def test_another_tenant_has_neither_record_nor_copy_nor_file(client: Api, office: Office, make_tenant: MakeTenant) -> None:
    made = issued(client, "contract", contract := office.contract(office.at_home))
    other = make_tenant("other")
    office.work.platform.system(other.id).records("core.user").create({"name": "B", "email": "b@other.example", "roles": ["admin"]})
    theirs = client.as_user("b@other.example", of=other)
    assert theirs.get(f"{API}/documents/{made['id']}/content").status_code == 404
    assert theirs.post(f"{API}/renderings", asked("contract", contract)).status_code == 404
    row = office.work.records("documents.document").values([UUID(str(made["id"]))])[UUID(str(made["id"]))]
    with pytest.raises(Exception, match="does not exist"):
        office.work.platform.system(other.id).files.open(str(row["content"]))


def test_without_the_plugin_invoices_are_issued_all_the_same(
    work_as: type_work_as, make_tenant: MakeTenant, client: Api, drain: Callable[[], int]
) -> None:
    bare = make_tenant("bare", plugins=["customers", "catalog", "company", "orders"])
    office = Office(work_as(of=bare))
    office.work.records("core.user").create({"name": "B", "email": "b@bare.example", "roles": ["admin"]})
    api = client.as_user("b@bare.example", of=bare)
    invoice = office.written("invoice", office.at_home)
    assert api.post(f"/api/v1/orders/invoices/{invoice}/issues").status_code == 201
    drain()
    for path in ("offers", "documents", "templates", f"previews?about=orders.invoice:{invoice}&template=orders.invoice"):
        assert api.get(f"{API}/{path}").status_code == 404
    assert not [path for path in api.get("/api/v1/openapi.json").json["paths"] if "/documents/" in path]
    jobs = api.get("/api/v1/core/jobs").json["data"]
    assert [job for job in jobs if job["state"] in ("dead", "waiting")] == []


def test_without_orders_nothing_is_offered(make_tenant: MakeTenant, work_as: type_work_as) -> None:
    assert work_as(of=make_tenant("few", plugins=["customers", "documents"])).declared(DocumentTemplate) == []


@pytest.mark.parametrize("package", ["docxtpl", "typst", "noto_cjk_sans_otc"])
def test_without_its_extra_the_plugin_is_shown_as_such_and_the_others_serve(package: str) -> None:
    """In a process of its own, since here the package is there."""
    script = (
        f"import sys; sys.modules[{package!r}] = None\nfrom core.extension.discover import discover\n"
        "print({p.name: (p.state.value, p.reason) for p in discover(['documents', 'orders'])})"
    )
    shown = ast.literal_eval(subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout)
    assert shown["orders"][0] == "loaded"
    assert shown["documents"][0] == "missing_extra"
    assert package in shown["documents"][1]
    assert "pip install 'dealwright[documents]'" in shown["documents"][1]


def test_the_server_itself_never_loads_what_renders() -> None:
    """Templates run in the renderer's process alone; the server's memory is not theirs."""
    script = "import plugins.documents.plugin, sys; print(sorted({'docxtpl', 'typst', 'lxml', 'docx'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.strip() == "[]"


def test_the_renderer_knows_no_secret_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    process = workers.start()
    try:
        environment = Path(f"/proc/{process.pid}/environ")
        if not environment.exists():
            pytest.skip("no /proc here")
        assert b"secret" not in environment.read_bytes()
    finally:
        process.end()


@pytest.mark.feature("I11")
@pytest.mark.parametrize("format", ["pdf", "docx"])
def test_the_same_values_make_the_same_bytes(client: Api, office: Office, format: str) -> None:
    contract = office.contract(office.at_home)
    first, second = (preview(client, **asked("contract", contract, format=format)) for _time in range(2))
    assert first == second


# --- rules -------------------------------------------------------------------------------------------------------------


def test_a_rule_makes_a_document(office: Office, people: People, work_as: type_work_as) -> None:
    quote = office.written("quote", office.abroad)
    (action,) = (one for one in office.work.declared(Action) if one.full_key == "documents.make_document")
    given = action.parameters().load({"template": "orders.quote", "format": "docx"})
    with office.work.transaction(write=True):
        made = action.run(office.work, Step("orders.quote", quote, given))
    (row,) = office.work.records("documents.document").find(where(about=f"orders.quote:{quote}"))
    assert (made["document"], row["format"], row["locale"]) == (str(row["id"]), "docx", "en")
