"""A browser without a screen: it follows links and sends forms as a page has them, and does not run scripts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lxml import html
from werkzeug.test import TestResponse

from core.testkit.fixtures import Api

ROOT = "/console"


class Look:
    """A page that was answered. `look.all("h1")` finds elements by CSS-like XPath, `look.text` is what it reads."""

    def __init__(self, answer: TestResponse) -> None:
        self.answer, self.status = answer, answer.status_code
        self.tree: Any = html.fromstring(answer.text) if answer.text.strip() else html.fromstring("<p></p>")

    @property
    def text(self) -> str:
        """All words, with single spaces."""
        return " ".join(self.tree.text_content().split())

    @property
    def heading(self) -> str:
        """The words of its first heading."""
        return " ".join(self.tree.xpath("string(//h1)").split())

    def all(self, path: str) -> list[Any]:
        """The elements of an XPath."""
        found: list[Any] = self.tree.xpath(path)
        return found

    def texts(self, path: str) -> list[str]:
        """What these elements read."""
        return [" ".join(one.text_content().split()) for one in self.all(path)]

    def links(self) -> dict[str, str]:
        """Where the links lead, by what they read."""
        return {" ".join(one.text_content().split()): one.get("href") for one in self.all("//a[@href]")}

    def rows(self) -> list[list[str]]:
        """The cells of the first table."""
        return [
            [" ".join(cell.text_content().split()) for cell in row.xpath("./td[not(@class='pick' or @class='ticks')]")]
            for row in self.all("(//table)[1]/tbody/tr")
        ]

    def form(self, number: int = -1) -> dict[str, str]:
        """What a form would send, untouched; the last one unless `number` says which."""
        forms = [one for one in self.tree.forms if one.method.upper() == "POST" and "/me/" not in (one.action or "")]
        return dict(forms[number].form_values())


class Site:
    """The pages as one person sees them, by that person's token."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def get(self, path: str, query: Mapping[str, Any] | None = None, *, part: str = "") -> Look:
        """A page; `part` asks as a script does, for the element of that id."""
        headers = {"HX-Request": "true", "HX-Target": part} if part else {}
        return Look(self.api.get(ROOT + path, query, headers=headers))

    def post(self, path: str, form: Mapping[str, Any]) -> Look:
        """Send a form."""
        return Look(self.api.call("POST", ROOT + path, data=dict(form)))

    def sent(self, path: str, **typed: str) -> Look:
        """Open the form of a page that there is, fill in what is typed, send it."""
        page = self.get(path)
        assert page.status == 200, f"{path}: {page.status} {page.text[:300]}"
        return self.post(path, {**page.form(), **typed})
