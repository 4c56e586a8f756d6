"""Words that set-up has stored, in the language of who reads a page, until somebody puts others in their place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from core.translation import LOCALES, Translator
from sdk import Text
from sdk.fields import LinkField

if TYPE_CHECKING:
    from core.context import Work
    from core.entities.shape import Shape
    from core.extension.catalog import Catalog

_ROLE = "core.role"
type_texts = Mapping[str, Mapping[str, Text]]


class Seeded:
    """By entity and field, the texts of master data by what they are in each language: a record that still has one of these has not been
    renamed. Programs get what is stored."""

    def __init__(self, catalog: Catalog, translator: Translator) -> None:
        self._texts: dict[str, dict[str, dict[str, Text]]] = {}
        for entity, name, text in _marked(catalog):
            known = self._texts.setdefault(entity, {}).setdefault(name, {})
            for locale in LOCALES:
                known.setdefault(translator.say(text, locale), text)

    def retell(self, work: Work, shape: Shape, rows: Iterable[dict[str, Any]], include: Sequence[str] = ()) -> None:
        """Put the reader's words into rows of an entity, and into the records that they include."""
        inner = [(name, texts) for name in include if (texts := self._of_link(shape, name))]
        own = self._texts.get(shape.entity.full_name, {})
        if not own and not inner:
            return
        for row in rows:
            _retold(work, own, row)
            for name, texts in inner:
                if isinstance(row.get(name), dict):
                    _retold(work, texts, row[name])

    def retell_groups(self, work: Work, shape: Shape, by: Sequence[str], rows: Iterable[dict[str, Any]]) -> None:
        """The same for the groups of an aggregate: links by the titles of their records, and fields of linked records."""
        told = [(word, texts) for word in by if (texts := self._of_dimension(work, shape, word.partition(":")[0]))]
        if told:
            for row in rows:
                for word, texts in told:
                    if (text := texts.get(row.get(word) or "")) is not None:
                        row[word] = work.say(text)

    def _of_link(self, shape: Shape, name: str) -> type_texts:
        field = shape.fields.get(name)
        target = shape.target(field) if isinstance(field, LinkField) else None
        return self._texts.get(target.full_name, {}) if target is not None else {}

    def _of_dimension(self, work: Work, shape: Shape, word: str) -> Mapping[str, Text]:
        name, _dot, beyond = word.partition(".")
        field = shape.fields.get(name)
        target = shape.target(field) if isinstance(field, LinkField) else None
        if target is None:
            return self._texts.get(shape.entity.full_name, {}).get(name, {})
        if beyond:
            return self._of_dimension(work, work.reader(target).shape, beyond)
        return self._texts.get(target.full_name, {}).get(target.title, {})


def _marked(catalog: Catalog) -> Iterator[tuple[str, str, Text]]:
    for data in catalog.master_data:
        for row in data.rows:
            yield from ((data.entity, name, value) for name, value in row.items() if isinstance(value, Text))
    yield from ((_ROLE, "name", role.label) for _owner, role in catalog.roles.values())


def _retold(work: Work, texts: type_texts, row: dict[str, Any]) -> None:
    for name, known in texts.items():
        value = row.get(name)
        if isinstance(value, str) and (text := known.get(value)) is not None:
            row[name] = work.say(text)
