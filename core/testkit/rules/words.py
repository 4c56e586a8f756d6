"""Rules about texts: each exists in both languages, in its owner's catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from babel.messages.pofile import PoFileError, read_po

from core.testkit.rules.package import Package, Rule
from core.testkit.rules.source import Source, marked, marked_in_templates

_BRACES = re.compile(r"\{(\w+)(?![^}]*\|)[^}]*\}")
"""`{count:record|records}` chooses a word, which other languages need not."""


def catalogue(file: Path) -> dict[str, str]:
    """What a catalogue says; what is marked as fuzzy does not count. Raises PoFileError for a file that is none."""
    if not file.exists():
        return {}
    with file.open("rb") as stream:
        return {str(message.id): str(message.string) for message in read_po(stream, abort_invalid=True) if message.id and not message.fuzzy}


def _all_marked(sources: Sequence[Source], file: Path) -> Iterator[tuple[str, str | None]]:
    """Texts of code, and of the templates of pages beside the catalogue."""
    yield from marked(sources)
    yield from marked_in_templates(file.parents[1] / "templates")


def untranslated(sources: Sequence[Source], file: Path) -> Iterator[str]:
    """Marked texts without a translation, and marks around what is no text."""
    known = catalogue(file)
    for place, text in _all_marked(sources, file):
        if text is None:
            yield f"{place}: what _() marks is no constant text"
        elif not known.get(text):
            yield f"{place}: {text!r} is not in {file.parent.name}/{file.name}"


def other_braces(file: Path) -> Iterator[str]:
    """Translations whose braces are not those of their texts."""
    for text, said in catalogue(file).items():
        if sorted(_BRACES.findall(text)) != sorted(_BRACES.findall(said)):
            yield f"{text!r} is translated with other braces: {said!r}"


def unsaid(sources: Sequence[Source], file: Path) -> Iterator[str]:
    """Texts of the catalogue that nobody says."""
    said = {text for _place, text in _all_marked(sources, file)}
    yield from (f"{text!r} is translated and nobody says it" for text in sorted(set(catalogue(file)) - said))


def _readable(package: Package) -> Iterator[str]:
    try:
        catalogue(package.catalogue)
    except (PoFileError, UnicodeDecodeError) as failure:
        yield f"{package.catalogue}: {failure}"
        return
    yield from untranslated(package.sources, package.catalogue)
    yield from other_braces(package.catalogue)
    yield from unsaid(package.sources, package.catalogue)


RULES = (
    Rule(
        "texts", "people read every text in their own language", "put it into locales/zh_CN.po beside the plugin, with the same braces",
        _readable, loaded=False,
    ),
)  # fmt: skip
