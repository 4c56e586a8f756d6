"""Text that people read, declared in English and translated where it is shown."""

from __future__ import annotations


class Text(str):
    """A message id in English; core looks up its translation in the owner's catalogue when it is shown."""

    __slots__ = ()


def _(message: str) -> Text:
    """Mark `message` for translation; `locales/<locale>.po` beside the plugin holds its other languages."""
    return Text(message)
