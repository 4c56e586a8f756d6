"""What a tenant's administrator sets for a plugin: a marshmallow schema, its values kept by core for each tenant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marshmallow import Schema
from marshmallow import fields as mm
from marshmallow.validate import Length

from sdk.text import Text

LONGEST_SECRET = 4_000


class Secret(mm.String):
    """A text that others gave us (a password, a client secret): stored encrypted, read by its plugin alone, shown to nobody; "" until it is set."""

    def __init__(self, *, label: Text, **more: Any) -> None:
        super().__init__(load_only=True, load_default="", validate=Length(1, LONGEST_SECRET), metadata={"label": label}, **more)


@dataclass(frozen=True)
class Settings:
    """The settings of one plugin: `Settings(Purchases)`, read with `ctx.settings(Purchases)`.

    Every field has a `load_default`, which is in force until somebody sets it, and `metadata={"label": _("...")}`; what is not to
    be shown is a `Secret(label=_("..."))`. A list of natural keys of records says of what (`metadata={"of": "core.role", ...}`): they must be there.
    A `validates_schema` sees all values but the secrets.
    """

    schema: type[Schema]
    plugin: str = ""
