"""The files of Salesforce's Data Export and of its Data Loader, by the names of the fields of its objects."""

from __future__ import annotations

from collections.abc import Mapping

from plugins.import_export.api import first_line, number, plain_text, web_address
from plugins.pipeline.api import SPLIT, lost_reasons, stages_by
from sdk import Source, Taken
from sdk.transfer import PEOPLE

ACCOUNT, CONTACT, LEAD, DEAL = "customers.account", "customers.contact", "leads.lead", "pipeline.deal"
TASK, ACTIVITY = "teamwork.task", "teamwork.activity"
STAGES = {
    "Prospecting": 10, "Qualification": 10, "Needs Analysis": 20, "Value Proposition": 50, "Id. Decision Makers": 60, "Perception Analysis": 70,
    "Proposal/Price Quote": 75, "Negotiation/Review": 90,
}  # fmt: skip
"""The stages of opportunities that Salesforce begins with, and their probabilities there."""
OWNER = Taken(field="owner", headings=("OwnerId", "Owner:User-username", "Owner"), people=True)
ABOUT = Taken(
    field="about",
    links={DEAL: ("WhatId", "ParentId"), ACCOUNT: ("WhatId", "ParentId"), CONTACT: ("WhoId", "ParentId"), LEAD: ("WhoId", "ParentId")},
)
_DONE, _TRUE = ("completed", "closed"), ("true", "1")


def _deleted(row: Mapping[str, str]) -> bool:
    return row.get("isdeleted", "").casefold() in _TRUE


def _converted(row: Mapping[str, str]) -> bool:
    return row.get("isconverted", "").casefold() in _TRUE


def _deleted_or_lost(row: Mapping[str, str]) -> bool:
    """A converted lead of which nobody says when that was stays out: it has become an account, a contact and a deal, which have files of their own."""
    return _deleted(row) or (_converted(row) and not row.get("converteddate", "").strip())


def _converted_state(said: str) -> str:
    return "converted" if said.casefold() in _TRUE else ""


def _state(said: str) -> str:
    return "done" if said.casefold() in _DONE else "open"


SOURCES = (
    Source(
        entity=PEOPLE,
        signs=("Id", "Username", "Email"),
        names=("user",),
        id=("Id", "Username"),
        takes=(Taken(field="email", headings=("Email", "Username")), Taken(field="name", headings=("Name",))),
    ),
    Source(
        entity=ACCOUNT,
        signs=("Name", "AnnualRevenue"),
        names=("account",),
        id=("Id",),
        match=("name",),
        leaves_out=_deleted,
        takes=(
            Taken(field="name", headings=("Name",)),
            Taken(field="website", headings=("Website",), turned=web_address),
            Taken(field="phone", headings=("Phone",)),
            Taken(field="industry", headings=("Industry",)),
            Taken(field="city", headings=("BillingCity", "ShippingCity")),
            Taken(field="country", headings=("BillingCountry", "ShippingCountry")),
            Taken(
                field="address",
                headings=("BillingStreet", "BillingState", "BillingPostalCode"),
                joined=", ",
                turned=lambda cell: " ".join(cell.split()),
            ),
            Taken(field="employees", headings=("NumberOfEmployees",)),
            Taken(field="revenue", headings=("AnnualRevenue",), turned=number),
            Taken(field="notes", headings=("Description",), turned=plain_text),
            Taken(field="parent", links={ACCOUNT: ("ParentId",)}),
            OWNER,
        ),
    ),
    Source(
        entity=CONTACT,
        signs=("LastName", "AccountId"),
        names=("contact",),
        id=("Id",),
        match=("email",),
        leaves_out=_deleted,
        takes=(
            Taken(field="name", headings=("FirstName", "LastName"), joined=" "),
            Taken(field="email", headings=("Email",)),
            Taken(field="phone", headings=("Phone", "MobilePhone", "HomePhone")),
            Taken(field="title", headings=("Title",)),
            Taken(field="birthday", headings=("Birthdate",)),
            Taken(field="notes", headings=("Description",), turned=plain_text),
            Taken(field="account", links={ACCOUNT: ("AccountId",)}),
            OWNER,
        ),
    ),
    Source(
        entity=DEAL,
        signs=("Name", "StageName", "CloseDate"),
        names=("opportunity",),
        id=("Id",),
        leaves_out=_deleted,
        takes=(
            Taken(field="name", headings=("Name",)),
            Taken(field="stage", headings=("StageName",), meaning=stages_by(STAGES)),
            Taken(field="lost_reason", headings=("StageName", "Loss_Reason__c"), joined=SPLIT, meaning=lost_reasons),
            Taken(field="amount", headings=("Amount", "CurrencyIsoCode"), joined=" "),
            Taken(field="close_date", headings=("CloseDate",)),
            Taken(field="source", headings=("LeadSource",)),
            Taken(field="notes", headings=("Description", "NextStep"), joined="\n", turned=plain_text),
            Taken(field="account", links={ACCOUNT: ("AccountId",)}),
            Taken(field="contact", links={CONTACT: ("ContactId",)}),
            OWNER,
        ),
    ),
    Source(
        entity=LEAD,
        signs=("LastName", "Company", "LeadSource"),
        names=("lead",),
        id=("Id",),
        leaves_out=_deleted_or_lost,
        history=_converted,
        takes=(
            Taken(field="name", headings=("FirstName", "LastName"), joined=" "),
            Taken(field="company", headings=("Company",)),
            Taken(field="title", headings=("Title",)),
            Taken(field="email", headings=("Email",)),
            Taken(field="phone", headings=("Phone", "MobilePhone")),
            Taken(field="website", headings=("Website",), turned=web_address),
            Taken(field="source", headings=("LeadSource",)),
            Taken(field="rating", headings=("Rating",)),
            Taken(field="state", headings=("IsConverted",), turned=_converted_state),
            Taken(field="converted_at", headings=("ConvertedDate",)),
            Taken(field="account", links={ACCOUNT: ("ConvertedAccountId",)}),
            Taken(field="contact", links={CONTACT: ("ConvertedContactId",)}),
            Taken(field="deal", links={DEAL: ("ConvertedOpportunityId",)}),
            Taken(field="notes", headings=("Description",), turned=plain_text),
            OWNER,
        ),
    ),
    Source(
        entity=TASK,
        signs=("Subject", "WhoId", "Status"),
        names=("task",),
        id=("Id",),
        leaves_out=_deleted,
        takes=(
            Taken(field="subject", headings=("Subject",)),
            Taken(field="due_on", headings=("ActivityDate",)),
            Taken(field="state", headings=("Status",), turned=_state),
            Taken(field="notes", headings=("Description",), turned=plain_text),
            ABOUT,
            OWNER,
        ),
    ),
    Source(
        entity=ACTIVITY,
        signs=("Subject", "StartDateTime", "EndDateTime"),
        names=("event",),
        id=("Id",),
        leaves_out=_deleted,
        takes=(
            Taken(field="subject", headings=("Subject",)),
            Taken(field="kind", otherwise="meeting"),
            Taken(field="starts_at", headings=("StartDateTime", "ActivityDateTime")),
            Taken(field="ends_at", headings=("EndDateTime",)),
            Taken(field="notes", headings=("Description",), turned=plain_text),
            ABOUT,
            OWNER,
        ),
    ),
    Source(
        entity=ACTIVITY,
        signs=("Title", "Body", "ParentId"),
        names=("note",),
        id=("Id",),
        leaves_out=_deleted,
        takes=(
            Taken(field="subject", headings=("Title", "Body"), turned=first_line),
            Taken(field="kind", otherwise="note"),
            Taken(field="state", otherwise="done"),
            Taken(field="starts_at", headings=("CreatedDate",)),
            Taken(field="notes", headings=("Body",), turned=plain_text),
            ABOUT,
            OWNER,
        ),
    ),
)
