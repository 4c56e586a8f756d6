"""The menu of the import_export plugin."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time, timedelta

from plugins.import_export import commands, export_commands, export_routes, exports, imports, panels, privacy, routes, sight
from plugins.import_export.migrating import commands as migration_commands
from plugins.import_export.migrating import routes as migration_routes
from plugins.import_export.migrating import running
from plugins.import_export.pages import columns, history, migration, outcome, start
from plugins.import_export.pages import exports as export_pages
from plugins.import_export.staging import routes as staging_routes
from plugins.import_export.tables import Correction, Export, ExternalId, Import, ImportRow, Mapping, Origin, Part, StagedFile
from plugins.import_export.undo import commands as undo_commands
from plugins.import_export.undo import erasing, undoing
from plugins.import_export.undo import routes as undo_routes
from sdk import (
    Batch,
    Capabilities,
    Command,
    Context,
    Entity,
    Job,
    Manifest,
    MenuEntry,
    PageRoute,
    Panel,
    Permission,
    Person,
    Route,
    Schedule,
    Scope,
    Trace,
    Use,
    Verb,
    _,
    hookimpl,
)
from sdk.files import take_away
from sdk.impact import naming

manifest = Manifest(
    name="import_export",
    version="0.1",
    title=_("Import and export"),
    summary=_(
        "Import files into any entity, with the reason for each rejected row, and export any entity in a format you can import again."
    ),
    capabilities=Capabilities(
        data=("*.read:*", "*.create:*", "*.update:*", "*.delete", "*.force"),
        jobs=("run_import", "run_export", "remove_files", "remove_exports", "undo_import", "run_migration", "undo_migration"),
        files=True,
    ),
)

NAMING: dict[str, Sequence[str]] = {"import_export.mapping": ("entity", "wish")}
"""Where names of other plugins may stand."""
READ, READ_IMPORTS = frozenset({Verb.READ}), "import_export.import.read"
MIGRATING = (
    Job("run_migration", running.run_job, label=_("Import another system’s data")),
    Job("undo_migration", running.undo_job, label=_("Undo a migration")),
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
            veil=sight.of_imports,
            veiled=sight.OF_IMPORTS,
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
            merges=False,
        ),
        Entity(
            ImportRow,
            "row",
            "rows",
            _("Import row"),
            _("Import rows"),
            title="code",
            owned=False,
            verbs=READ,
            veil=sight.of_rows,
            veiled=sight.OF_ROWS,
        ),
        Entity(
            StagedFile,
            "file",
            "files",
            _("File to import"),
            _("Files to import"),
            title="file_name",
            access={"sales_rep": mine, "sales_manager": mine},
            verbs=frozenset({Verb.READ, Verb.DELETE}),
            hands_over=False,
            merges=False,
            veil=sight.of_files,
            veiled=sight.OF_FILES,
        ),
        Entity(
            Correction,
            "correction",
            "corrections",
            _("Fixed row"),
            _("Fixed rows"),
            title="number",
            owned=False,
            verbs=READ,
            veil=sight.of_corrections,
            veiled=sight.OF_CORRECTIONS,
        ),
        Entity(
            Part,
            "part",
            "parts",
            _("Journal part"),
            _("Journal parts"),
            title="entity",
            owned=False,
            verbs=READ,
            veil=sight.of_parts,
            veiled=sight.OF_PARTS,
        ),
        Entity(
            Origin, "origin", "origin_records", _("Origin of records"), _("Origins of records"), title="entity", owned=False, verbs=READ
        ),
        Entity(
            Mapping,
            "mapping",
            "mappings",
            _("Mapping"),
            _("Mappings"),
            owned=False,
            verbs=frozenset({Verb.READ, Verb.DELETE}),
            merges=False,
        ),
        Entity(
            ExternalId, "external_id", "external_ids", _("External ID"), _("External IDs"), title="external_id", owned=False, verbs=READ
        ),
    )


@hookimpl
def register_permissions() -> Sequence[Permission]:
    everybody = {"sales_rep": Scope.ALL, "sales_manager": Scope.ALL}
    return (
        Permission(imports.PERMISSION, _("Import files"), everybody),
        Permission(imports.HISTORY, _("Import history: closed documents with their lines, numbers and states")),
        Permission(exports.PERMISSION, _("Export files"), everybody),
        Permission(sight.INSPECT, _("View the files imported by others")),
    )


@hookimpl
def register_routes() -> Sequence[Route]:
    return (*routes.ROUTES, *staging_routes.ROUTES, *undo_routes.ROUTES, *export_routes.ROUTES, *migration_routes.ROUTES)


@hookimpl
def register_pages() -> Sequence[PageRoute]:
    return (*history.PAGES, *start.PAGES, *migration.PAGES, *columns.PAGES, *outcome.PAGES, *export_pages.PAGES)


@hookimpl
def register_panels() -> Sequence[Panel]:
    return (*panels.PANELS, *export_pages.PANELS)


@hookimpl
def register_navigation() -> Sequence[MenuEntry]:
    return (
        MenuEntry(
            "imports", label=_("Import and export"), section="know", path=start.AT, permission=READ_IMPORTS, icon="upload", position=90
        ),
        MenuEntry("exports", label=_("Exports"), path=export_pages.AT, permission=f"{exports.EXPORT}.read", icon="download", palette=True),
        MenuEntry("import", label=_("Import a file"), path=f"{start.AT}/new", permission=imports.PERMISSION, icon="upload", palette=True),
    )


@hookimpl
def register_jobs() -> Sequence[Job]:
    return (
        Job("run_import", imports.run_job, label=_("Run an import")),
        Job("undo_import", undoing.run_job, label=_("Undo an import")),
        Job("run_export", exports.run_job, label=_("Create an export")),
        *MIGRATING,
    )


@hookimpl
def register_schedules() -> Sequence[Schedule]:
    return (
        Schedule("remove_files", imports.tidy, at=time(3), label=_("Remove old import files")),
        Schedule("remove_exports", exports.remove_old, every=timedelta(hours=1), label=_("Remove old export files")),
    )


@hookimpl
def tenant_purged(ctx: Context) -> None:
    take_away(ctx, "import_export.file", "content")
    take_away(ctx, "import_export.export", "content")


@hookimpl
def validate_changes(ctx: Context, batch: Batch) -> None:
    erasing.forget(ctx, batch)


@hookimpl
def tenant_disabled(ctx: Context) -> None:
    imports.give_up(ctx)
    exports.give_up(ctx)


@hookimpl
def register_commands() -> Sequence[Command]:
    return (*commands.COMMANDS, *undo_commands.COMMANDS, *export_commands.COMMANDS, *migration_commands.COMMANDS)


@hookimpl
def traces_of(ctx: Context, person: Person) -> Sequence[Trace]:
    return privacy.traces_of(ctx, person)


@hookimpl
def uses_of(ctx: Context, plugin: str) -> Sequence[Use]:
    return naming(ctx, plugin, NAMING)
