"""Real files of other people through mapping to records, with exactly what is reported of their rows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from core.context import Work
from sdk import where
from sdk.fields import Money
from tests.journeys.real_data import folder
from tests.plugins.imports import Done, import_file


def lines_of(collection: str, name: str, encoding: str = "utf-8") -> list[str]:
    """The lines of a real file."""
    return (folder(collection) / name).read_text(encoding=encoding).splitlines(keepends=True)


def keep(work: Work, key: str, **fields: str) -> None:
    """An entity of the tenant's own with fields of these kinds; a link leads to contacts."""
    work.records("core.custom_entity").create({"key": key, "label": key.title()})
    for name, kind in fields.items():
        target = {"target": "customers.contact"} if kind == "link" else {}
        work.records("core.custom_field").create({"entity": f"custom.{key}", "key": name, "kind": kind, "label": name.title(), **target})


@pytest.mark.real_data
@pytest.mark.feature("C9")
def test_of_the_sales_of_adventure_works_each_line_without_a_customer_is_reported(work: Work) -> None:
    """39 % of the lines name a customer whom the cut file of customers lacks: each is told by its row, its column and that key. Of the
    others, which take their time, some are imported beside them."""
    keep(work, "sale", customer="link", quantity="integer", sold_on="date")
    customers = lines_of("adventureworks", "AdventureWorks_Customers.csv")
    known = {line.partition(",")[0] for line in customers[1:]}
    years = [lines_of("adventureworks", f"AdventureWorks_Sales_{year}.csv") for year in (2015, 2016, 2017)]
    all_of_them = [(line.split(",")[4], line) for lines in years for line in lines[1:]]
    lost = [key for key, _line in all_of_them if key not in known]
    assert (len(known), len(all_of_them), len(lost)) == (9_315, 56_046, 21_742)
    some = {key for key, _line in all_of_them if key in known and key.endswith("77")}
    sold = [(key, line) for key, line in all_of_them if key not in known or key in some]
    done = import_file(work, "customers.contact", "".join(line for line in customers if line.partition(",")[0] in {"CustomerKey", *some}),
                       map=("CustomerKey=external_id", "EmailAddress=email", "BirthDate=birthday"), join=("name=FirstName+LastName",))  # fmt: skip
    assert done.counts == {"created": len(some)}, done.rows[:3]
    maps = ("OrderNumber=name", "CustomerKey=custom.customer.external_id", "OrderQuantity=custom.quantity", "OrderDate=custom.sold_on")
    done = import_file(work, "custom.sale", "".join([years[0][0], *(line for _key, line in sold)]), map=maps)
    assert (done.state, done.counts) == ("partial", {"created": len(sold) - len(lost), "failed": 21_742})
    names = ("number", "outcome", "column", "value", "code")
    rows = work.records("import_export.row").find(where(**{"import": done.record["id"]}), 30_000)
    told = [tuple(row[name] for name in names) for row in rows]
    assert told == [(at, "failed", "CustomerKey", key, "no_such_record") for at, (key, _line) in enumerate(sold, 1) if key not in known]


@pytest.mark.real_data
@pytest.mark.feature("C4")
def test_slices_of_northwind_the_superstore_and_orders_in_gbk_become_records_through_their_mapping(work: Work) -> None:
    """Customers with words for nothing, products with prices, order lines with discounts as fractions, keys of four bytes in Chinese."""

    def northwind(entity: str, name: str, most: int, *maps: str, **more: Any) -> Done:
        return import_file(work, entity, "".join(lines_of("northwind", f"data/{name}.csv")[: most + 1]), map=maps, **more)

    done = northwind("customers.account", "customers", 91, "customerID=external_id", "companyName=name", "region=")
    assert done.counts == {"created": 91} and "contactName" in done.ignored
    done = northwind("catalog.product", "products", 77, "productID=sku", "productName=name", "unitPrice=price")
    assert done.counts == {"created": 77}
    done = northwind(
        "orders.order",
        "orders",
        100,
        "orderID=name",
        "customerID=account.external_id",
        "orderDate=ordered_on",
        "shipRegion=",
        set=("currency=USD",),
    )
    assert done.counts == {"created": 100}, [(row["column"], row["value"], row["reason"]) for row in done.rows[:2]]
    (first,) = work.records("orders.order").find(where(name="10248"))
    (vinet,) = work.records("customers.account").find(where(name="Vins et alcools Chevalier"))
    (chai,) = work.records("catalog.product").find(where(name="Chai"))
    assert (first["account"], first["ordered_on"], chai["price"]) == (vinet["id"], date(1996, 7, 4), Money(Decimal(18), "USD"))

    store = "".join(lines_of("superstore_us", "Sample - Superstore.csv", "utf-8-sig")[:101]).encode("utf-8-sig")
    by = {"mode": "upsert", "match": ("external_id",)}
    done = import_file(work, "customers.contact", store, map=("Customer Name=name", "Customer ID=external_id"), **by)
    met = {line.split(b",")[5] for line in store.splitlines()[1:]}
    assert (done.counts["created"], done.counts["created"] + done.counts["unchanged"]) == (len(met), 100)
    (gute,) = work.records("customers.contact").find(where(name="Claire Gute"))
    keep(work, "line", customer="link", sold_on="date", amount="money")
    maps = ("Order ID=name", "Customer ID=custom.customer.external_id", "Order Date=custom.sold_on", "Sales=custom.amount")
    done = import_file(work, "custom.line", store, map=maps)
    assert done.counts == {"created": 61, "failed": 39}  # amounts of dollars with three or four digits behind the point
    assert {(row["column"], row["code"]) for row in done.rows} == {("Sales", "too_precise")}
    line = work.records("custom.line").find(where(name="CA-2018-152156"))[0]
    sold = (line["custom.customer"], line["custom.sold_on"], line["custom.amount"])
    assert sold == (gute["id"], date(2018, 11, 8), Money(Decimal("261.96"), "USD"))

    keep(work, "pick", sku="text", quantity="integer")
    picks = b"".join((folder("jd_orders_gbk") / "\u8ba2\u5355\u6570\u636e.csv").read_bytes().splitlines(keepends=True)[:201])
    maps = ("\u8ba2\u5355\u53f7=name", "SKU\u7f16\u7801=custom.sku", "\u6570\u91cf=custom.quantity")
    done = import_file(work, "custom.pick", picks, map=maps)
    assert done.counts == {"created": 200}, done.rows[:2]
    rows = work.records("custom.pick").find((), 300)
    assert [(row["name"], row["custom.sku"], row["custom.quantity"]) for row in rows[:2]] == [("0", "0", 10), ("0", "2", 5)]
