"""The boot sequence of the web process, on one screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask

from core.http import errors, pipeline
from core.http.addresses import Addresses
from core.http.docs import mount_docs
from core.http.entry_pages import mount_entry
from core.http.first_start import mount_first_start
from core.http.health import mount_health
from core.http.impersonations import mount_impersonations
from core.http.metrics import Metrics, mount_metrics
from core.http.mount import mount
from core.http.openapi import Descriptions, mount_openapi
from core.http.options import mount_options
from core.http.pages.entrance import Ways
from core.http.pages.mount import mount_pages
from core.http.providers import mount_providers
from core.http.security import Heads
from core.http.session import mount_session
from core.platform import Platform


class _Synchronous(Flask):
    """All that we mount are ordinary functions: Flask would look at each anew, several times in each request."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function as it is."""
        return func


def create_app(platform: Platform) -> Flask:
    """The web application of a booted platform."""
    app = _Synchronous("dealwright", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = platform.config.max_upload
    app.config["DEALWRIGHT_MAX_BODY"] = platform.config.max_body
    app.wsgi_app = Heads(app.wsgi_app, platform.config)  # type: ignore[method-assign]
    app.before_request(pipeline.start)
    app.after_request(pipeline.finish)
    metrics = app.config["DEALWRIGHT_METRICS"] = Metrics(platform)
    errors.install(app, platform)
    addresses, descriptions = Addresses(), Descriptions()
    sign_in = mount_session(addresses, platform)
    mount_impersonations(addresses, platform)
    mount_providers(addresses, platform)
    ask_reset = mount_entry(addresses, platform)
    begin = mount_first_start(addresses, platform)
    mount_health(addresses, platform)
    mount_metrics(addresses, platform, metrics)
    mount_openapi(addresses, platform, descriptions)
    mount_docs(addresses, platform, descriptions)
    mount(addresses, platform)
    mount_pages(app, addresses, platform, Ways(sign_in, ask_reset, begin))
    mount_options(addresses, platform, descriptions)
    addresses.mount(app)
    return app
