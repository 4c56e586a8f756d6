"""Texts in the language of who reads them, from the `.po` files beside core and each plugin."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from babel.messages.pofile import read_po

from sdk.errors import NO_PARAMS, Params
from sdk.text import Text

SOURCE_LOCALE = "en"


class Translator:
    """Looks a message id up in the catalogues of a locale; what is not there is shown in English."""

    def __init__(self, folders: list[Path]) -> None:
        self._folders = folders
        self._messages: dict[str, Mapping[str, str]] = {}

    def say(self, text: str, locale: str, params: Params = NO_PARAMS) -> str:
        """The text in `locale` with its braces filled; marked texts among the parameters are translated, people's own words are not."""
        messages = self._of(locale)
        said = messages.get(text, text)
        if not params and "{" not in said:
            return said
        return said.format(**{k: messages.get(v, v) if isinstance(v, Text) else v for k, v in params.items()})

    def _of(self, locale: str) -> Mapping[str, str]:
        if locale == SOURCE_LOCALE:
            return {}
        if locale not in self._messages:
            self._messages[locale] = dict(pair for folder in self._folders for pair in _read(folder / f"{locale}.po").items())
        return self._messages[locale]


def _read(file: Path) -> dict[str, str]:
    if not file.exists():
        return {}
    with file.open("rb") as source:
        catalogue = read_po(source)
    return {str(message.id): str(message.string) for message in catalogue if message.id and message.string}
