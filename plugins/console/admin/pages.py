"""All pages of the administration, and what it puts into pages of others."""

from __future__ import annotations

from plugins.console.admin import places, plugins, roles

PAGES = (*places.PAGES, *plugins.PAGES, *roles.PAGES)
