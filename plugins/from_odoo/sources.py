"""The workbooks that Odoo exports and offers as templates: by the names of its fields, or by their labels."""

from __future__ import annotations

from collections.abc import Mapping

from plugins.import_export.api import plain_text, web_address
from sdk import Source, Taken

ACCOUNT, CONTACT, LEAD = "customers.account", "customers.contact", "leads.lead"
ID = ("External ID", "id")
STREET = ("street", "street2", "state_id", "State", "zip")
_YES = ("1", "true", "yes", "x", "1.0")


def _is_company(row: Mapping[str, str]) -> bool:
    return row.get("iscompany", "").strip().casefold() in _YES


def _is_person(row: Mapping[str, str]) -> bool:
    return not _is_company(row)


def _names_no_company(row: Mapping[str, str]) -> bool:
    return not row.get("companyname", "").strip()


SOURCES = (
    Source(
        entity=ACCOUNT,
        signs=("name", "is_company"),
        names=("res_partner", "partner"),
        id=ID,
        match=("name",),
        leaves_out=_is_person,
        takes=(
            Taken(field="name", headings=("name",)),
            Taken(field="country", headings=("country_id", "Country")),
            Taken(field="city", headings=("city",)),
            Taken(field="address", headings=STREET, joined=", "),
            Taken(field="phone", headings=("phone", "mobile")),
            Taken(field="website", headings=("website",), turned=web_address),
            Taken(field="tax_number", headings=("vat", "Tax ID")),
            Taken(field="notes", headings=("comment", "Notes"), turned=plain_text),
            Taken(field="owner", headings=("user_id", "Salesperson"), people=True),
        ),
    ),
    Source(
        entity=CONTACT,
        signs=("name", "is_company"),
        names=("res_partner", "partner"),
        id=ID,
        match=("email",),
        leaves_out=_is_company,
        takes=(
            Taken(field="name", headings=("name",)),
            Taken(field="email", headings=("email",)),
            Taken(field="phone", headings=("phone", "mobile")),
            Taken(field="title", headings=("function", "Job Position")),
            Taken(
                field="account",
                headings=("company_name", "parent_id", "Related Company"),
                links={ACCOUNT: ("parent_id/id", "Related Company/External ID")},
            ),
            Taken(field="notes", headings=("comment", "Notes"), turned=plain_text),
            Taken(field="owner", headings=("user_id", "Salesperson"), people=True),
        ),
    ),
    Source(
        entity=ACCOUNT,
        signs=("Name", "Company Name", "Mailing List"),
        names=("mailing_contact",),
        match=("name",),
        leaves_out=_names_no_company,
        takes=(Taken(field="name", headings=("Company Name",)), Taken(field="country", headings=("Country",))),
    ),
    Source(
        entity=CONTACT,
        signs=("Name", "Company Name", "Mailing List"),
        names=("mailing_contact",),
        id=ID,
        match=("email",),
        takes=(
            Taken(field="name", headings=("Name",)),
            Taken(field="email", headings=("Email",)),
            Taken(field="account", headings=("Company Name",)),
        ),
    ),
    Source(
        entity=LEAD,
        signs=("Name", "Contact Name", "Company Name"),
        names=("crm_lead", "lead"),
        id=ID,
        takes=(
            Taken(field="name", headings=("Contact Name", "Name")),
            Taken(field="company", headings=("Company Name",)),
            Taken(field="title", headings=("Job Position",)),
            Taken(field="email", headings=("Email",)),
            Taken(field="phone", headings=("Phone", "Mobile")),
            Taken(field="website", headings=("Website",), turned=web_address),
            Taken(field="notes", headings=("Name", "Notes"), joined="\n", turned=plain_text),
            Taken(field="owner", headings=("Salesperson",), people=True),
        ),
    ),
)
