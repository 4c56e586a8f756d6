"""Products: what they take, who changes them, and what becomes of a deal's product where there is no catalog."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.context import Work
from core.platform import Platform
from core.testkit.fixtures import Api, MakeTenant, People
from plugins.pipeline.template import apply
from tests.plugins.imports import Done, import_file
from tests.plugins.process import Process

PRODUCTS = "/api/v1/catalog/products"


def product(client: Api, **values: object) -> dict:
    """A new product."""
    made = client.post(PRODUCTS, {"name": "Gateway", **values})
    assert made.status_code == 201, made.text
    return made.json


def test_a_product_is_for_sale_and_priced_in_the_tenants_currency(client: Api) -> None:
    made = product(client, sku="GW-2", price={"amount": "3200"})
    assert (made["active"], made["price"]) == (True, {"amount": "3200.00", "currency": "USD"})
    assert "owner" not in made
    assert product(client, sku="GW-3", price={"amount": "33.6442"})["price"] == {"amount": "33.6442", "currency": "USD"}


@pytest.mark.parametrize(
    ("amount", "code"),
    [("-0.01", "out_of_range"), ("1.00001", "too_precise"), ("ten", "malformed"), (None, "required")],
)
def test_a_price_is_an_exact_amount_and_never_negative(client: Api, amount: object, code: str) -> None:
    refused = client.post(PRODUCTS, {"name": "Gateway", "price": {"amount": amount}})
    assert refused.status_code == 422
    assert [(error["field"], error["code"]) for error in refused.json["errors"]] == [("price", code)]


def test_a_number_of_stock_keeping_is_given_once_through_every_channel(client: Api, taken: Callable[..., Done]) -> None:
    first = product(client, sku="GW-2")
    refused = client.post(PRODUCTS, {"name": "Other", "sku": "GW-2"})
    assert (refused.status_code, refused.json["code"]) == (409, "duplicate")
    items = [{"op": "create", "values": {"name": name, "sku": sku}} for name, sku in (("A", "GW-2"), ("B", "GW-3"), ("C", "GW-3"))]
    batch = client.post(f"{PRODUCTS}/batch", {"items": items})
    assert (batch.status_code, [item["status"] for item in batch.json["data"]]) == (207, [409, 201, 409])
    assert taken("catalog.product", "name,sku\nD,GW-2\nE,GW-4\nF,\nG,\n").reasons == [(1, "sku", "duplicate")]
    client.delete(f"{PRODUCTS}/{first['id']}")
    product(client, sku="GW-2")
    again = client.post(f"{PRODUCTS}/{first['id']}/restore")
    assert (again.status_code, again.json["code"]) == (409, "duplicate")


def test_everybody_in_sales_reads_products_and_only_the_administrator_changes_them(client: Api, people: People) -> None:
    made = product(client)
    for user in (people.rep, people.manager):
        api = client.as_user(user)
        assert api.get(f"{PRODUCTS}/{made['id']}").status_code == 200
        assert api.patch(f"{PRODUCTS}/{made['id']}", {"name": "Mine"}).status_code == 403
        assert api.post(PRODUCTS, {"name": "Mine"}).status_code == 403


def test_a_deal_names_its_product_by_name_or_number(client: Api, process: Process) -> None:
    made = product(client, name="Gateway G2", sku="GW-2")
    for word in ("Gateway G2", "GW-2", made["id"]):
        assert client.post("/api/v1/pipeline/deals", {"name": "deal", "product": word}).json["product"] == made["id"]


def test_without_the_catalog_a_deal_has_no_product_and_the_link_comes_back_with_it(
    platform: Platform, make_tenant: MakeTenant, client: Api, process: Process, work: Work
) -> None:
    made = product(client)
    deal = process.deal(product=made["id"])
    for name in ("orders", "catalog"):
        assert client.patch(f"/api/v1/core/plugins/{name}", {"enabled": False}).status_code == 200
    path = f"/api/v1/pipeline/deals/{deal}"
    assert "product" not in client.get(path).json
    assert client.get("/api/v1/pipeline/deals", {"product": "Gateway"}).status_code == 400
    assert client.patch(path, {"product": "Gateway"}).status_code in (400, 422)
    assert client.patch(path, {"notes": "still works"}).status_code == 200
    assert client.get(PRODUCTS).status_code == 404
    assert client.patch("/api/v1/core/plugins/catalog", {"enabled": True}).status_code == 200
    assert client.get(path).json["product"] == made["id"]


def test_a_tenant_without_the_catalog_imports_deals_and_names_the_column_it_leaves_out(platform: Platform, make_tenant: MakeTenant) -> None:
    work = platform.system(make_tenant("plain", plugins=["customers", "pipeline", "import_export"]).id)
    apply(work, "direct_sales")
    done = import_file(work, "pipeline.deal", "name,product\nA,Gateway\n")
    assert (done.counts, done.ignored) == ({"created": 1}, "product")
