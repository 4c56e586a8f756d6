"""The rules of the sales process: the one gate through which every deal moves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from plugins.pipeline.pricing import price
from plugins.pipeline.tables import TYPES
from sdk import Batch, Change, Condition, Context, _, keep_days, where
from sdk.changes import HISTORY
from sdk.context import Row, id_of

MOST = 10_000
"""More pipelines or stages than any company has."""
MOST_VALUES = 500
"""As many as one filter takes."""
REOPEN = "reopen"
"""The act that may take a won or lost deal back."""
RESTAGE = "restage"
"""The act by which deals leave a stage that is taken away; where it is another of the same type, nothing is won or lost again."""
_SLUG = re.compile(r"[^a-z0-9]+")


def _read(ctx: Context) -> tuple[dict[UUID, Row], dict[UUID, Row]]:
    records = (ctx.records(name).find((), MOST) for name in ("pipeline.pipeline", "pipeline.stage"))
    pipelines, stages = ({id_of(row): row for row in rows} for rows in records)
    return pipelines, stages


class Process:
    """The pipelines and stages of a tenant, read once by each process until one of them changes."""

    def __init__(self, ctx: Context) -> None:
        self.pipelines, self.stages = ctx.kept("pipeline.process", lambda: _read(ctx.as_system()))
        self._ctx = ctx
        self._zone = ZoneInfo(ctx.tenant.timezone)
        self.today = self.day(ctx.now())
        self.now, self.who = ctx.now(), ctx.actor.user_id

    def day(self, moment: datetime) -> date:
        """The day of a moment where the tenant is."""
        return moment.astimezone(self._zone).date()

    def learn(self, changes: Iterable[Change]) -> None:
        """Read anew where somebody else has made, at this moment, what a change names."""
        named = {id for change in changes for id in (change.after("stage"), change.after("pipeline")) if isinstance(id, UUID)}
        if not named <= {*self.stages, *self.pipelines}:
            self.pipelines, self.stages = _read(self._ctx.as_system())

    def stage(self, id: object) -> Row | None:
        """The stage with this id, if it is one."""
        return self.stages.get(id) if isinstance(id, UUID) else None

    def default_pipeline(self) -> UUID | None:
        """The default one, or the only one."""
        chosen = [id for id, row in self.pipelines.items() if row["is_default"]] or list(self.pipelines)
        return chosen[0] if len(chosen) == 1 else None

    def stages_of(self, pipeline: UUID) -> list[Row]:
        """The stages of a pipeline in their order."""
        mine = [row for row in self.stages.values() if row["pipeline"] == pipeline]
        return sorted(mine, key=lambda row: (row["position"] is None, row["position"] or 0, str(row["id"])))

    def counterpart(self, stage: Row, pipeline: UUID) -> Row | None:
        """Where a deal of `stage` stands in another pipeline: of the stages of its type the one with the same key, else the first."""
        others = self.stages_of(pipeline)
        alike = [other for other in others if other["type"] == stage["type"]]
        return next((other for other in alike if other["key"] == stage["key"]), next(iter(alike), None))


def prepare_deals(ctx: Context, batch: Batch) -> None:
    """Place each deal, derive its status and probability, keep its history, say what happened."""
    process = Process(ctx)
    process.learn(batch.changes)
    keep_days(batch, "opened_on", "close_date")
    for change in batch.standing():
        before = process.stage(change.before["stage"]) if change.before else None
        _place(process, change, before)
        if not change.stands:
            continue
        stage = process.stage(change.after("stage"))
        if stage is not None and change.changes("stage"):
            _enter(process, batch, change, before, stage)
        if stage is not None:
            _require(change, stage)
    _keep_gone(process, batch)
    price(ctx, batch, process.today)


def _keep_gone(process: Process, batch: Batch) -> None:
    """Out of the recycle bin a deal comes to where it stood, or to another stage of that type: it stays open, won or lost."""
    for change in batch.changes:
        if change.verb != "restore" or not change.stands or change.before is None:
            continue
        before, pipeline, status = process.stage(change.before["stage"]), change.before["pipeline"], str(change.before["status"])
        if before is not None and before["type"] == status:
            continue
        alike = [row for row in process.stages_of(pipeline) if row["type"] == status] if isinstance(pipeline, UUID) else []
        if alike:
            change.values["stage"] = alike[0]["id"]
            _enter(process, batch, change, before, alike[0])
            _require(change, alike[0])
        elif pipeline not in process.pipelines:
            change.forbid("stage_gone", _("the deal’s pipeline has been deleted; restore that pipeline first"))
        elif before is None:
            text = _("the stage the deal stood in has been deleted, and the pipeline has no other of type “{status}”; restore it, or add a stage of "
                     "that type")  # fmt: skip
            change.forbid("stage_gone", text, status=TYPES[status])
        else:
            text = _("the deal’s stage {stage!r} is of type “{type}” now, and the pipeline has none of type “{status}”; add one first")
            change.forbid("stage_gone", text, stage=str(before["name"]), type=TYPES[str(before["type"])], status=TYPES[status])


def _place(process: Process, change: Change, before: Row | None) -> None:
    """Settle pipeline and stage; a deal leaves won and lost only by the act of reopening."""
    stage = process.stage(change.after("stage"))
    pipeline = change.after("pipeline")
    if change.before and change.changes("pipeline") and not change.changes("stage") and before is not None and isinstance(pipeline, UUID):
        stage = process.counterpart(before, pipeline)
    elif pipeline is None:
        pipeline = stage["pipeline"] if stage is not None else process.default_pipeline()
    if not isinstance(pipeline, UUID):
        change.refuse("pipeline", "required", _("is required: there is no default pipeline"))
        return
    status = change.before["status"] if change.before else "open"
    if stage is None:  # none is named, or the one it stood in was taken away behind its back
        stage = next((row for row in process.stages_of(pipeline) if row["type"] == status), None)
    if status != "open" and change.act not in (REOPEN, RESTAGE) and _leaves(stage, before, status):
        change.forbid("deal_closed", _("the deal is {status}; reopen it before moving it"), status=TYPES[str(status)])
    elif stage is None:
        text = _("is required: the pipeline has no open stage")
        if status != "open":
            text = _("is required: the stage was deleted, and the pipeline has none of that type") if before is None else _("is required")
        change.refuse("stage", "required", text)
    elif stage["pipeline"] != pipeline:
        text = _("stage {stage!r} belongs to another pipeline; change the pipeline as well")
        change.refuse("stage", "wrong_pipeline", text, stage=str(stage["name"]))
    else:
        change.values["pipeline"], change.values["stage"] = pipeline, stage["id"]


def _leaves(stage: Row | None, before: Row | None, status: object) -> bool:
    """Whether a closed deal would leave its stage; of one that is gone it may take the place of another that means the same."""
    if before is None:
        return stage is not None and stage["type"] != status
    return stage is None or stage["id"] != before["id"]


def _enter(process: Process, batch: Batch, change: Change, before: Row | None, stage: Row) -> None:
    change.values["status"] = stage["type"]
    if "probability" not in change.values:
        change.values["probability"] = stage["probability"]
    close, entered = change.after("close_date"), _entered(process, change)
    expected = "close_date" not in change.values and isinstance(close, date) and close > process.today
    if stage["type"] != "open" and (close is None or expected):  # what was expected later has happened today, or when it came here
        change.values["close_date"] = process.day(entered)
    if before is None and change.after("opened_on") is None:
        close, there = change.after("close_date"), process.day(entered)
        change.values["opened_on"] = min(there, close) if isinstance(close, date) else there
    since = change.before["stage_since"] if change.before else None
    seconds = int((process.now - since).total_seconds()) if isinstance(since, datetime) else None
    moved = {"deal": change.id, "from_stage": before["id"] if before else None, "to_stage": stage["id"], "moved_at": entered,
             "seconds": seconds, "owner": process.who}  # fmt: skip
    batch.also_create("pipeline.stage_change", change, moved)
    change.values["stage_since"] = entered
    if stage["type"] != "open" and (change.before is None or stage["type"] != change.before["status"]):
        batch.emit(f"pipeline.deal.{stage['type']}", change, {"account": change.after("account"), "stage": stage["id"]})


def _entered(process: Process, change: Change) -> datetime:
    """When a deal came into its stage: now, or when history says."""
    said = change.values.get("stage_since") if change.act == HISTORY and change.before is None else None
    return said if isinstance(said, datetime) and said < process.now else process.now


def _require(change: Change, stage: Row) -> None:
    """What a stage asks for is there when a deal comes into it, and is not taken away there, whoever writes through whatever channel; who does
    neither is not asked for what was missing before."""
    for name in required_of(stage):
        comes, emptied = change.changes("stage"), change.before is not None and change.changes(name)
        if (comes or emptied) and change.after(name) in (None, ""):
            change.refuse(name, "required_in_stage", _("is required in stage {stage!r}"), stage=str(stage["name"]))


def required_of(stage: Row) -> Sequence[str]:
    """The names of the deal's fields that are asked for when a deal comes into a stage."""
    names = stage["required_fields"]
    return [str(name) for name in names] if isinstance(names, list) else ()


def prepare_stages(ctx: Context, batch: Batch) -> None:
    """Give each stage a pipeline, a key and a place; no two stages of a pipeline share a key. One with deals keeps its meaning."""
    _keep_used(ctx, batch, "stage", ("pipeline", "type"))
    process = Process(ctx)
    taken = {(row["pipeline"], row["key"]): id for id, row in process.stages.items()}
    last = {id: max((_place_of(row) for row in process.stages_of(id)), default=0) for id in process.pipelines}
    known = ctx.records("pipeline.deal").fields()
    for change in batch.standing():
        for name in required_of(change.values) if change.changes("required_fields") else ():
            if name not in known:
                change.refuse("required_fields", "unknown_field", _("deals have no field {name!r}"), name=name)
            elif known[name].readonly:  # a deal could never bring it
                change.refuse("required_fields", "read_only", _("{name!r} is worked out, so nobody can enter it"), name=name)
        pipeline = change.after("pipeline") or process.default_pipeline()
        if not isinstance(pipeline, UUID):
            change.refuse("pipeline", "required", _("is required: there is no default pipeline"))
            continue
        change.values["pipeline"] = pipeline
        if change.after("position") is None:
            last[pipeline] = last.get(pipeline, 0) + 1
            change.values["position"] = last[pipeline]
        key = (
            change.after("key") or _SLUG.sub("-", str(change.after("name")).lower())[:60].strip("-") or f"stage-{change.after('position')}"
        )
        if taken.get((pipeline, key), change.id) != change.id:
            change.refuse("key", "duplicate", _("{value!r} is already taken"), value=key)
            continue
        taken[(pipeline, key)] = change.id
        change.values["key"] = key
        if change.after("probability") is None:
            change.values["probability"] = {"won": Decimal(100), "lost": Decimal(0)}.get(str(change.after("type")))


def prepare_pipelines(ctx: Context, batch: Batch) -> None:
    """One default at the most; one with deals stays, any other takes its stages along into the recycle bin and out of it."""
    _keep_used(ctx, batch, "pipeline", ())
    _with_stages(ctx, batch)
    records = ctx.as_system().records("pipeline.pipeline")
    there = {id_of(row) for row in records.find(where(is_default=True))} - {c.id for c in batch.standing() if not c.after("is_default")}
    for change in batch.standing():
        if change.after("is_default") and change.changes("is_default"):
            if there - {change.id}:
                change.refuse("is_default", "second_default", _("another pipeline is the default; change that one first"))
            there.add(change.id)


def _with_stages(ctx: Context, batch: Batch) -> None:
    stages = ctx.as_system().records("pipeline.stage")
    for change in batch.changes:
        if change.verb == "delete" and change.stands:
            for row in stages.find(where(pipeline=change.id), MOST):
                batch.also_delete("pipeline.stage", change, id_of(row))
        elif change.verb == "restore" and change.stands and change.before is not None:
            since = change.before["updated_at"]  # a stage that was taken away before stays away
            for row in stages.find(where(pipeline=change.id), MOST, deleted=True):
                if row["updated_at"] >= since:  # type: ignore[operator]
                    batch.also_restore("pipeline.stage", change, id_of(row))


def _keep_used(ctx: Context, batch: Batch, link: str, meaning: Sequence[str]) -> None:
    """What deals stand in is not deleted, and the fields of its meaning do not change: that would move deals past the gate."""
    touched = {c.id: c for c in batch.changes if c.stands and (c.verb == "delete" or any(c.before and c.changes(name) for name in meaning))}
    ids, deals, used = list(touched), ctx.as_system().records("pipeline.deal"), set[object]()
    for start in range(0, len(ids), MOST_VALUES):
        stands_in = Condition(link, "in", tuple(ids[start : start + MOST_VALUES]))
        used |= {row[f"{link}.id"] for row in deals.aggregate(["count"], [link], (stands_in,))}
    for id in used:
        if isinstance(id, UUID):  # how many there are is for who sees them all
            touched[id].forbid("in_use", _("contains deals; move them first"))


def _place_of(row: Row) -> int:
    position = row["position"]
    return position if isinstance(position, int) else 0
