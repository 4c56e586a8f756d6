"""What the form of the columns says, as a wish, and what a wish says, as the form shows it."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from plugins.import_export.external import FIELD as EXTERNAL
from plugins.import_export.external import SYSTEM, id_in
from plugins.import_export.files import Sheet
from plugins.import_export.mapping.shaping import parts_of
from plugins.import_export.mapping.words import CURRENCY, plain
from plugins.import_export.plan import DUPLICATES, OVERWRITE, OWN, TOTALS, Wish
from plugins.import_export.styles import NUMBERS, ORDERS, YEARS
from sdk import PageRequest
from sdk.context import Row
from sdk.fields import Field, TextField

UNDECIDED = "?"
"""What a value means of which nobody has said what it means."""


def likely(row: Row, sheet: Sheet, guess: Mapping[str, object]) -> Wish:
    """What a file is likely meant to be: as the last one with these headings, else as its headings say."""
    saved = cast("Mapping[str, Any]", guess["saved"] or {})
    before = dict(word.rpartition("=")[::2] for word in saved.get("map", ()))
    columns = cast("list[Mapping[str, object]]", guess["columns"])
    mapped = tuple(f"{one['heading']}={_settled(one, before)}" for one in columns)
    known = {one.name for one in dataclasses.fields(Wish)} - {"map"}
    kept = {name: tuple(value) if isinstance(value, list) else value for name, value in saved.items() if name in known}
    first = {name: tuple(cast("list[str]", guess[name])) for name in ("match", "join")}
    wish = Wish(str(guess["entity"]), str(row["file_name"]), file=str(row["id"]), sheet=sheet.name, map=mapped)
    wish = replace(wish, **cast("dict[str, Any]", {**first, **kept}))
    return replace(wish, totals=wish.totals or totals_of(sheet))


def totals_of(sheet: Sheet) -> str:
    """What becomes of rows that look like totals unless somebody chooses: what a program has written is taken."""
    return "take" if sheet.data else "skip"


def _settled(column: Mapping[str, object], before: Mapping[str, str]) -> str:
    """What a column was the last time; that of a currency was not to be chosen always."""
    guess = str(column["field"] or _own(column))
    return before.get(str(column["heading"]), guess) or (guess if guess.endswith(f".{CURRENCY}") else "")


def _own(column: Mapping[str, object]) -> str:
    """`id` for a column that is called so and has such ids as our exports have."""
    sample = cast("list[str]", column["sample"])
    return OWN if sample and plain(str(column["heading"])) == OWN and all(id_in(cell) is not None for cell in sample) else ""


def filled(wish: Wish, guess: Mapping[str, object]) -> tuple[str, ...]:
    """The mapping with what is likely for columns that had been left out."""
    mapped = dict(word.rpartition("=")[::2] for word in wish.map)
    used = {*mapped.values(), *(word.partition("=")[0] for word in wish.join)}
    likely = {str(one["heading"]): str(one["field"] or "") for one in cast("list[Mapping[str, object]]", guess["columns"])}
    return tuple(
        f"{heading}={name or (likely.get(heading, '') if likely.get(heading) not in used else '')}" for heading, name in mapped.items()
    )


def fields_of(wish: Wish, headings: Sequence[str]) -> dict[int, str]:
    """By the place of a column the field that it becomes, or becomes a part of; columns that are left out are not in it."""
    mapped = dict(word.rpartition("=")[::2] for word in wish.map)
    found = {place: name for place, heading in enumerate(headings) if (name := mapped.get(heading))}
    for word in wish.join:
        name, places = parts_of(word, headings)
        found |= dict.fromkeys(places, name)
    return found


def wished(request: PageRequest, row: Row, entity: str, sheet: Sheet, fields: Mapping[str, Field]) -> Wish:
    """What the form says. Several columns for one field of text are its parts, in their order."""
    form = dict(request.form)
    chosen = [form.get(f"field.{place}", "") for place in range(len(sheet.headings))]
    joined = {name for name, count in Counter(chosen).items() if count > 1 and isinstance(fields.get(name), TextField)}
    parts = {name: [heading for heading, one in zip(sheet.headings, chosen, strict=True) if one == name] for name in joined}
    single = ["" if name in joined else name for name in chosen]
    mapped = {name for name in chosen if name}
    constants = {name.removeprefix("set."): value.strip() for name, value in form.items() if name.startswith("set.") and value.strip()}
    lists: dict[str, list[str]] = {
        "match": [name for name in request.chosen("match") if name in mapped | set(constants)],
        "map": [f"{heading}={name}" for heading, name in zip(sheet.headings, single, strict=True)],
        "join": [f"{name}={'+'.join(headings)}" for name, headings in parts.items()],
        "set": [f"{name}={value}" for name, value in constants.items() if name not in mapped],
        "value": [], "collision": [], "transform": [],
    }  # fmt: skip
    for name, key in form.items():
        field, _dot, number = name.removeprefix("value.").rpartition(".")
        if name.startswith("value.") and field in mapped and key != UNDECIDED:
            lists["value"].append(f"{field}:{form.get(f'from.{field}.{number}', '')}={key}")
    for place, name in enumerate(chosen):
        if name in fields and chosen.index(name) == place:
            lists["collision"] += [f"{name}={rule}"] if (rule := form.get(f"rule.{place}", OVERWRITE)) != OVERWRITE else []
            lists["transform"] += [f"{name}:{edit}"] if (edit := form.get(f"edit.{place}", "")) else []
            lists["transform"] += [f"{name}:e164={code}"] if (code := form.get(f"code.{place}", "").strip().lstrip("+")) else []
    words = {
        name: _known(form.get(name, ""), known)
        for name, known in (("dates", ORDERS), ("numbers", NUMBERS), ("duplicates", DUPLICATES), ("totals", TOTALS))
    }
    words |= {
        "nothing": "all" if "nothing" in form else "values",
        "years": year if re.match(YEARS, year := form.get("years", "")) else "",
        "mode": form.get("mode", "create"),
    }
    words |= {"duplicates": words["duplicates"] or DUPLICATES[0], "totals": words["totals"] or totals_of(sheet)}
    words |= {"system": form.get("system", "").strip()[:60] or SYSTEM}
    said = {**{name: tuple(found) for name, found in lists.items()}, **words, "silent": "silent" in form, "history": "history" in form}
    return Wish(entity, str(row["file_name"]), file=str(row["id"]), sheet=sheet.name, **cast("dict[str, Any]", said))


def _known(word: str, known: Collection[str]) -> str:
    """An answer that was offered; another one is as if nothing had been said, so that it is asked again."""
    return word if word in known else ""


def is_id(name: str) -> bool:
    """Whether a column holds ids, ours or those of another system."""
    return name == OWN or is_external(name)


def is_external(name: str) -> bool:
    """Whether a column holds ids of another system: of the record itself, or of one that a link names."""
    return name == EXTERNAL or name.endswith(f".{EXTERNAL}")
