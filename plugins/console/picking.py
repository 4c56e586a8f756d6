"""Choosing a record for a link: a few that fit what was typed."""

from __future__ import annotations

from plugins.console.registry import kind_at
from sdk import SIGNED_IN, Context, PageRequest, PageRoute, Query, Rendering, _

MOST = 12


def pick(ctx: Context, request: PageRequest) -> Rendering:
    """Options for a field, those that were changed last first."""
    kind = kind_at(ctx, request.path["plugin"], request.path["plural"])
    words = request.asked("q").strip()
    searchable = any(field.search for field in kind.fields.values())
    asked = Query(fields=("id", kind.title), sort=("-updated_at",) if "updated_at" in kind.fields else (), limit=MOST,
                  q=words if searchable else "")  # fmt: skip
    rows = ctx.records(kind.name).query(asked).data
    return Rendering(
        "console/options.html", {"kind": kind, "rows": [(row["id"], str(row.get(kind.title) or "—")) for row in rows], "q": words}
    )


PAGES = (PageRoute("pick", path="/pick/{plugin}/{plural}", title=_("Choose"), permission=SIGNED_IN, view=pick),)
