"""Charts in pages: the library that draws Vega-Lite specifications, as one file that is made once and loaded only where a chart is."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec

from sdk import MadeFile


def bundle() -> bytes:
    """Vega-Embed, Vega-Lite and Vega as one script without anything from elsewhere; some seconds of work."""
    import vl_convert  # noqa: PLC0415 (an extra: pages are there without charts, too)

    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").encode()


def _made() -> Mapping[str, MadeFile]:
    if find_spec("vl_convert") is None:
        return {}
    return {"vega.js": MadeFile(version("vl-convert-python"), bundle)}


MADE = _made()
"""Nothing where the extra `reports` is not installed: pages then show the table of the numbers alone."""
