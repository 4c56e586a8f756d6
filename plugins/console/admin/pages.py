"""All pages of the administration, and what it puts into pages of others."""

from __future__ import annotations

from plugins.console.admin import company, fields, health, persons, places, plugins, roles, start, teams

PAGES = (
    *places.PAGES,
    *plugins.PAGES,
    *roles.PAGES,
    *persons.PAGES,
    *company.PAGES,
    *start.PAGES,
    *health.PAGES,
    *fields.PAGES,
    *teams.PAGES,
)
PANELS = (*persons.PANELS, *start.PANELS)
