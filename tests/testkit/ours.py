"""What of our plugins may differ in answers to the leak kit, and why."""

from __future__ import annotations

from collections.abc import Mapping

WAIVERS: Mapping[tuple[str, str], str] = {
    ("duplicates", ""): "how many likely duplicates there are is told to who would make another: decision 0019",
    ("route", "import_export.import"): "fails alike in both: a made-up import holds no JSON where its plugin writes some",
    ("page", "import_export.import"): "fails alike in both, as its routes do",
    ("page", "reports.dashboard"): "shows the tiles of dashboards to whom these are meant for, whatever rights they have on tiles",
    ("page", "web_forms.form"): "shows the link of a form",
    ("route", "web_forms.form"): "the link of a form is of its installation and its moment, and so differs between the two",
    ("route", "forecast.run"): "fails alike in both: a made-up run holds no JSON where its plugin writes some",
    ("route", "forecast.result"): "fails alike in both: a made-up back-test holds no JSON where its plugin writes some",
}  # fmt: skip


WORKED_OUT = {
    "pipeline.deal": {"forecast.weighted": ("amount", "probability"), "forecast.weighted_base": ("base_amount", "probability")},
}  # fmt: skip
"""A weighted amount is granted as its deal's own fields are (`plugins.forecast.weighted`)."""
