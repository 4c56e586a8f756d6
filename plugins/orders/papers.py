"""Quotes, contracts and invoices on paper: what their templates may name, and what fills them."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from uuid import UUID

from babel import Locale
from babel.languages import get_official_languages

from plugins.company.api import logo, profile
from plugins.orders import mailing
from plugins.orders.lines import MOST
from plugins.orders.process import found, require_account
from plugins.orders.tables import KINDS
from sdk import Context, DocumentTemplate, Forbidden, Picture, TemplateFile, Text, Variable, _, where
from sdk.context import Row
from sdk.fields import Money

_FOLDER = Path(__file__).parent / "templates"
_HAN = re.compile(r"[\u3400-\u9fff]")
_NAMES_IN = ("en", "zh")
_LOCALES = ("zh_CN", "en")
_DAY, _AMOUNT = date(2026, 1, 15), Money(Decimal("1130.00"), "CNY")

_LOGO = Picture(b64decode("iVBORw0KGgoAAAANSUhEUgAAAAMAAAABCAIAAACUgoPjAAAAEklEQVR42mOU96tkYGBgYGAAAAbqAOg7rdagAAAAAElFTkSuQmCC"))
"""Three pixels."""

SELLER = (
    Variable("seller.name", _("Seller: registered name"), "山川科技有限公司"),
    Variable("seller.address", _("Seller: address"), "世纪大道 100 号"),
    Variable("seller.tax_number", _("Seller: tax number"), "91310000XXXXXXXX0X"),
    Variable("seller.phone", _("Seller: phone"), "+86 21 5550 1000"),
    Variable("seller.email", _("Seller: email"), "office@seller.example.com"),
    Variable("seller.website", _("Seller: website"), "https://seller.example.com"),
    Variable("seller.bank_name", _("Seller: bank"), "Example Bank"),
    Variable("seller.bank_account", _("Seller: bank account"), "6200 0000 0000 0000"),
    Variable("seller.logo", _("Seller: logo"), _LOGO),
)
BUYER = (
    Variable("buyer.name", _("Buyer: name"), "Alder Foods"),
    Variable("buyer.address", _("Buyer: address"), "1 Main Street, London"),
    Variable("buyer.tax_number", _("Buyer: tax number"), "91110000XXXXXXXX0X"),
    Variable("buyer.contact", _("Buyer: contact"), "Jane Doe"),
)
DOCUMENT = (
    Variable("number", _("Number"), "DOC-2026-00001"),
    Variable("subject", _("Subject"), "Gateways"),
    Variable("sales.name", _("Account manager"), "Li Wei"),
)
LINES = (
    Variable("lines[].position", _("Line: position, starting at 1"), 1),
    Variable("lines[].description", _("Line: description"), "Gateway"),
    Variable("lines[].sku", _("Line: item number"), "GW-1"),
    Variable("lines[].quantity", _("Line: quantity"), Decimal(10)),
    Variable("lines[].unit", _("Line: unit"), "pcs"),
    Variable("lines[].unit_price", _("Line: unit price"), Money(Decimal(100), "CNY")),
    Variable("lines[].discount", _("Line: discount (%)"), Decimal(5)),
    Variable("lines[].tax_rate", _("Line: tax rate (%)"), Decimal(13)),
    Variable("lines[].net", _("Line: net"), Money(Decimal(1000), "CNY")),
    Variable("lines[].tax", _("Line: tax"), Money(Decimal(130), "CNY")),
    Variable("lines[].total", _("Line: total"), _AMOUNT),
    Variable("net", _("Net"), Money(Decimal(1000), "CNY")),
    Variable("tax", _("Tax"), Money(Decimal(130), "CNY")),
    Variable("total", _("Total"), _AMOUNT),
)
QUOTE = (
    Variable("quoted_on", _("Quoted on"), _DAY),
    Variable("valid_until", _("Valid until"), date(2026, 2, 15)),
    Variable("notes", _("Notes"), "Prices include delivery."),
)
CONTRACT = (
    Variable("signed_on", _("Signed on"), _DAY),
    Variable("starts_on", _("Starts on"), date(2026, 2, 1)),
    Variable("ends_on", _("Ends on"), date(2027, 1, 31)),
    Variable("value", _("Contract value"), _AMOUNT),
    Variable("renewal", _("At the end: none, manual or automatic"), "automatic"),
    Variable("terms", _("Terms"), "Payment within 30 days of the invoice."),
    Variable("order_number", _("Order number"), "ORD-2026-00001"),
)
INVOICE = (
    Variable("draft", _("Whether it has not been issued yet"), True),
    Variable("credit_note", _("Whether it is a credit note"), True),
    Variable("credits", _("Credit note: number of the invoice it reverses"), "INV-2026-00001"),
    Variable("issued_on", _("Issued on"), _DAY),
    Variable("due_on", _("Due date"), date(2026, 2, 14)),
    Variable("order_number", _("Order number"), "ORD-2026-00001"),
    Variable("notes", _("Notes"), "Please give the number of the invoice."),
)


def papers() -> tuple[DocumentTemplate, ...]:
    """The kinds of document that are made of quotes, contracts and invoices."""
    common = (*DOCUMENT, *SELLER, *BUYER, *LINES)
    return (
        DocumentTemplate(
            "quote",
            _("Quote"),
            "orders.quote",
            (*common, *QUOTE),
            quote_values,
            _files("quote"),
            _language("orders.quote"),
            mailing.mail_quote,
        ),
        DocumentTemplate(
            "contract",
            _("Contract"),
            "orders.contract",
            (*common, *CONTRACT),
            contract_values,
            _files("contract"),
            _language("orders.contract"),
            mailing.mail_contract,
        ),
        DocumentTemplate(
            "invoice",
            _("Invoice"),
            "orders.invoice",
            (*common, *INVOICE),
            invoice_values,
            _files("invoice"),
            _language("orders.invoice"),
            mailing.mail_invoice,
            _kind_of_invoice,
        ),
    )


def _files(kind: str) -> tuple[TemplateFile, ...]:
    beside = (_FOLDER / "letter.typ",)
    return tuple(
        TemplateFile(format, locale, _FOLDER / f"{kind}_{locale}.{suffix}", beside if format == "pdf" else ())
        for format, suffix in (("pdf", "typ"), ("docx", "docx"))
        for locale in _LOCALES
    )


# --- values ------------------------------------------------------------------------------------------------------------


def quote_values(ctx: Context, id: UUID) -> dict[str, object]:
    """What a quote's template may name."""
    row = _seen("orders.quote", found(ctx, "orders.quote", id), "number", "name", "account", "net", "tax", "total")
    return {
        **_common(ctx, row), **_lines(ctx, "orders.quote_line", "quote", id), **_sums(row),
        "quoted_on": row.get("quoted_on"), "valid_until": row.get("valid_until"), "notes": row.get("notes"),
    }  # fmt: skip


def contract_values(ctx: Context, id: UUID) -> dict[str, object]:
    """What a contract's template may name; the lines are those of its order."""
    row = _seen("orders.contract", found(ctx, "orders.contract", id), "number", "name", "account", "value")
    order = row.get("order")
    there = isinstance(order, UUID) and bool(ctx.as_system().records("orders.order").values([order]))
    order = order if there else None  # one in the recycle bin says nothing any more
    bought: Row = found(ctx, "orders.order", order) if isinstance(order, UUID) else {}
    names = ("signed_on", "starts_on", "ends_on", "value", "renewal", "terms")
    return {
        **_common(ctx, row), **{name: row.get(name) for name in names}, **_sums(bought), "order_number": bought.get("number"),
        **(_lines(ctx, "orders.order_line", "order", order) if isinstance(order, UUID) else {"lines": []}),
    }  # fmt: skip


def invoice_values(ctx: Context, id: UUID) -> dict[str, object]:
    """What an invoice's or a credit note's template may name."""
    needed = ("number", "name", "account", "kind", "state", "issued_on", "net", "tax", "total")
    row = _seen("orders.invoice", found(ctx, "orders.invoice", id), *needed)
    credited, order = _number(ctx, "orders.invoice", row.get("credits")), _number(ctx, "orders.order", row.get("order"))
    return {
        **_common(ctx, row), **_lines(ctx, "orders.invoice_line", "invoice", id), **_sums(row),
        "draft": row["state"] == "draft", "credit_note": row["kind"] == "credit_note", "credits": credited, "order_number": order,
        "issued_on": row["issued_on"], "due_on": row.get("due_on"), "notes": row.get("notes"),
    }  # fmt: skip


def _kind_of_invoice(ctx: Context, id: UUID) -> Text:
    return KINDS[str(_seen("orders.invoice", found(ctx, "orders.invoice", id), "kind")["kind"])]


def _seen(entity: str, row: Row, *names: str) -> Row:
    """A document with holes is none: who may not see what it needs is told which field that is."""
    if hidden := [name for name in names if name not in row]:
        raise Forbidden(_("the document needs {field} of {entity}, which you don’t have access to"), field=hidden[0], entity=entity)
    return row


def _common(ctx: Context, row: Row) -> dict[str, object]:
    accounts = ctx.records("customers.account").values([row["account"]])  # type: ignore[list-item]
    if not accounts:
        require_account(ctx, row)
        raise Forbidden(
            _("the document needs {field} of {entity}, which you don’t have access to"), field="name", entity="customers.account"
        )
    (account,) = accounts.values()
    _seen("customers.account", account, "name")
    contact, owner = row.get("contact"), row.get("owner")
    contacts = ctx.records("customers.contact").values([contact]) if isinstance(contact, UUID) else {}
    owners = ctx.as_system().records("core.user").values([owner]) if isinstance(owner, UUID) else {}
    return {
        "number": row["number"], "subject": row["name"], "seller": _seller(ctx), "sales": {"name": _first(owners.values(), "name")},
        "buyer": {
            "name": account["name"], "address": address(account), "tax_number": account.get("tax_number"),
            "contact": _first(contacts.values(), "name"),
        },
    }  # fmt: skip


def _first(rows: Iterable[Row], name: str) -> object:
    return next((row.get(name) for row in rows), None)


def _seller(ctx: Context) -> dict[str, object]:
    """The company's profile as it is now; blanks until somebody has written it."""
    row = profile(ctx) or {}
    names = ("tax_number", "phone", "email", "website", "bank_name", "bank_account")
    return {
        "name": row.get("legal_name") or row.get("name"),
        "address": address(row),
        **{name: row.get(name) for name in names},
        "logo": logo(ctx),
    }


def address(row: Row) -> str:
    """An address in one line, from the large to the small where it is Chinese, the other way round elsewhere."""
    street, code, city, country = (str(row.get(name) or "") for name in ("address", "postal_code", "city", "country"))
    if _HAN.search(street + city):
        return f"{country}{city}{street}" + (f" {code}" if code else "")
    return ", ".join(part for part in (street, f"{code} {city}".strip(), country) if part)


def _lines(ctx: Context, entity: str, link: str, id: UUID) -> dict[str, object]:
    rows = sorted(
        ctx.records(entity).find(where(**{link: id}), MOST), key=lambda row: (row["position"] is None, row["position"] or 0, row["id"])
    )
    ids = {product for row in rows if isinstance(product := row.get("product"), UUID)}
    products = ctx.records("catalog.product").values(ids) if ids else {}
    return {"lines": [_line(entity, place, row, products.get(row.get("product"), {})) for place, row in enumerate(rows, 1)]}  # type: ignore[call-overload]


def _line(entity: str, place: int, row: Row, product: Row) -> dict[str, object]:
    _seen(entity, row, "quantity", "unit_price", "net", "tax", "total")
    given = {name: row.get(name) for name in ("quantity", "unit_price", "discount", "tax_rate", "net", "tax", "total")}
    words = {"description": row.get("description") or product.get("name"), "sku": product.get("sku"), "unit": product.get("unit")}
    return {"position": place, **words, **given}


def _sums(row: Row) -> Mapping[str, object]:
    return {name: row.get(name) for name in ("net", "tax", "total")}


def _number(ctx: Context, entity: str, id: object) -> object:
    """The number of a document that this one refers to; who may refer to it may name it."""
    rows = ctx.as_system().records(entity).values([id]) if isinstance(id, UUID) else {}
    return _first(rows.values(), "number")


# --- language ----------------------------------------------------------------------------------------------------------


class _Language:
    """The language of the account that a document is for, by its country."""

    def __init__(self, entity: str) -> None:
        self.entity = entity

    def __call__(self, ctx: Context, id: UUID) -> str:
        row = found(ctx, self.entity, id)
        require_account(ctx, row)
        accounts = ctx.as_system().records("customers.account").values([row["account"]]) if row.get("account") else {}  # type: ignore[list-item]
        return language_of(str(_first(accounts.values(), "country") or ""))


@cache
def _language(entity: str) -> _Language:
    """The same object at each declaration, so that declaring twice gives equal specs."""
    return _Language(entity)


def language_of(country: str) -> str:
    """The locale of a country's documents, by its name in English or Chinese or its ISO code; "" for what is none."""
    territory = _territories().get(country.strip().casefold(), "")
    languages = get_official_languages(territory, de_facto=True) if territory else ()
    return f"{languages[0].partition('_')[0]}_{territory}" if languages else ""


@cache
def _territories() -> Mapping[str, str]:
    named = {
        str(name).casefold(): code for locale in _NAMES_IN for code, name in Locale.parse(locale).territories.items() if len(code) == 2 and code.isalpha()
    }  # fmt: skip
    codes = {code.casefold(): code for code in named.values()}
    more = {"中华人民共和国": "CN", "p.r. china": "CN", "prc": "CN", "usa": "US", "uk": "GB", "hong kong": "HK", "香港": "HK", "澳门": "MO"}
    return {**codes, **named, **more}
