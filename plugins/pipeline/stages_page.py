"""Arranging the stages of each pipeline: order, names, types, what they ask for, and where the deals of one that goes move to."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import cast
from uuid import UUID

from plugins.pipeline import stages, template
from plugins.pipeline.stages import MOST_STAGES, PIPELINE, STAGE, Wanted
from plugins.pipeline.tables import TYPES, Stage
from sdk import (
    BadRequest,
    Context,
    Draft,
    NotFound,
    PageRequest,
    PageRoute,
    Panel,
    Query,
    Redirect,
    Refusal,
    Rendering,
    Slot,
    Stale,
    Text,
    _,
    where,
)
from sdk.context import Row, id_of
from sdk.fields import FlawError, exact_text
from sdk.pages import told

PLACE = "/pipeline/arrange"
REASONS: Mapping[str, Text] = {"pipeline.lost_reason": _("Lost reasons"), "pipeline.won_reason": _("Won reasons")}
_CELLS = Stage.__fields__
_TEXTS = ("name", "type", "probability", "colour", "expected_days", "guidance")
TONES: Mapping[str, Text] = {"": _("None"), "info": _("Blue"), "good": _("Green"), "warm": _("Amber"), "bad": _("Red")}
_NOT_ASKED = ("pipeline", "stage", "name", "status", "owner")
"""Fields of deals that are always there."""
_PLAN = "teamwork.stage_plan"
"""What is planned when a deal comes into a stage; it is shown beside the stage by who keeps it."""
_EMPTY = "empty"
_MANY = 200


@dataclass
class Card:
    """A stage of the form: as it is kept or as it was typed. `key` tells it from the others; its deals count, and where they move to."""

    key: str
    texts: dict[str, str] = field(default_factory=dict)
    asks: list[str] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    gone: bool = False
    to: str = ""
    deals: int = 0
    next: bool = False
    """Whether what one does next is with it."""

    @property
    def id(self) -> str:
        """The record's id; "" for a new one."""
        return self.key if len(self.key) == 36 else ""


# --- what is shown ---------------------------------------------------------------------------------------------------


def show(ctx: Context, request: PageRequest) -> Rendering:
    """The stages of the pipeline that is asked for, of the default one at first."""
    pipelines = _pipelines(ctx)
    chosen = _chosen(pipelines, request.asked("pipeline"))
    return _page(ctx, pipelines, chosen, _kept(ctx, chosen) if chosen is not None else [])


def _pipelines(ctx: Context) -> list[Row]:
    rows = ctx.records(PIPELINE).find((), _MANY)
    return sorted(rows, key=lambda row: (not row.get("is_default"), str(row.get("name"))))


def _chosen(pipelines: Sequence[Row], asked: str) -> Row | None:
    if asked:
        found = next((row for row in pipelines if str(row["id"]) == asked), None)
        if found is None:
            raise NotFound(_("{entity} {id} does not exist"), entity=PIPELINE, id=asked[:40])
        return found
    return next(iter(pipelines), None)


def _kept(ctx: Context, pipeline: Row) -> list[Card]:
    rows = ctx.records(STAGE).find(where(pipeline=id_of(pipeline)), MOST_STAGES)
    rows.sort(key=lambda row: (row["position"] is None, row["position"] or 0, str(row["id"])))
    return [
        Card(str(row["id"]), {name: _text(row.get(name)) for name in _TEXTS}, cast("list[str]", row.get("required_fields") or []))
        for row in rows
    ]


def _text(value: object) -> str:
    return "" if value is None else str(value) if isinstance(value, str | int) else exact_text(value)  # type: ignore[arg-type]


def _page(ctx: Context, pipelines: Sequence[Row], chosen: Row | None, cards: Sequence[Card], *,
          refusal: Refusal | None = None, known: str = "", changed: bool = False, typed: Mapping[str, str] | None = None) -> Rendering:  # fmt: skip
    deals = stages.deals_in(ctx, id_of(chosen)) if chosen is not None else {}
    for card in cards:
        card.deals = deals.get(UUID(card.id), 0) if card.id else 0
    wrong = sum(bool(card.problems) for card in cards)
    moved = isinstance(refusal, Stale)
    values = {
        "pipelines": [{"id": str(row["id"]), "name": row.get("name"), "default": row.get("is_default"), "here": row is chosen,
                       "href": ctx.page(f"{PLACE}?pipeline={row['id']}")} for row in pipelines],
        "chosen": chosen, "cards": [one for one in cards if not one.gone], "gone": [one for one in cards if one.gone], "new": Card("new"),
        "types": [(key, ctx.say(label)) for key, label in TYPES.items()], "tones": _tones(ctx, cards), "fields": _fields(ctx, cards),
        "labels": {name: ctx.say(of.label) for name, of in _CELLS.items()}, "here": ctx.page(PLACE), "changed": changed, "moved": moved,
        "known": known or (_known(ctx, id_of(chosen)) if chosen is not None else ""), "problems": [] if wrong or moved else told(ctx, refusal),
        "wrong": wrong, "reasons": _reasons(ctx), "plans": ctx.offers(_PLAN), "templates": _templates(ctx), "typed": typed or {},
        "may": {"add": ctx.can(f"{PIPELINE}.create"), "delete": ctx.can(f"{PIPELINE}.delete"), },
    }  # fmt: skip
    return Rendering("pipeline/arrange.html", values, 200 if refusal is None else refusal.status)


def _tones(ctx: Context, cards: Sequence[Card]) -> list[tuple[str, str]]:
    """The colours, and such as somebody has written that are none of ours."""
    others = dict.fromkeys(card.texts.get("colour", "") for card in cards if card.texts.get("colour", "") not in TONES)
    return [*((key, ctx.say(word)) for key, word in TONES.items()), *((word, word) for word in others)]


def _fields(ctx: Context, cards: Sequence[Card]) -> list[tuple[str, str]]:
    """What a stage may ask for: what people write of a deal."""
    known = {
        name: ctx.say(of.label)
        for name, of in ctx.records(stages.DEAL).fields().items()
        if not of.readonly and name not in (*_NOT_ASKED, "id", "version", "created_at", "updated_at")
    }
    return [*known.items(), *((name, name) for name in dict.fromkeys(name for card in cards for name in card.asks) if name not in known)]


def _known(ctx: Context, pipeline: UUID) -> str:
    return " ".join(f"{row['id']}:{row['version']}" for row in ctx.records(STAGE).find(where(pipeline=pipeline), MOST_STAGES))


def _reasons(ctx: Context) -> list[dict[str, object]]:
    """Why deals are lost, and why they are won."""
    asked = Query(fields=("id", "name", "active"), sort=("position",), limit=_MANY)
    return [
        {"label": ctx.say(label), "href": ctx.page(f"/pipeline/{ctx.entity(name).plural}"), "may": ctx.can(f"{name}.create"),
         "key": name.partition(".")[2], "rows": list(ctx.records(name).query(asked).data)}
        for name, label in REASONS.items() if ctx.can(f"{name}.read")
    ]  # fmt: skip


def _templates(ctx: Context) -> list[tuple[str, str]]:
    return [(_EMPTY, ctx.say(_("One stage, won and lost"))), *((one.key, ctx.say(one.name)) for one in template.TEMPLATES.values())]


# --- what is sent ----------------------------------------------------------------------------------------------------


def take(ctx: Context, request: PageRequest) -> Rendering | Redirect:
    """Save the stages; or, asked so, arrange the form without a script; or what concerns the pipeline itself."""
    pipelines, act = _pipelines(ctx), request.typed("act") or "save"
    if act == "begin":
        return _begin(ctx, request, pipelines)
    chosen = _chosen(pipelines, request.typed("pipeline"))
    if chosen is None:
        raise NotFound(_("there is nothing at this address"))
    here = ctx.page(f"{PLACE}?pipeline={chosen['id']}")
    if act in ("rename", "default"):
        try:
            _about_pipeline(ctx, request, pipelines, chosen, act)
        except Refusal as refusal:
            return _page(ctx, pipelines, chosen, _kept(ctx, chosen), refusal=refusal)
        return Redirect(here)
    cards = _typed(request)
    if act != "save":
        return _page(ctx, pipelines, chosen, _moved(cards, act), known=request.typed("known"), changed=True)
    try:
        wanted = [_wanted(ctx, card) for card in cards if not card.gone]
        if any(card.problems for card in cards):
            return _unread(_page(ctx, pipelines, chosen, cards, known=request.typed("known"), changed=True))
        moves = {UUID(card.id): UUID(card.to) for card in cards if card.gone and card.id and card.to}
        stages.arrange(ctx, id_of(chosen), wanted, moves, _versions(request.typed("known")))
    except Refusal as refusal:
        _say(ctx, cards, refusal)
        known = "" if isinstance(refusal, Stale) else request.typed("known")
        return _page(ctx, pipelines, chosen, cards, refusal=refusal, known=known, changed=True)
    return Redirect(here)


def _unread(page: Rendering) -> Rendering:
    return Rendering(page.template, page.values, 422)


def _begin(ctx: Context, request: PageRequest, pipelines: Sequence[Row]) -> Rendering | Redirect:
    """A new pipeline, from a ready-made process or with no more than it needs."""
    name, begun = request.typed("name").strip(), request.typed("template")
    try:
        made = _made(ctx, name, len(pipelines)) if begun in ("", _EMPTY) else template.apply(ctx, begun, name or None)
    except Refusal as refusal:
        chosen = _chosen(pipelines, "")
        return _page(ctx, pipelines, chosen, _kept(ctx, chosen) if chosen is not None else [], refusal=refusal, typed=dict(request.form))
    return Redirect(ctx.page(f"{PLACE}?pipeline={made}"))


def _made(ctx: Context, name: str, there: int) -> UUID:
    with ctx.transaction(write=True):
        made = id_of(ctx.records(PIPELINE).create({"name": name or None, "is_default": there == 0}))
        first = (("open", _("New")), ("won", TYPES["won"]), ("lost", TYPES["lost"]))
        stages.arrange(ctx, made, [Wanted({"name": ctx.say(word), "type": key, "key": key}) for key, word in first], {})
    return made


def _about_pipeline(ctx: Context, request: PageRequest, pipelines: Sequence[Row], chosen: Row, act: str) -> None:
    records = ctx.records(PIPELINE)
    if act == "rename":
        records.update(id_of(chosen), {"name": request.typed("name").strip() or None})
    else:  # in one batch: there is never a second default
        others = [Draft("update", {"is_default": False}, id_of(row)) for row in pipelines if row.get("is_default") and row is not chosen]
        records.write_all([*others, Draft("update", {"is_default": True}, id_of(chosen))])


def _typed(request: PageRequest) -> list[Card]:
    """The stages of the form in its order; those whose row is empty and new are none."""
    cards = list[Card]()
    for key in request.chosen("row"):
        if len(key) > 40 or (len(key) == 36 and not _is_id(key)) or len(cards) > MOST_STAGES:
            raise BadRequest(_("the form refers to a stage {id!r} that doesn’t exist"), id=key[:40])
        texts = {name: request.typed(f"{name}.{key}").strip() for name in _TEXTS}
        card = Card(
            key, texts, request.chosen(f"required_fields.{key}"), gone=request.typed(f"gone.{key}") == "1", to=request.typed(f"to.{key}")
        )
        if card.to and not _is_id(card.to):
            raise BadRequest(_("the form refers to a stage {id!r} that doesn’t exist"), id=card.to[:40])
        if card.id or texts["name"]:
            cards.append(card)
    return cards


def _is_id(word: str) -> bool:
    try:
        UUID(word)
    except ValueError:
        return False
    return len(word) == 36


def _versions(known: str) -> dict[UUID, int]:
    try:
        return {UUID(id): int(version) for id, _colon, version in (one.partition(":") for one in known.split())}
    except ValueError:
        raise Stale(_("someone else has changed the stages meanwhile; reload them")) from None


def _moved(cards: list[Card], act: str) -> list[Card]:
    """The form with a stage moved, taken away or put back, for who has no script."""
    verb, _colon, key = act.partition(":")
    at = next((n for n, card in enumerate(cards) if card.key == key), None)
    if verb == "add":
        return _with_one_more(cards)
    if at is None or verb not in ("up", "down", "drop", "keep"):
        raise BadRequest(_("stages have no action {act!r}"), act=act[:20])
    card = cards[at]
    if verb in ("drop", "keep"):
        card.gone, card.next = verb == "drop", True
        return [one for one in cards if one.id or not one.gone]
    to = max(0, at - 1) if verb == "up" else min(len(cards) - 1, at + 1)
    cards[at], cards[to] = cards[to], card
    return cards


def _with_one_more(cards: Sequence[Card]) -> list[Card]:
    """One more stage, to be typed next: behind those in which deals are open."""
    keys = {card.key for card in cards}
    new = next(key for n in count(len(cards)) if (key := f"new{n}") not in keys)
    place = max((n for n, card in enumerate(cards, 1) if card.texts["type"] == "open"), default=len(cards))
    return [*cards[:place], Card(new, {"type": "open"}, next=True), *cards[place:]]


def _wanted(ctx: Context, card: Card) -> Wanted:
    values: dict[str, object] = {"required_fields": card.asks or None} if card.asks or card.id else {}
    for name in _TEXTS:
        word, of = card.texts[name], _CELLS[name]
        plain = unicodedata.normalize("NFKC", word).removesuffix("%").strip() if name in ("probability", "expected_days") else word
        try:
            values[name] = of.read_cell(plain, {}) if plain else None
        except FlawError as flaw:
            card.problems[name] = ctx.say(flaw.message, flaw.params)
    if not card.texts["name"]:
        card.problems["name"] = ctx.say(_("is required"))
    return Wanted(values, UUID(card.id) if card.id else None)


def _say(ctx: Context, cards: Sequence[Card], refusal: Refusal) -> None:
    """What is wrong with which stage, at its place."""
    kept = [card for card in cards if not card.gone]
    by_key = {card.key: card for card in cards}
    for one in refusal.problems:
        place, text = one.field.split("."), ctx.say(one.message, one.params)
        card = by_key.get(place[1]) if place[0] == "moves" else kept[int(place[1])] if place[0] == "stages" else None
        if card is not None:
            name = place[2] if len(place) > 2 else ""
            card.problems.setdefault("to" if place[0] == "moves" else name if name in (*_TEXTS, "required_fields") else "row", text)


def button(ctx: Context, record: Mapping[str, object]) -> Rendering:
    """From a stage or a pipeline to where the stages are arranged."""
    return Rendering("pipeline/arrange_button.html", {"href": ctx.page(f"{PLACE}?pipeline={record.get('pipeline') or record['id']}")})


PANELS = tuple(
    Panel(f"arrange_{entity.partition('.')[2]}", slot=Slot.BUTTON, label=_("Edit stages"), permission=f"{STAGE}.update", view=button,
          entity=entity)
    for entity in (STAGE, PIPELINE)
)  # fmt: skip
PAGES = (PageRoute("arrange", path="/arrange", title=_("Stages"), permission=f"{STAGE}.update", view=show, submit=take),)
