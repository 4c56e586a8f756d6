"""The menu of the import_export plugin."""

from __future__ import annotations

from collections.abc import Sequence

from plugins.import_export import commands, imports, privacy, routes
from plugins.import_export.tables import Import, ImportRow
from sdk import Capabilities, Command, Context, Entity, Job, Manifest, Permission, Person, Route, Scope, Trace, Verb, _, hookimpl

manifest = Manifest(
    name="import_export",
    version="0.1",
    title=_("Import and export"),
    summary=_("Files into every entity, with the reason for each row that is not taken."),
    capabilities=Capabilities(data=("*.read:*", "*.create:*", "*.update:*"), jobs=("run_import",), files=True),
)


@hookimpl
def register_entities() -> Sequence[Entity]:
    mine = {Verb.READ: Scope.OWN, Verb.DELETE: Scope.OWN}
    return (
        Entity(
            Import,
            "import",
            "imports",
            _("Import"),
            _("Imports"),
            title="file_name",
            access={"sales_rep": mine, "sales_manager": mine},
            verbs=frozenset({Verb.READ, Verb.DELETE}),
        ),
        Entity(ImportRow, "row", "rows", _("Row"), _("Rows"), title="reason", owned=False, verbs=frozenset({Verb.READ})),
    )


@hookimpl
def register_permissions() -> Sequence[Permission]:
    everybody = {"sales_rep": Scope.ALL, "sales_manager": Scope.ALL}
    return (Permission(imports.PERMISSION, _("Import files"), everybody),)


@hookimpl
def register_routes() -> Sequence[Route]:
    return routes.ROUTES


@hookimpl
def register_jobs() -> Sequence[Job]:
    return (Job("run_import", imports.run_job),)


@hookimpl
def tenant_disabled(ctx: Context) -> None:
    imports.give_up(ctx)


@hookimpl
def register_commands() -> Sequence[Command]:
    return commands.COMMANDS


@hookimpl
def traces_of(ctx: Context, person: Person) -> Sequence[Trace]:
    return privacy.traces_of(ctx, person)
