"""The files of an export of HubSpot (Settings, Account Defaults, Export; or each index page by its Export button), by the labels of its default properties."""

from __future__ import annotations

from plugins.import_export.api import first_line, plain_text, web_address
from plugins.pipeline.api import SPLIT, lost_reasons, stages_by, won_reasons
from sdk import Source, Taken

ACCOUNT, CONTACT, DEAL = "customers.account", "customers.contact", "pipeline.deal"
TASK, ACTIVITY = "teamwork.task", "teamwork.activity"
ID = ("Record ID", "Record Id")
COMPANIES = ("Associated Company IDs (Primary)", "Primary Associated Company ID", "Associated Company IDs", "Associated Company ID")
CONTACTS, DEALS = ("Associated Contact IDs", "Associated Contact ID"), ("Associated Deal IDs", "Associated Deal ID")
ABOUT = Taken(field="about", links={DEAL: DEALS, CONTACT: CONTACTS, ACCOUNT: COMPANIES})
STAGES = {
    "Appointment Scheduled": 20, "Qualified To Buy": 40, "Presentation Scheduled": 60, "Decision Maker Bought-In": 80, "Contract Sent": 90,
}  # fmt: skip
"""The stages of the sales pipeline that HubSpot begins with, and their probabilities there."""
_PRIORITIES = {"high": "high", "medium": "normal", "low": "low"}


def _state(said: str) -> str:
    return "done" if said.casefold() == "completed" else "open"


def _priority(said: str) -> str:
    return _PRIORITIES.get(said.casefold(), "")


SOURCES = (
    Source(
        entity=ACCOUNT,
        signs=("Record ID", "Company name"),
        names=("companies", "company"),
        id=ID,
        match=("name",),
        takes=(
            Taken(field="name", headings=("Company name", "Company Domain Name")),
            Taken(field="website", headings=("Website URL", "Company Domain Name"), turned=web_address),
            Taken(field="phone", headings=("Phone Number",)),
            Taken(field="industry", headings=("Industry",)),
            Taken(field="city", headings=("City",)),
            Taken(field="country", headings=("Country/Region", "Country")),
            Taken(field="address", headings=("Street Address", "Street Address 2", "State/Region", "Postal Code"), joined=", "),
            Taken(field="employees", headings=("Number of Employees",)),
            Taken(field="revenue", headings=("Annual Revenue", "Currency"), joined=" "),
            Taken(field="founded", headings=("Year Founded",)),
            Taken(field="notes", headings=("Description", "About Us"), turned=plain_text),
            Taken(field="parent", links={ACCOUNT: ("Parent Company ID", "Parent Company IDs")}),
            Taken(field="owner", headings=("Company owner", "HubSpot owner"), people=True),
        ),
    ),
    Source(
        entity=CONTACT,
        signs=("Record ID", "First Name", "Last Name"),
        names=("contacts", "contact"),
        id=ID,
        match=("email",),
        takes=(
            Taken(field="name", headings=("First Name", "Last Name"), joined=" ", instead=("Email", "Work email")),
            Taken(field="email", headings=("Email", "Work email")),
            Taken(field="phone", headings=("Phone Number", "Mobile Phone Number")),
            Taken(field="title", headings=("Job Title",)),
            Taken(field="birthday", headings=("Date of birth",)),
            Taken(field="account", links={ACCOUNT: COMPANIES}),
            Taken(field="owner", headings=("Contact owner", "HubSpot owner"), people=True),
        ),
    ),
    Source(
        entity=DEAL,
        signs=("Record ID", "Deal Name", "Deal Stage"),
        names=("deals", "deal"),
        id=ID,
        takes=(
            Taken(field="name", headings=("Deal Name",)),
            Taken(field="stage", headings=("Deal Stage",), meaning=stages_by(STAGES)),
            Taken(field="lost_reason", headings=("Deal Stage", "Closed Lost Reason"), joined=SPLIT, meaning=lost_reasons),
            Taken(field="won_reason", headings=("Deal Stage", "Closed Won Reason"), joined=SPLIT, meaning=won_reasons),
            Taken(field="amount", headings=("Amount", "Currency"), joined=" "),
            Taken(field="close_date", headings=("Close Date",)),
            Taken(field="source", headings=("Original Traffic Source", "Original Source Type", "Record source")),
            Taken(field="notes", headings=("Deal Description", "Closed Lost Reason", "Closed Won Reason"), joined="\n", turned=plain_text),
            Taken(field="account", links={ACCOUNT: COMPANIES}),
            Taken(field="contact", links={CONTACT: CONTACTS}),
            Taken(field="owner", headings=("Deal owner", "HubSpot owner"), people=True),
        ),
    ),
    Source(
        entity=TASK,
        signs=("Task Title",),
        names=("tasks", "task"),
        id=ID,
        takes=(
            Taken(field="subject", headings=("Task Title",), turned=first_line),
            Taken(field="due_on", headings=("Due date", "Task due date", "Activity date")),
            Taken(field="state", headings=("Task Status", "Status"), turned=_state),
            Taken(field="priority", headings=("Priority", "Task Priority"), turned=_priority),
            Taken(field="notes", headings=("Task Notes", "Notes"), turned=plain_text),
            ABOUT,
            Taken(field="owner", headings=("Assigned to", "Activity assigned to", "Task owner", "HubSpot owner"), people=True),
        ),
    ),
    Source(
        entity=ACTIVITY,
        signs=("Note body",),
        names=("notes", "note"),
        id=ID,
        takes=(
            Taken(field="subject", headings=("Note body",), turned=first_line),
            Taken(field="notes", headings=("Note body",), turned=plain_text),
            Taken(field="kind", otherwise="note"),
            Taken(field="state", otherwise="done"),
            Taken(field="starts_at", headings=("Activity date", "Create date", "Object create date/time")),
            ABOUT,
            Taken(field="owner", headings=("Activity assigned to", "Note owner", "Activity created by", "HubSpot owner"), people=True),
        ),
    ),
)
