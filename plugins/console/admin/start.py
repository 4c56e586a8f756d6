"""The first run: what is to be done before people can work, as a checklist and as one page on which it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plugins.console.admin import plugins
from plugins.console.admin.capabilities import wish
from plugins.console.admin.company import inputs, keep
from plugins.console.admin.health import letters_wait
from plugins.console.inputs import Input
from plugins.console.refusals import by_field
from plugins.console.registry import PREFIX
from plugins.console.settings import PagesOfCompany
from sdk import Context, PageRequest, PageRoute, Panel, Query, Redirect, Refusal, Rendering, Slot, _
from sdk.context import id_of
from sdk.pages import told

RIGHT = "core.tenant.update"
HERE = f"{PREFIX}/admin/start"
_COMPANY = ("locale", "timezone", "currency", "fiscal_year_start")
_MOST = 50
"""People who are invited at once."""


@dataclass(frozen=True)
class Step:
    """Something to be done, whether it is, and where."""

    key: str
    label: str
    done: bool
    href: str


def steps(ctx: Context) -> list[Step]:
    """What a new company needs; steps of plugins that it has not, or that the actor cannot look into, are left out."""
    found = [
        Step("lists", ctx.say(_("Create the lists and sales process")), _any(ctx, "pipeline.pipeline"), f"{HERE}#lists"),
        Step(
            "profile",
            ctx.say(_("Add the details for your quotes and invoices")),
            _any(ctx, "company.profile"),
            f"{PREFIX}/company/profiles/new",
        ),
        Step("products", ctx.say(_("Add the products you sell")), _any(ctx, "catalog.product"), f"{PREFIX}/catalog/products/new"),
        Step("people", ctx.say(_("Invite your colleagues")), _several(ctx, "core.user"), f"{HERE}#people"),
        Step("customers", ctx.say(_("Add or import customers")), _any(ctx, "customers.account"), f"{PREFIX}/customers/accounts/new"),
    ]
    needs = {
        "lists": "pipeline.pipeline",
        "profile": "company.profile",
        "products": "catalog.product",
        "people": "core.user",
        "customers": "customers.account",
    }
    return [one for one in found if _readable(ctx, needs[one.key])]


def checklist(ctx: Context, _nothing: Mapping[str, object]) -> Rendering | None:
    """The steps on the first page, until all are done."""
    there = undone(ctx)
    return Rendering("console/admin_checklist.html", {"steps": there, "here": HERE, "away": False}) if there else None


def undone(ctx: Context) -> list[Step]:
    """The steps, as long as one of them is to be done and nobody has put them away."""
    if not ctx.settings(PagesOfCompany)["first_steps"]:
        return []
    there = steps(ctx)
    return [] if all(one.done for one in there) else there


def show(ctx: Context, request: PageRequest) -> Rendering:
    """The first run."""
    return _page(ctx, request)


def submit(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """One of its parts: the company, the lists, or people; or put it away."""
    do = request.typed("do")
    try:
        if do == "company":
            keep(ctx, request)
        elif do == "lists":
            ctx.api("POST", "/api/v1/core/setup")
        elif do == "away":
            ctx.api("PATCH", "/api/v1/core/plugins/console/settings", {"first_steps": False})
            return Redirect(f"{PREFIX}/admin")
        elif do == "people":
            return Redirect(f"{HERE}?invited={_invite(ctx, request)}#people")
    except Refusal as refusal:
        return _page(ctx, request, refusal)
    return Redirect(f"{HERE}?done={do}")


def _invite(ctx: Context, request: PageRequest) -> int:
    """A user and a letter for each e-mail; all or none. Raises Refusal."""
    emails = request.typed("emails").replace(",", " ").replace(";", " ").split()[:_MOST]
    for email in emails:
        values = {"name": email.partition("@")[0], "email": email, "roles": request.chosen("role")}
        row = ctx.records("core.user").create(values)
        ctx.api("POST", f"/api/v1/core/users/{id_of(row)}/invitations")
    return len(emails)


def _page(ctx: Context, request: PageRequest, refusal: Refusal | None = None) -> Rendering:
    do = request.typed("do") if refusal is not None else ""
    at, others = by_field(ctx, refusal if do == "company" else None, _COMPANY)
    company: Sequence[Input] = inputs(ctx, _COMPANY, request if do == "company" else None, at)
    roles = ctx.records("core.role").query(Query(fields=("key", "name"), limit=100)).data
    invited = request.asked("invited")
    values = {
        "company": company, "steps": steps(ctx), "roles": [row for row in roles if row["key"] != "everybody"], "do": do,
        "problems": others if do == "company" else told(ctx, refusal), "emails": request.typed("emails"), "chosen": request.chosen("role"),
        "held": _held(ctx), "waits": letters_wait(ctx),
        "invited": int(invited) if invited.isascii() and invited.isdigit() and len(invited) < 4 else 0, "done": request.asked("done"),
    }  # fmt: skip
    return Rendering("console/admin_start.html", values, 200 if refusal is None else refusal.status)


def _held(ctx: Context) -> list[tuple[str, str]]:
    """The plugins that wait for somebody to approve what they ask for: their pages, and in words what that is."""
    found = list[tuple[str, str]]()
    for one in plugins.listed(ctx) if ctx.can(plugins.RIGHT) else ():
        if one["state"] == "held":
            asks = "; ".join(wish(ctx, one["name"], word).text for word in one["asks"])
            said = ctx.say(_("{name} ({asks})"), {"name": one["title"], "asks": asks})
            found.append((f"{PREFIX}/admin/plugins/{one['name']}", said))
    return found


def _any(ctx: Context, entity: str) -> bool:
    return _readable(ctx, entity) and bool(ctx.records(entity).query(Query(fields=("id",), limit=1)).data)


def _several(ctx: Context, entity: str) -> bool:
    return _readable(ctx, entity) and len(ctx.records(entity).query(Query(fields=("id",), limit=2)).data) > 1


def _readable(ctx: Context, entity: str) -> bool:
    return ctx.offers(entity) and ctx.can(f"{entity}.read")


PAGES = (PageRoute("start", path="/admin/start", title=_("Get started"), permission=RIGHT, view=show, submit=submit),)
PANELS: Sequence[Panel] = (Panel("checklist", slot=Slot.HOME, label=_("Get started"), permission=RIGHT, view=checklist, position=1),)
