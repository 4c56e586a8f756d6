"""The templates of all plugins: one environment for each language, so that a text is looked up where it is shown and nowhere else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from jinja2 import BytecodeCache, Environment, FunctionLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from core.pages.formats import chart_marks, filters
from core.translation import Translator
from sdk import Text

KIT = "kit"
"""The folder of the frame's own macros and layouts, which every plugin may use without naming the frame."""


class Templates:
    """`folders` are the packages' folders by plugin, `packages` their addresses in an import; `kit` is the plugin with the frame,
    whose pages begin with `prefix`."""

    def __init__(self, translator: Translator, folders: Mapping[str, Path], packages: Mapping[str, str], kit: str, prefix: str) -> None:
        self._translator, self._folders, self._packages, self._kit = translator, folders, packages, kit
        self.prefix = prefix
        self._environments: dict[str, Environment] = {}
        self._lock = threading.Lock()
        self.asset: Callable[[str], str] = str
        """The address of a static file by its name; who serves them sets it."""
        self.compiled: Callable[[str], BytecodeCache | None] = lambda _locale: None
        """Where what was compiled is kept for others than these, by locale: what is constant is worked out in it."""

    def draw(self, locale: str, template: str, values: Mapping[str, object]) -> str:
        """A template as HTML; raises jinja2.TemplateError for one that is not there or asks for what it was not given."""
        return self._environment(locale).get_template(template).render(values)

    def _environment(self, locale: str) -> Environment:
        with self._lock:
            found = self._environments.get(locale)
            if found is None:
                found = self._environments[locale] = self._made(locale)
        return found

    def _made(self, locale: str) -> Environment:
        made = Environment(
            loader=FunctionLoader(self._source), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
            auto_reload=False, cache_size=-1, bytecode_cache=self.compiled(locale),
        )  # fmt: skip
        made.filters.update(filters(locale))

        @pass_context
        def say(context: Context, text: str, **params: object) -> str:
            said = text if isinstance(text, Text) else Text(text, self._packages.get(self._plugin(context.name or ""), ""))
            return self._translator.say(said, locale, params)

        made.globals.update(_=say, asset=self._asset, locale=locale, prefix=self.prefix, chart_marks=chart_marks)
        return made

    def _asset(self, name: str) -> str:
        return self.asset(name)

    def _plugin(self, template: str) -> str:
        first = template.partition("/")[0]
        return self._kit if first == KIT else first

    def _source(self, name: str) -> tuple[str, str, None] | None:
        folder = self._folders.get(self._plugin(name))
        file = folder / "templates" / name if folder is not None and ".." not in name else None
        if file is None or not file.is_file():
            return None
        return file.read_text(encoding="utf-8"), str(file), None
