"""Which plugins were taken out with their data kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sdk.columns import UtcDateTime, json_data
from sdk.entities import Record

if TYPE_CHECKING:
    from core.platform import Platform

archived_plugins = sa.Table(
    "core_archived_plugins",
    Record.metadata,
    sa.Column("plugin", sa.String(30), primary_key=True),
    sa.Column("version", sa.String(60), nullable=False),
    sa.Column("distribution", sa.String(200), nullable=False),  # what to install again
    sa.Column("revision", sa.String(60), nullable=True),
    sa.Column("rows", json_data(), nullable=False),  # by table, of all tenants
    sa.Column("archived_at", UtcDateTime(), nullable=False),
)


@dataclass(frozen=True)
class Archived:
    """A plugin that was taken out, with what it left."""

    plugin: str
    version: str
    distribution: str
    revision: str | None
    rows: Mapping[str, int]
    archived_at: datetime


def archived(platform: Platform) -> dict[str, Archived]:
    """All of them by name."""
    with platform.database.reading_as_owner() as connection:
        rows = connection.execute(sa.select(archived_plugins).order_by(archived_plugins.c.plugin)).mappings()
        return {row["plugin"]: Archived(**row) for row in rows}


def keep(platform: Platform, entry: Archived) -> None:
    """Note that a plugin is taken out; what was noted of it before goes."""
    with platform.database.begin_as_owner() as connection:
        connection.execute(archived_plugins.delete().where(archived_plugins.c.plugin == entry.plugin))
        connection.execute(archived_plugins.insert().values(vars(entry)))


def forget(platform: Platform, plugin: str) -> None:
    """It is back, or gone for good."""
    with platform.database.begin_as_owner() as connection:
        connection.execute(archived_plugins.delete().where(archived_plugins.c.plugin == plugin))
