"""The menu of the probe; what its hooks do hangs on the words in a thing's name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from marshmallow import Schema, fields

from sdk import (
    Action,
    Batch,
    Capabilities,
    Conflict,
    Context,
    Draft,
    Entity,
    Event,
    EventType,
    Job,
    Manifest,
    Permission,
    Request,
    Route,
    Scope,
    Step,
    Subscription,
    Verb,
    _,
    hookimpl,
)
from tests.probe.tables import Board, Entry, Lane, Part, Remark, Thing

manifest = Manifest(
    name="probe",
    version="1.0",
    title=_("Probe"),
    summary=_("Everything once."),
    after=("customers",),
    capabilities=Capabilities(data=("customers.account.read:*",), jobs=("remember",)),
)
ACCESS = {"sales_rep": Scope.OWN, "sales_manager": Scope.TEAM, "read_only": {Verb.READ: Scope.ALL}}
NOBODYS = {key: {Verb.READ: Scope.ALL} for key in ("sales_rep", "sales_manager", "read_only")}


class HandlerError(Exception):
    """What a handler or hook raises when it is told to."""


class Ping(Schema):
    """The body of a ping."""

    text = fields.String(required=True)
    times = fields.Integer(load_default=1)


@hookimpl
def register_entities() -> Sequence[Entity]:
    return (
        Entity(Board, "board", "boards", _("Board"), _("Boards"), access=NOBODYS, owned=False),
        Entity(Lane, "lane", "lanes", _("Lane"), _("Lanes"), access=NOBODYS, owned=False),
        Entity(Thing, "thing", "things", _("Thing"), _("Things"), access=ACCESS),
        Entity(Part, "part", "parts", _("Part"), _("Parts")),
        Entity(Remark, "remark", "remarks", _("Remark"), _("Remarks"), title="text"),
        Entity(Entry, "entry", "entries", _("Entry"), _("Entries"), title="text"),
    )


@hookimpl
def register_permissions() -> Sequence[Permission]:
    return (Permission("probe.thing.ping", _("Ping things"), {"sales_manager": Scope.ALL}),)


@hookimpl
def register_events() -> Sequence[EventType]:
    return (EventType("probe.thing.named", _("Thing named")),)


@hookimpl
def register_routes() -> Sequence[Route]:
    return (
        Route(method="POST", path="/things/{id}/pings", view=ping, permission="probe.thing.ping", summary=_("Ping a thing"),
              body=Ping, answer=Ping, status=201),
    )  # fmt: skip


def ping(ctx: Context, request: Request) -> object:
    """Answer with what was sent, and leave an entry."""
    ctx.as_system().records("probe.entry").create({"text": f"ping {request.body['text']}"})
    if request.body["text"] == "boom":
        raise HandlerError("the view was told to fail")
    return dict(request.body)


@hookimpl
def register_subscriptions() -> Sequence[Subscription]:
    return (
        Subscription("probe.thing.created", "note_created", note_created),
        Subscription("probe.thing.named", "note_named", note_named),
        Subscription("probe.entry.created", "echo", echo),
    )


def note_created(ctx: Context, events: Sequence[Event]) -> None:
    """An entry for each event; while a thing is called "fail" its delivery fails."""
    entries = ctx.records("probe.entry")
    things = ctx.records("probe.thing").values([event.record_id for event in events])
    entries.write([Draft("create", {"text": f"created {event.record_id}"}) for event in events])
    if any("fail" in str(row["name"]) for row in things.values()):
        raise HandlerError("the handler was told to fail")


def note_named(ctx: Context, events: Sequence[Event]) -> None:
    """An entry for each event with its payload."""
    for event in events:
        ctx.records("probe.entry").create({"text": f"named {event.payload['name']}"})


def echo(ctx: Context, events: Sequence[Event]) -> None:
    """An entry that says "loop" makes another, for ever."""
    for row in ctx.records("probe.entry").values([event.record_id for event in events]).values():
        if str(row["text"]).startswith("loop"):
            ctx.records("probe.entry").create({"text": "loop"})


@hookimpl
def register_jobs() -> Sequence[Job]:
    return (Job("remember", remember),)


def remember(ctx: Context, arguments: Mapping[str, object]) -> None:
    """An entry with the text of the arguments, in the name of who asked."""
    with ctx.transaction(write=True):
        ctx.as_system().records("probe.entry").create({"text": f"{arguments['text']} by {ctx.actor.name}"})
        if arguments.get("fail"):
            raise HandlerError("the job was told to fail")


class Left(Schema):
    """What an entry says, and whether the action fails once it has left it."""

    text = fields.String(required=True)
    fail = fields.String(load_default="")


@hookimpl
def register_actions() -> Sequence[Action]:
    return (Action("leave_entry", _("Leave an entry"), leave_entry, Left),)


def leave_entry(ctx: Context, step: Step) -> Mapping[str, object]:
    """An entry with the given text; "refuse" and "explode" fail after it."""
    made = ctx.as_system().records("probe.entry").create({"text": str(step.parameters["text"])})
    after_entry(str(step.parameters["text"]))
    if step.parameters["fail"] == "refuse":
        raise Conflict(_("the action was told to refuse"))
    if step.parameters["fail"] == "explode":
        raise HandlerError("the action was told to fail")
    return {"id": str(made["id"])}


def after_entry(text: str) -> None:
    """Where tests kill the process."""


@hookimpl
def prepare_changes(ctx: Context, batch: Batch) -> None:
    if batch.entity != "probe.thing":
        return
    for change in batch.standing():
        name = str(change.after("name"))
        if "serial" in name:
            change.values["serial"] = len(name)
        if "refuse" in name:
            change.refuse("name", "refused", _("the name {name!r} is refused"), name=name)
        if "explode" in name:
            raise HandlerError("the hook was told to fail")
        if "announce" in name:
            batch.emit("probe.thing.named", change, {"name": name})
            batch.also_create("probe.entry", change, {"text": f"announced {name}"})


@hookimpl
def validate_changes(ctx: Context, batch: Batch) -> None:
    for change in batch.standing() if batch.entity == "probe.thing" else ():
        if "forbid" in str(change.after("name")):
            change.forbid("forbidden_name", _("the present state does not allow it"))
