"""The menu of the customers plugin."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from random import Random

from plugins.customers import demo, pages, panels, routes, surveys, tables
from plugins.customers.events import mark_customers
from plugins.customers.tables import Account, Address, Affiliation, Contact, Invitation, Survey, Tag
from sdk import (
    Access,
    Batch,
    Capabilities,
    Context,
    Entity,
    Extension,
    Manifest,
    MenuEntry,
    PageRoute,
    Panel,
    Permission,
    Report,
    Role,
    Route,
    Scope,
    Subscription,
    TimelineSource,
    Verb,
    _,
    hookimpl,
)
from sdk import fields as f

manifest = Manifest(
    name="customers",
    version="0.1",
    title=_("Customers"),
    summary=_("The companies you sell to and your contacts there."),
    after=("company",),
    capabilities=Capabilities(data=("pipeline.deal.read:account,contact,name,owner,stage_since",), mail=True),
)

ACCESS: dict[str, Access] = {
    "sales_rep": {Verb.READ: Scope.TEAM, Verb.CREATE: Scope.OWN, Verb.UPDATE: Scope.OWN},
    "sales_manager": Scope.TEAM,
    "finance": {Verb.READ: Scope.ALL},
    "read_only": {Verb.READ: Scope.ALL},
}
LISTS: dict[str, Access] = {
    "sales_rep": {Verb.READ: Scope.ALL},
    "sales_manager": Scope.ALL,
    "finance": {Verb.READ: Scope.ALL},
    "read_only": {Verb.READ: Scope.ALL},
}
ANSWERS: dict[str, Access] = {
    "sales_rep": {Verb.READ: Scope.TEAM},
    "sales_manager": {Verb.READ: Scope.TEAM},
    "finance": {Verb.READ: Scope.ALL},
    "read_only": {Verb.READ: Scope.ALL},
}


@hookimpl
def register_entities() -> Sequence[Entity]:
    return (
        Entity(
            Account,
            "account",
            "accounts",
            _("Account"),
            _("Accounts"),
            access=ACCESS,
            alike=("name", "tax_number", "phone", "website"),
            territory="territory",
        ),
        Entity(
            Contact,
            "contact",
            "contacts",
            _("Contact"),
            _("Contacts"),
            access=ACCESS,
            alike=("email", "phone"),
            columns=("name", "account", "title", "phone", "email", "owner", "updated_at"),
            territory="account",
            person=True,
        ),
        Entity(Tag, "tag", "tags", _("Tag"), _("Tags"), owned=False, access=LISTS, merges=False),
        Entity(Affiliation, "affiliation", "affiliations", _("Role at account"), _("Roles at accounts"), title="role", owned=False),
        Entity(Address, "address", "addresses", _("Address"), _("Addresses"), title="address", owned=False),
        Entity(Survey, "survey", "surveys", _("Survey"), _("Surveys"), owned=False, access=LISTS),
        Entity(
            Invitation,
            "invitation",
            "invitations",
            _("Survey invitation"),
            _("Survey invitations"),
            title="state",
            access=ANSWERS,
            verbs=frozenset({Verb.READ}),
        ),
    )


@hookimpl
def register_extensions() -> Sequence[Extension]:
    said = {
        "answers": f.computed(f.integer(_("Survey responses")), tables.ANSWERS),
        "nps": f.computed(f.decimal(_("Net promoter score"), places=1), tables.PROMOTERS),
        "last_score": f.computed(f.integer(_("Last score")), tables.last_score),
    }
    return (Extension("customers.account", said),)


@hookimpl
def register_permissions() -> Sequence[Permission]:
    return (Permission(surveys.SEND, _("Send surveys"), dict.fromkeys(("sales_rep", "sales_manager"), Scope.ALL)),)


@hookimpl
def register_routes() -> Sequence[Route]:
    return routes.ROUTES


@hookimpl
def register_timeline_sources() -> Sequence[TimelineSource]:
    return (TimelineSource(entity="customers.invitation", at="answered_at", title="survey", body="comment"),)


@hookimpl
def register_roles() -> Sequence[Role]:
    """The presets of a sales organisation; other plugins grant to them by key."""
    return (
        Role("sales_rep", _("Sales representative")),
        Role("sales_manager", _("Sales manager")),
        Role("finance", _("Finance")),
        Role("read_only", _("Read-only")),
    )


@hookimpl
def register_reports() -> Sequence[Report]:
    return (
        Report("by_class", _("Accounts by class"), "customers.account", ("count",), ("tier", "lifecycle")),
        Report("by_industry", _("Accounts by industry"), "customers.account", ("count",), ("industry",)),
        Report("new_by_month", _("New accounts by month"), "customers.account", ("count",), ("created_at:month",), (), "", "line"),
        Report(
            "satisfaction_by_class",
            _("Satisfaction by class"),
            "customers.invitation",
            ("avg:score", "avg:points", "count"),
            ("account.tier", "survey"),
            ("state=answered",),
            "answered_at",
        ),
    )


@hookimpl
def register_subscriptions() -> Sequence[Subscription]:
    return (
        Subscription("pipeline.deal.won", "mark_customers", mark_customers, label=_("Mark accounts as customers after a won deal")),
        Subscription("pipeline.deal.won", "ask_customers", surveys.after_won, label=_("Send a survey after a won deal")),
    )


@hookimpl
def prepare_changes(batch: Batch) -> None:
    """A part at an account does not end before it starts."""
    for change in batch.standing() if batch.entity == "customers.affiliation" else ():
        since, until = change.after("since"), change.after("until")
        if isinstance(since, date) and isinstance(until, date) and until < since:
            change.refuse("until", "before_start", _("is before {start}"), start=since.isoformat())


@hookimpl
def demo_data(ctx: Context, random: Random, months: int) -> None:
    demo.fill(ctx, random)


@hookimpl
def register_navigation() -> Sequence[MenuEntry]:
    return (
        MenuEntry("accounts", label=_("Accounts"), section="sell", entity="customers.account", icon="building", position=10, at_hand=True),
        MenuEntry("contacts", label=_("Contacts"), section="sell", entity="customers.contact", icon="card", position=20),
    )


@hookimpl
def register_panels() -> Sequence[Panel]:
    return (*panels.PANELS, *pages.PANELS)


@hookimpl
def register_pages() -> Sequence[PageRoute]:
    return pages.PAGES
