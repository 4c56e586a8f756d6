"""Webhooks: what happens is told to addresses outside, signed, in order for each record (https://www.standardwebhooks.com)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID, uuid4

from plugins.automation.conditions import where_problems
from plugins.automation.rules import DELEGATE, SWITCH_OFF, keep_room, stops
from plugins.automation.schemas import readable
from plugins.automation.tables import DONE, FAILED, WAITING
from sdk import (
    BadRequest,
    Batch,
    Call,
    Change,
    Condition,
    Conflict,
    Context,
    Draft,
    Event,
    GiveUp,
    NotFound,
    Query,
    Reply,
    _,
    parse_where,
    where,
)
from sdk.calls import CHAIN
from sdk.context import Row, id_of
from sdk.fields import Reference

WEBHOOK, DELIVERY, SEND = "automation.webhook", "automation.delivery", "automation.send"
TEST = "automation.webhook.tested"
"""The event of a test; its record is empty."""
VERBS = ("created", "updated", "deleted", "restored")
WAITS = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 300, 1_800, 7_200, 18_000, 36_000))
"""After each failed attempt but the last: 17 hours together."""
CLAIM = timedelta(minutes=1)
"""How long an attempt may take; who dies in it leaves the delivery to be tried again after that."""
EXCERPT = 1_000
MOST = 500
GONE = 410


def prepare(ctx: Context, batch: Batch) -> None:
    """Refuse entities, events and clauses that there are not."""
    keep_room(ctx, batch, MOST)
    for change in batch.standing():
        if change.act != SWITCH_OFF and not stops(change):
            _check(ctx, change)
        if change.changes("active") and change.after("active") and change.act != SWITCH_OFF:
            change.values["stopped_because"] = None


def _check(ctx: Context, change: Change) -> None:
    entity = str(change.after("entity"))
    who = change.after("owner")
    if who is None and ctx.actor.user_id is not None and change.before is not None and not ctx.can(DELEGATE):
        change.refuse("owner", "delegate_forbidden", _("this webhook acts as the system; ask an administrator"))
        return
    try:
        actor = ctx.as_user(who) if isinstance(who, UUID) and who != ctx.actor.user_id else ctx
    except NotFound:
        change.refuse("owner", "unknown_user", _("the owner is not active"))
        return
    if entity.partition(".")[0] == "automation" or not ctx.offers(entity) or not actor.can(f"{entity}.read"):
        change.refuse("entity", "unknown_entity", _("entity {entity!r} does not exist here"), entity=entity[:100])
        return
    known = {f"{entity}.{verb}" for verb in VERBS} | {event.name for event in ctx.events() if event.name.rpartition(".")[0] == entity}
    named = change.changes("events") or change.changes("entity")  # what was named before is not gone into with who changes something else
    for event in cast("list[str]", change.after("events") or ()) if named else ():
        if event not in known:
            quoted = change.before is None or change.changes("events")
            text = (
                _("{entity} has no event {event!r}; available: {known}") if quoted else _("{entity} has other events; available: {known}")
            )
            change.refuse("events", "unknown_event", text, entity=entity, event=event[:100], known=", ".join(sorted(known)))
    clauses = change.after("where")
    if clauses is not None and not (isinstance(clauses, list) and all(isinstance(one, str) for one in clauses) and len(clauses) <= 20):
        change.refuse("where", "malformed", _("expected a list of conditions such as amount[gte]=1000 CNY"))
    elif clauses:
        change.problems += where_problems(actor, entity, cast("list[str]", clauses))


# --- from events to deliveries ----------------------------------------------------------------------------------------


def _listeners(ctx: Context) -> Mapping[str, Sequence[Row]]:
    return ctx.kept(WEBHOOK, lambda: _read(ctx.as_system()))


def _read(ctx: Context) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in ctx.records(WEBHOOK).find(where(active=True), MOST):
        for event in cast("list[str]", row["events"]) or [f"{row['entity']}.{verb}" for verb in VERBS]:
            found.setdefault(event, []).append(row)
    return found


def wants(ctx: Context, event: str, _changed: frozenset[str]) -> frozenset[str] | None:
    """Whether a webhook of the tenant is told of this event."""
    return frozenset() if event in _listeners(ctx) else None


def hear(ctx: Context, events: Sequence[Event]) -> None:
    """Write down what each webhook is to be told, as its owner sees the records now."""
    for webhook in _listeners(ctx).get(events[0].name, ()):
        owner = webhook["owner"]
        try:
            actor = ctx.as_user(owner) if isinstance(owner, UUID) else ctx.as_system()
        except NotFound:
            _switch_off(ctx, webhook, ctx.say(_("its owner is not active any more")))
            continue
        if not actor.can(f"{webhook['entity']}.read"):
            continue  # tells nothing, as of records that its owner does not see; what others' webhooks are told goes on
        try:
            for start in range(0, len(events), MOST):
                _write_down(ctx, actor, webhook, events[start : start + MOST])
        except BadRequest as refusal:
            why = ctx.say(refusal.message, refusal.params)
            _switch_off(ctx, webhook, ctx.say(_("its owner can no longer use its conditions: {why}"), {"why": why}))


def looped(ctx: Context, events: Sequence[Event]) -> bool:
    """The last change of a long chain is told like any other: a message to the outside lets no rule begin."""
    hear(ctx, events)
    return False


def _write_down(ctx: Context, actor: Context, webhook: Row, events: Sequence[Event]) -> None:
    entity = str(webhook["entity"])
    records = actor.records(entity)
    ids = tuple(event.record_id for event in events)
    clauses = (Condition("id", "in", ids), *parse_where(cast("list[str]", webhook["where"] or ())))
    shown = {row["id"]: row for row in records.query(Query(clauses, limit=MOST)).data}
    if events[0].name.endswith(".deleted") and not webhook["where"]:
        shown = {id: {"id": id} for id in records.reached(ids)}
    seen = records.fields()
    drafts = []
    for event in events:
        if (row := shown.get(event.record_id)) is None:
            continue
        touched = cast("list[str]", event.payload.get("fields", ()))
        changed = [name for name in touched if name in seen and name in row]
        if touched and not changed and event.name.endswith(".updated"):
            continue  # a change of nothing but what is hidden is hidden, as in the history
        payload = {
            "type": event.name,
            "timestamp": _plain(ctx.now()),
            "data": {"entity": entity, "record": _plain(row), "changed": changed},
        }
        about = None if event.name.endswith(".deleted") else Reference(entity, event.record_id)
        values = {"webhook": webhook["id"], "event": event.name, "about": about, "subject": str(event.record_id), "payload": payload,
                  "owner": webhook["owner"], "runs_before": len(event.causes)}  # fmt: skip
        drafts.append(Draft("create", values, act="tell"))
    ctx.as_system().records(DELIVERY).write_all(drafts)
    for subject in dict.fromkeys(str(draft.values["subject"]) for draft in drafts):
        _ask(ctx, id_of(webhook), subject)


def _ask(ctx: Context, webhook: UUID, subject: str, at: datetime | None = None) -> None:
    ctx.enqueue(SEND, {"webhook": str(webhook), "record": subject}, at=at)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value) if isinstance(value, UUID | date | Decimal) else value


# --- sending ----------------------------------------------------------------------------------------------------------


def send(ctx: Context, arguments: Mapping[str, object]) -> None:
    """Tell a webhook what waits for one record, oldest first; one that fails holds up the later ones of its record, and no other."""
    webhook, subject = UUID(str(arguments["webhook"])), str(arguments["record"])
    while (claimed := _claim(ctx, webhook, subject)) is not None:
        hook, delivery = claimed
        reply = ctx.call(message(ctx, hook, delivery))
        if not _keep(ctx, hook, delivery, reply):
            return


def _claim(ctx: Context, webhook: UUID, subject: str) -> tuple[Row, Row] | None:
    """The next delivery, if its time has come, with its attempt counted before it is made."""
    system = ctx.as_system()
    with ctx.transaction(write=True):
        ctx.lock(f"{SEND}:{webhook}:{subject}")
        hook = system.records(WEBHOOK).values([webhook]).get(webhook)
        clauses = (*where(webhook=webhook, subject=subject, state=WAITING),)
        waiting = system.records(DELIVERY).find(clauses, 1)
        if not waiting or hook is None or not hook["active"]:
            return None
        delivery = waiting[0]
        if not _is_due(ctx, delivery):
            return None  # somebody is at it, or it waits for its next attempt
        until = ctx.now() + CLAIM
        values = {"attempts": cast("int", delivery["attempts"]) + 1, "next_at": until}
        _ask(system, webhook, subject, until)
        return hook, system.records(DELIVERY).update(id_of(delivery), values, act="claim")


def go_on(ctx: Context, events: Sequence[Event]) -> None:
    """Webhooks that were turned on, or restored, are told what waited meanwhile."""
    hooks = ctx.records(WEBHOOK).values([event.record_id for event in events])
    ask_again(ctx, Condition("webhook", "in", tuple(id for id, hook in hooks.items() if hook["active"])))


def ask_again(ctx: Context, *which: Condition) -> None:
    """Ask for deliveries that wait and whose time has come, whatever became of the jobs that were to send them."""
    system, subjects, cursor = ctx.as_system(), dict[tuple[object, object], None](), ""
    waiting = (*where(state=WAITING), Condition("webhook.active", "eq", (True,)), *which)
    while True:
        page = system.records(DELIVERY).query(Query(waiting, fields=("webhook", "subject", "next_at"), limit=MOST, cursor=cursor))
        subjects |= {(row["webhook"], row["subject"]): None for row in page.data if _is_due(ctx, row)}
        if page.next is None:
            break
        cursor = page.next
    for webhook, subject in subjects:
        _ask(system, cast("UUID", webhook), str(subject))


def _is_due(ctx: Context, delivery: Row) -> bool:
    return delivery["next_at"] is None or cast("datetime", delivery["next_at"]) <= ctx.now()


def message(ctx: Context, hook: Row, delivery: Row) -> Call:
    """The signed request of a delivery; its id is the same at each attempt."""
    body = json.dumps(delivery["payload"], ensure_ascii=False, separators=(",", ":")).encode()
    id, at = f"msg_{id_of(delivery).hex}", str(int(ctx.now().timestamp()))
    signed = hmac.digest(secret_of(ctx, hook), f"{id}.{at}.".encode() + body, hashlib.sha256)
    headers = {
        "Content-Type": "application/json", "webhook-id": id, "webhook-timestamp": at,
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}", CHAIN: str(delivery["runs_before"]),
    }  # fmt: skip
    return Call(str(hook["url"]), body, headers)


def secret_of(ctx: Context, hook: Row) -> bytes:
    """The webhook's secret: derived from the installation's key and never stored, so that nothing can give it away."""
    return ctx.secret(f"{WEBHOOK}:{hook['id']}:{hook['generation']}")


def _keep(ctx: Context, hook: Row, delivery: Row, reply: Reply) -> bool:
    """Write down what came back; whether the record's next delivery may go."""
    system, id, attempts = ctx.as_system(), id_of(delivery), cast("int", delivery["attempts"])
    values: dict[str, object] = {"status": reply.status or None, "response": readable(reply.text, EXCERPT) or None, "next_at": None}
    with ctx.transaction(write=True):
        if reply.accepted:
            values |= {"state": DONE, "delivered_at": ctx.now()}
        elif reply.status == GONE or attempts > len(WAITS):
            values["state"] = FAILED
        else:
            values["next_at"] = ctx.now() + WAITS[attempts - 1]
            _ask(system, id_of(hook), str(delivery["subject"]), cast("datetime", values["next_at"]))
        system.records(DELIVERY).update(id, values, act="keep")
        if reply.status == GONE:
            _switch_off(system, hook, ctx.say(_("the receiver responded that it is gone (410)")))
    return "state" in values and reply.status != GONE


def _switch_off(ctx: Context, hook: Row, why: str) -> None:
    ctx.as_system().records(WEBHOOK).update(id_of(hook), {"active": False, "stopped_because": why}, act=SWITCH_OFF)


def new_secret(ctx: Context, id: UUID) -> Mapping[str, object]:
    """Another secret from now on; it is shown here and never again."""
    row = ctx.records(WEBHOOK).values([id]).get(id)
    if row is None:
        raise NotFound(_("{entity} {id} does not exist"), entity=WEBHOOK, id=str(id))
    changed = ctx.records(WEBHOOK).update(id, {"generation": cast("int", row["generation"]) + 1}, act="rotate")
    return {"secret": f"whsec_{base64.b64encode(secret_of(ctx, changed)).decode()}"}


def send_test(ctx: Context, id: UUID) -> Mapping[str, object]:
    """Tell a webhook that this is a test, signed and logged like all that it is told. Raises Conflict for one that is off."""
    row = ctx.records(WEBHOOK).values([id]).get(id)
    if row is None:
        raise NotFound(_("{entity} {id} does not exist"), entity=WEBHOOK, id=str(id))
    if not row["active"]:
        raise Conflict(_("the webhook is turned off; turn it on to test it"), code="webhook_off")
    payload = {"type": TEST, "timestamp": _plain(ctx.now()), "data": {"entity": row["entity"], "record": {}, "changed": []}}
    values = {"webhook": id, "event": TEST, "about": None, "subject": str(uuid4()), "payload": payload, "owner": row["owner"]}
    made = ctx.as_system().records(DELIVERY).create(values, act="tell")
    _ask(ctx.as_system(), id, str(values["subject"]))
    return {"id": id_of(made), "state": WAITING}


def redeliver(ctx: Context, id: UUID) -> Mapping[str, object]:
    """Send a delivery once more, with the same id and the same content. Raises Conflict while it waits, or its webhook is off."""
    row = ctx.records(DELIVERY).values([id]).get(id)
    if row is None:
        raise NotFound(_("{entity} {id} does not exist"), entity=DELIVERY, id=str(id))
    hook = ctx.records(WEBHOOK).values([cast("UUID", row["webhook"])]).get(cast("UUID", row["webhook"]))
    if row["state"] == WAITING or hook is None or not hook["active"]:
        raise Conflict(_("the delivery is already pending, or its webhook is turned off"), code="not_redeliverable")
    system = ctx.as_system()
    if system.records(DELIVERY).values([id])[id]["payload"] is None:  # who may send it again need not see it
        raise Conflict(_("the message content was erased, so there is nothing to deliver"), code="erased")
    system.records(DELIVERY).update(id, {"state": WAITING, "attempts": 0, "next_at": None}, act="redeliver")
    _ask(ctx, id_of(hook), str(row["subject"]))
    return {"id": id, "state": WAITING}


def call_out(ctx: Context, arguments: Mapping[str, object]) -> None:
    """Make a call that a rule asked for; what is not taken is tried again like any job."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": ctx.idempotency_key, CHAIN: str(len(ctx.causes))}
    reply = ctx.call(Call(str(arguments["url"]), str(arguments["body"]).encode(), headers))
    if reply.status and 400 <= reply.status < 500 and reply.status not in (408, 429):
        raise GiveUp(_("{url} refused with {status}: {answer}"), url=arguments["url"], status=reply.status, answer=reply.text[:200])
    if not reply.accepted:
        raise ConnectionError(f"{arguments['url']} answered {reply.status or 'nothing'}: {reply.text[:200]}")
