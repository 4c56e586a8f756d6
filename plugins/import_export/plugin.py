"""The menu of the import_export plugin."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from plugins.import_export import commands, export_commands, export_routes, exports, imports, privacy, routes
from plugins.import_export.tables import Export, Import, ImportRow
from sdk import Capabilities, Command, Context, Entity, Job, Manifest, Permission, Person, Route, Schedule, Scope, Trace, Verb, _, hookimpl

manifest = Manifest(
    name="import_export",
    version="0.1",
    title=_("Import and export"),
    summary=_("Files into every entity, with the reason for each row that is not taken, and out of every entity, such as come in again."),
    capabilities=Capabilities(
        data=("*.read:*", "*.create:*", "*.update:*"), jobs=("run_import", "run_export", "remove_exports"), files=True
    ),
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
        Entity(
            Export,
            "export",
            "exports",
            _("Export"),
            _("Exports"),
            title="file_name",
            access={"sales_rep": mine, "sales_manager": mine},
            verbs=frozenset({Verb.READ, Verb.DELETE}),
            hands_over=False,
        ),
        Entity(ImportRow, "row", "rows", _("Row"), _("Rows"), title="reason", owned=False, verbs=frozenset({Verb.READ})),
    )


@hookimpl
def register_permissions() -> Sequence[Permission]:
    everybody = {"sales_rep": Scope.ALL, "sales_manager": Scope.ALL}
    return (
        Permission(imports.PERMISSION, _("Import files"), everybody),
        Permission(exports.PERMISSION, _("Export files"), everybody),
    )


@hookimpl
def register_routes() -> Sequence[Route]:
    return (*routes.ROUTES, *export_routes.ROUTES)


@hookimpl
def register_jobs() -> Sequence[Job]:
    return (Job("run_import", imports.run_job), Job("run_export", exports.run_job))


@hookimpl
def register_schedules() -> Sequence[Schedule]:
    return (Schedule("remove_exports", exports.remove_old, every=timedelta(hours=1)),)


@hookimpl
def tenant_disabled(ctx: Context) -> None:
    imports.give_up(ctx)
    exports.give_up(ctx)


@hookimpl
def register_commands() -> Sequence[Command]:
    return (*commands.COMMANDS, *export_commands.COMMANDS)


@hookimpl
def traces_of(ctx: Context, person: Person) -> Sequence[Trace]:
    return privacy.traces_of(ctx, person)
