"""The addresses of the web application: one rule for each, and what each method does there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

from flask import Flask, request
from flask import Response as FlaskResponse
from werkzeug.routing import BaseConverter, Map, Rule

type_view = Callable[..., FlaskResponse]
OF_ALL = frozenset({("core", "/search")})
"""Routes about all plugins stand beside those of each, as the session and the meta document do."""


def address_of(plugin: str, path: str) -> str:
    """Where a plugin's route stands."""
    return f"/api/v1{path}" if (plugin, path) in OF_ALL else f"/api/v1/{plugin}{path}"


def collection_of(plugin: str, path: str) -> str:
    """The collection of whose one record a plugin's route is about: of `/deals/{id}/moves` that of deals; "" of any other."""
    collection, one, _more = address_of(plugin, path).partition("/{id}")
    return collection if one else ""


class RecordId(BaseConverter):
    """The id of a record in an address: anything else is no record's address at all."""

    regex = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
    weight = 50  # before words of any form: `/forms/{token}` stands beside the records of `/forms`


class Address(Rule):
    """A rule that makes the builder of its URLs when one is asked for: nothing here asks, and making them was nine tenths of the start."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compiled = super()._compile_builder

        def build(rule: Rule, **values: object) -> tuple[str, str]:
            return compiled(append_unknown)(rule, **values)

        return build


class Addresses:
    """What is to be mounted. Example: `addresses.add("/health/live", "GET", live)`."""

    def __init__(self) -> None:
        self._views: dict[str, dict[str, type_view]] = {}

    def add(self, rule: str, method: str, view: type_view) -> None:
        """A view for a method at the rule of werkzeug's routing; the first one stays."""
        self._views.setdefault(rule, {}).setdefault(method, view)

    def at(self, rule: str, method: str) -> type_view | None:
        """The view for a method at a rule."""
        return self._views.get(rule, {}).get(method)

    def methods(self) -> Iterator[tuple[str, frozenset[str]]]:
        """Each rule with the methods that it has by now."""
        yield from [(rule, frozenset(views)) for rule, views in self._views.items()]

    def mount(self, app: Flask) -> None:
        """Each address as one rule of the application."""
        app.extensions["dealwright.addresses"] = self
        app.url_map = _map_of(tuple(self.methods()))
        app.view_functions |= {rule: _by_method(views) for rule, views in self._views.items()}


@lru_cache(maxsize=8)
def _map_of(rules: tuple[tuple[str, frozenset[str]], ...]) -> Map:
    """The rules, which applications over the same plugins share: to read their patterns takes longer than all the rest of an application."""
    made = Map(converters={"record": RecordId})
    for rule, methods in rules:
        made.add(Address(rule, endpoint=rule, methods=sorted(methods)))
    return made


def _by_method(views: Mapping[str, type_view]) -> type_view:
    def view(**path: str) -> FlaskResponse:
        return views["GET" if request.method == "HEAD" else request.method](**path)

    return view
