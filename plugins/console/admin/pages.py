"""All pages of the administration, and what it puts into pages of others."""

from __future__ import annotations

from plugins.console.admin import (
    audit,
    company,
    erasing,
    fields,
    given,
    glance,
    health,
    jobs,
    kinds,
    persons,
    places,
    plugins,
    roles,
    start,
    teams,
    territories,
)

PAGES = (
    *places.PAGES,
    *plugins.PAGES,
    *roles.PAGES,
    *persons.PAGES,
    *company.PAGES,
    *start.PAGES,
    *health.PAGES,
    *jobs.PAGES,
    *fields.PAGES,
    *teams.PAGES,
    *audit.PAGES,
    *kinds.PAGES,
    *erasing.PAGES,
    *territories.PAGES,
    *given.PAGES,
)
PANELS = (*persons.PANELS, *start.PANELS, *glance.PANELS)
