"""How the installation is, and what to do about each thing that is not well; work in the background, and trying it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast
from zoneinfo import ZoneInfo

from plugins.console.admin.jobs import JOB, stuck, tried
from plugins.console.registry import PREFIX
from sdk import Condition, Context, PageRequest, PageRoute, Redirect, Refusal, Rendering, Text, _

HERE = f"{PREFIX}/admin/health"
RIGHT = "core.plugin.update"
Said: TypeAlias = "Mapping[str, Any] | None"
_SERVER = {"mail": ("GET", "/api/v1/core/mail/check"), "letter": ("POST", "/api/v1/core/mail/test_letters")}
"""What is asked of the mail server, by what is to be done."""


@dataclass(frozen=True)
class Check:
    """One thing that is well or not; `cure` says what to do, `href` leads there; `tried` that its page can test it."""

    label: str
    tone: str
    said: str
    cure: str = ""
    href: str = ""
    tried: bool = False


def show(ctx: Context, request: PageRequest) -> Rendering:
    """All checks, what is not well on top, and the work that has failed."""
    return _page(ctx, request)


@contextmanager
def ask(ctx: Context, request: PageRequest) -> Iterator[object]:
    """Ask the mail server before there is a transaction: it may think for long."""
    answer: object = None
    try:
        if request.typed("do") in _SERVER:
            answer = ctx.api(*_SERVER[request.typed("do")])
    except Refusal as refusal:
        answer = refusal
    yield answer


def submit(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Try one piece of work again, or all that has failed; or tell what the mail server has said."""
    try:
        if isinstance(request.prepared, Refusal):
            raise request.prepared
        if request.typed("do") in _SERVER:
            said = cast("Mapping[str, Any]", request.prepared)
            return _page(ctx, request, mail=said) if request.typed("do") == "mail" else _page(ctx, request, letter=said)
        tried(ctx, request, "retry")
    except Refusal as refusal:
        return _page(ctx, request, refusal)
    return Redirect(HERE)


def _page(ctx: Context, request: PageRequest, refusal: Refusal | None = None, *, mail: Said = None, letter: Said = None) -> Rendering:
    found = sorted(checks(ctx), key=lambda one: ("bad", "warm", "good").index(one.tone))
    values = {
        "checks": found, "failed": stuck(ctx) if ctx.can("core.job.read") else [], "all": f"{PREFIX}/core/jobs",
        "problems": [] if refusal is None else [ctx.say(refusal.message, refusal.params)],
        "mail": mail, "letter": letter, "may_see": ctx.can("core.job.read"),
        "jobs": f"{PREFIX}/admin/jobs", "may_retry": ctx.can("core.job.retry"), "may_mail": ctx.can("core.mail.check"), "here": HERE,
        "ill": sum(one.tone != "good" for one in found),
    }  # fmt: skip
    return Rendering("console/admin_health.html", values, 200 if refusal is None else refusal.status)


def checks(ctx: Context) -> Iterator[Check]:
    """Each part of the installation, by what is known of it now."""
    health = cast("Mapping[str, Any]", ctx.api("GET", "/api/v1/core/health"))
    yield _one(
        ctx,
        _("Database"),
        ", ".join(health["behind"]),
        _("The database matches the code."),
        _("Run `dealwright db upgrade` on the server, then restart it."),
    )
    yield _one(ctx, _("Background work"), "" if health["background"] == "ok" else health["background"], _("Background jobs are running."),
               _("Start `dealwright worker` and `dealwright relay`, or set `drain`. Emails, rules and imports wait until then."))  # fmt: skip
    jobs = states_of_jobs(ctx)
    letters = 0 if health["mail"] or not jobs else _letters(ctx)
    failed, waiting = jobs.get("dead", 0), jobs.get("held", 0) - letters
    yield _one(ctx, _("Failed jobs"), ctx.say(_("{count} failed"), {"count": failed}) if failed else "", _("No failed jobs."),
               _("See what went wrong, fix it, and try again."), href=f"{PREFIX}/admin/jobs")  # fmt: skip
    yield _one(ctx, _("Jobs on hold"), ctx.say(_("{count} on hold"), {"count": waiting}) if waiting else "",
               _("Only emails are on hold.") if letters else _("Nothing is on hold."),
               _("Set up what they wait for, such as a mail server. Then retry them."), tone="warm", href=f"{PREFIX}/admin/jobs")  # fmt: skip
    lacks = _("No mail server is set up; {count} {count:email waits|emails wait}") if letters else _("No mail server is set up")
    mail = _one(ctx, _("Mail"), "" if health["mail"] else ctx.say(lacks, {"count": letters}), _("A mail server is set up."),
                _("Set MAIL_URL on the server and restart it. Then retry the emails that wait."), tone="warm")  # fmt: skip
    yield replace(mail, tried=True)
    ill = [f"{one['name']}: {one['reason']}" for one in health["plugins"]]
    yield _one(
        ctx,
        _("Plugins"),
        "; ".join(ill),
        _("All plugins are running."),
        _("Run `dealwright plugin doctor` for details."),
        href=f"{PREFIX}/admin/plugins",
    )
    fails = [f"{one['plugin']}, {one['hook']}: {one['error']} ({one['times']})" for one in health["failing"]]
    yield _one(ctx, _("Plugin errors"), "; ".join(fails), _("No plugin has failed since yesterday."),
               _("Check the server log. Turning the plugin off is a quick fix."), href=f"{PREFIX}/admin/plugins")  # fmt: skip
    late = [
        ctx.say(_("{plugin}, {hook}: up to {seconds} s ({times})"), {**one, "seconds": f"{one['seconds']:.1f}"}) for one in health["slow"]
    ]
    yield _one(ctx, _("Plugin speed"), "; ".join(late), _("No plugin has been slow since yesterday."),
               _("People wait while a plugin works. Contact its authors or turn it off."), tone="warm", href=f"{PREFIX}/admin/plugins")  # fmt: skip
    held = [one["title"] for one in cast("Mapping[str, Any]", ctx.api("GET", "/api/v1/core/plugins"))["data"] if one["state"] == "held"]
    yield _one(ctx, _("Approvals"), ctx.say(_(", ")).join(held), _("Nothing to approve."), _(
        "Review and approve the requests, or turn the plugins off."
    ),
               tone="warm", href=f"{PREFIX}/admin/plugins")  # fmt: skip
    if ctx.offers("company.rate") and ctx.can("company.rate.read"):
        lacking = _without_rate(ctx)
        yield _one(ctx, _("Exchange rates"), ctx.say(_("No exchange rate for {codes}"), {"codes": ctx.say(_(", ")).join(lacking)}) if lacking else "",
                   _("Every currency has an exchange rate."), _("Add a rate. Until then, amounts in these currencies are left out of totals."),
                   tone="warm", href=f"{PREFIX}/company/rates/new")  # fmt: skip


def _one(ctx: Context, label: Text, wrong: str, fine: Text, cure: Text, *, tone: str = "bad", href: str = "") -> Check:
    return Check(ctx.say(label), tone, wrong, ctx.say(cure), href) if wrong else Check(ctx.say(label), "good", ctx.say(fine))


def letters_wait(ctx: Context) -> bool:
    """Whether what is mailed waits for a mail server, as far as the actor may know that."""
    return ctx.can(RIGHT) and not cast("Mapping[str, Any]", ctx.api("GET", "/api/v1/core/health"))["mail"]


def _letters(ctx: Context) -> int:
    """How many emails are held: without a mail server that is no matter of its own."""
    held = (Condition("state", "eq", ("held",)), Condition("name", "eq", ("core.send_mail",)))
    return sum(cast("int", row["count"]) for row in ctx.records(JOB).aggregate(["count"], [], held))


def states_of_jobs(ctx: Context) -> Mapping[str, int]:
    """How many jobs there are in each state, for who may see that."""
    if not ctx.can("core.job.read"):
        return {}
    return {str(row["state"]): cast("int", row["count"]) for row in ctx.records(JOB).aggregate(["count"], ["state"])}


def _without_rate(ctx: Context) -> list[str]:
    """Active currencies of the company for which there is no rate today."""
    today = ctx.now().astimezone(ZoneInfo(ctx.tenant.timezone)).date()
    rows = ctx.records("company.currency").find((Condition("active", "eq", (True,)),), 200)
    found = ctx.rates((str(row["code"]), today) for row in rows)
    return sorted(code for (code, _day), rate in found.items() if rate is None)


PAGES = (PageRoute("health", path="/admin/health", title=_("Health"), permission=RIGHT, view=show, submit=submit, prepare=ask),)
