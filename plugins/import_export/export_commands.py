"""`dealwright export`."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from plugins.import_export import exports
from plugins.import_export.columns import HEADINGS, NAMES
from plugins.import_export.exports import Selection, format_of
from plugins.import_export.sinks import CSV, FORMATS
from sdk import BadRequest, Command, Conflict, Context, NotFound, Parameter, Refusal, Terminal, Unavailable, _
from sdk.context import Row, id_of

_OUTPUT = "-"


def run_export(ctx: Context, terminal: Terminal, options: Mapping[str, object]) -> int:
    """Write a file in this process; 0 when it is whole. Until then nothing bears its name."""
    path = str(options["FILE"])
    where, sort, fields = (cast("tuple[str, ...]", options[name]) for name in ("where", "sort", "fields"))
    format = str(options["format"] or (CSV if path == _OUTPUT else format_of(path)))
    name = "" if path == _OUTPUT else Path(path).name
    selection = Selection(
        str(options["ENTITY"]), format, tuple(map(_pair, where)), str(options["q"] or ""), _words(sort), _words(fields), str(options["headings"]), name
    )  # fmt: skip
    record = exports.begin(ctx, selection)
    id = id_of(record)
    try:
        with _opened(terminal, path) as stream, terminal.progress(name or selection.entity, int(str(record["total"]))) as step:
            if exports.carry_out(ctx, record, stream, step) is None:
                raise Conflict(_("the export was cancelled"))
        done = exports.finish(ctx, record, {}) or record
    except Refusal as refusal:
        exports.fail(ctx, id, refusal)
        raise
    except BaseException:  # nobody comes back to it, unlike a job: it must not stay `running`
        exports.fail(ctx, id, Unavailable(_("the command was stopped before it finished")))
        raise
    say = terminal.note if path == _OUTPUT else terminal.print
    say(json.dumps(_document(done), ensure_ascii=False, indent=2) if options["json"] else f"{done['state']}: {done['done']} rows")
    return 0


def _document(done: Row) -> dict[str, object]:
    names = ("entity", "format", "state", "done", "total")
    return {
        "id": str(done["id"]),
        "file": done["file_name"],
        "file_name": done["file_name"],
        **{name: done[name] for name in names},
        "fields": str(done["columns"]).split(","),
    }


def _pair(clause: str) -> tuple[str, str]:
    name, equals, value = clause.partition("=")
    if not equals:
        raise BadRequest(_("invalid filter {name!r}; use field=value or field[operator]=value"), name=clause[:80])
    return name.strip(), value


def _words(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(word.strip() for one in given for word in one.split(",") if word.strip())


@contextmanager
def _opened(terminal: Terminal, path: str) -> Iterator[BinaryIO]:
    """Standard output, or a file beside the wanted one that takes its name once it is whole."""
    if path == _OUTPUT:
        yield cast("BinaryIO", _Output(terminal))
        return
    part = Path(f"{path}.part")
    try:
        stream = part.open("wb")
    except OSError as failure:
        raise NotFound(_("can’t write {path}: {reason}"), path=path, reason=failure.strerror or str(failure)) from failure
    try:
        with stream:
            yield stream
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


class _Output(io.RawIOBase):
    """Standard output as a stream that cannot go back."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        written = bytes(data)
        self._terminal.bytes(written)
        return len(written)


COMMANDS = (
    Command(
        "export",
        _("Export an entity’s records as a file that can be imported again."),
        run_export,
        (
            Parameter("ENTITY", _("For example customers.account")),
            Parameter("FILE", _("A file ending in .csv, .xlsx or .jsonl; - is standard output")),
            Parameter("--where", _("A condition, for example stage=won; can be repeated"), many=True),
            Parameter("--q", _("Words to search for, as in a list")),
            Parameter("--sort", _("Fields to sort by, for example -amount,name; by creation if omitted"), many=True),
            Parameter("--fields", _("Fields, for example name,amount; * for all readable; all importable if omitted"), many=True),
            Parameter("--format", _("The format, if the file extension doesn’t say it"), choices=tuple(FORMATS)),
            Parameter("--headings", _("How to write headings and choices"), choices=tuple(HEADINGS), default=NAMES),
            Parameter("--json", _("One JSON document about the export"), flag=True),
        ),
    ),
)
