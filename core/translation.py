"""Texts in the language of who reads them, from the `.po` files beside core and each plugin."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from babel.messages.pofile import read_po

from sdk.errors import NO_PARAMS, Params
from sdk.messages import Flawed
from sdk.text import Text, Told, filled

SOURCE_LOCALE = "en"
LOCALES = (SOURCE_LOCALE, "zh_CN")
"""The languages that texts are in."""


class Translator:
    """Looks a message id up in the catalogue of the package that said it, then in all; what is nowhere is shown in English."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = folders
        self._messages: dict[str, dict[str, Mapping[str, str]]] = {}
        self._merged: dict[str, Mapping[str, str]] = {}

    def say(self, text: str, locale: str, params: Params = NO_PARAMS) -> str:
        """The text in `locale` with its braces filled; marked texts among the parameters are translated, people's own words are not."""
        if isinstance(text, Told):  # people's own words, braces among them
            return text.others.get(locale, str(text))
        said = self._found(text, locale)
        if not params and "{" not in said:
            return said
        parts = {name: self._part(value, locale) for name, value in params.items()}
        return filled(said, parts)

    def _part(self, value: object, locale: str) -> object:
        if isinstance(value, Flawed):
            return self.say(value.flaw.message, locale, value.flaw.params)
        if isinstance(value, Told):
            return self.say(value, locale)
        return self._found(value, locale) if isinstance(value, Text) else value

    def _found(self, text: str, locale: str) -> str:
        if locale == SOURCE_LOCALE:
            return text
        if locale not in self._messages:
            self._messages[locale] = {package: _read(folder / f"{locale}.po") for package, folder in self._folders.items()}
            self._merged[locale] = dict(pair for messages in self._messages[locale].values() for pair in messages.items())
        package = getattr(text, "module", "")
        while package:
            if found := self._messages[locale].get(package, {}).get(text):
                return found
            package = package.rpartition(".")[0]
        return self._merged[locale].get(text, text)


def _read(file: Path) -> dict[str, str]:
    if not file.exists():
        return {}
    with file.open("rb") as source:
        catalogue = read_po(source)
    return {str(message.id): str(message.string) for message in catalogue if message.id and message.string}
