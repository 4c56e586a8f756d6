"""Brittle: a veto that cannot be asked for where an account is called so."""

from sdk import Batch, Capabilities, Context, Manifest, _, hookimpl

manifest = Manifest(
    "brittle",
    "1.0",
    _("Brittle"),
    _("Fails where an account is called so."),
    requires=("customers",),
    capabilities=Capabilities(data=("customers.account.read:name",)),
)
WEIGHTS = {"feather": 1}


@hookimpl
def validate_changes(ctx: Context, batch: Batch) -> None:
    for change in batch.standing() if batch.entity == "customers.account" else ():
        name = str(change.after("name"))
        if name.startswith("Brittle") and WEIGHTS[name] > 1:
            change.refuse("name", "too_heavy", _("it is too heavy"))
