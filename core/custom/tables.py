"""The definitions of custom fields."""

from __future__ import annotations

from core.custom.kinds import KINDS
from core.custom.options import option_list
from core.formulas.check import RESULTS as KINDS_OF_RESULTS
from core.formulas.grammar import LONGEST
from sdk import Mapped, Record, _
from sdk import fields as f
from sdk.entities import unique_together

RESULTS = {key: KINDS[key].label for key in KINDS_OF_RESULTS}
MOST_FIELDS = 100
"""Custom fields of one entity."""


class CustomField(Record):
    """A field that the tenant adds to an entity; there it is called `custom.<key>`."""

    __tablename__ = "core_custom_fields"
    __table_args__ = (unique_together("core_custom_fields", "entity", "key"),)

    entity: Mapped[str] = f.with_example(f.key(_("Entity"), length=100, required=True, match=False), "core.team")
    key: Mapped[str] = f.text(_("Key"), length=40, required=True, example="example")
    kind: Mapped[str] = f.choice(_("Type"), {key: kind.label for key, kind in KINDS.items()}, required=True)
    label: Mapped[str] = f.text(_("Label"), length=100, required=True, search=True, track=True)
    label_zh: Mapped[str | None] = f.text(_("Chinese label"), length=100, search=True, track=True)
    target: Mapped[str | None] = f.with_example(f.key(_("Entity linked to"), length=100, match=False), f.NO_EXAMPLE)
    options: Mapped[list[object] | None] = f.with_example(option_list(_("Options"), track=True), f.NO_EXAMPLE)
    default: Mapped[str | None] = f.with_example(f.text(_("Default"), track=True), f.NO_EXAMPLE)
    source: Mapped[str | None] = f.with_example(f.key(_("Entity counted"), length=100, match=False), f.NO_EXAMPLE)
    link: Mapped[str | None] = f.with_example(f.text(_("Link to this entity"), length=80), f.NO_EXAMPLE)
    measure: Mapped[str | None] = f.with_example(f.text(_("Measure"), length=80, track=True), f.NO_EXAMPLE)
    where: Mapped[str | None] = f.with_example(f.text(_("Condition"), length=500, track=True), f.NO_EXAMPLE)
    expression: Mapped[str | None] = f.with_example(f.long_text(_("Formula"), length=LONGEST, track=True), f.NO_EXAMPLE)
    result: Mapped[str | None] = f.with_example(f.choice(_("Result type"), RESULTS), f.NO_EXAMPLE)
    shown_if: Mapped[str | None] = f.with_example(f.long_text(_("Show if"), length=LONGEST, track=True), f.NO_EXAMPLE)
    required_if: Mapped[str | None] = f.with_example(f.long_text(_("Required if"), length=LONGEST, track=True), f.NO_EXAMPLE)
    required: Mapped[bool] = f.boolean(_("Required"), track=True)
    unique: Mapped[bool] = f.boolean(_("Unique"))
    indexed: Mapped[bool] = f.boolean(_("Indexed"))
    search: Mapped[bool] = f.boolean(_("Searchable"), track=True)
    sensitive: Mapped[bool] = f.boolean(_("Sensitive"), track=True)
    given: Mapped[int] = f.integer(_("Assigned numbers"), readonly=True, default=0)
    personal: Mapped[bool] = f.boolean(_("Personal"), track=True)
    position: Mapped[int | None] = f.integer(_("Position"), least=0, most=10_000)
