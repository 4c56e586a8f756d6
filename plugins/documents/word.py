"""Word files filled by docxtpl; runs in the renderer's process alone."""

from __future__ import annotations

import re
import zipfile
from base64 import b64decode
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

from docx import Document
from docx.shared import Mm
from docx.text.paragraph import Paragraph
from docxtpl import DocxTemplate, InlineImage
from jinja2 import StrictUndefined, TemplateSyntaxError, UndefinedError, nodes
from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from plugins.documents.archive import RefusedError, check_word
from plugins.documents.values import PICTURE

_TAGS = re.compile(r"<[^>]*>")
PICTURE_HEIGHT = Mm(13)
MOST_BLOCKS = 400
"""Paragraphs and rows of a preview."""
UNSAFE_FILTERS = ("safe", "pprint", "xmlattr", "tojson", "urlize", "attr", "map", "forceescape")
"""What would put markup into the file unescaped, or reach attributes by name."""


class Values(dict[str, Any]):
    """A group of values: `{{ total }}` shows its text, `{{ total.words }}` a part of it; it is nothing where its text is empty."""

    path = ""

    def __str__(self) -> str:
        return str(self["text"]) if "text" in self else ""

    def __bool__(self) -> bool:
        return bool(self.get("text", True))


class Drawn:
    """A picture in a Word file, of which a template gets the markup and nothing else: docxtpl's own object has the file system behind it."""

    __slots__ = ("__html__",)

    def __init__(self, image: InlineImage) -> None:
        self.__html__ = lambda: str(image)

    def __str__(self) -> str:
        return ""


def grouped(value: object, path: str, draw: Callable[[bytes], object]) -> object:
    """Values that know where they stand, and pictures as `draw` makes them of PNG files; no picture is an empty text."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        if value.keys() == {PICTURE}:
            return draw(b64decode(str(value[PICTURE])))
        made = Values({name: grouped(part, f"{path}.{name}" if path else name, draw) for name, part in value.items()})
        made.path = path
        return made
    if isinstance(value, list):
        return [grouped(part, f"{path}[]", draw) for part in value]
    return value


class Missing(StrictUndefined):
    """A name that is not there: any use of it names it in full."""

    @property
    def full_name(self) -> str:
        """From the top, as far as it is known."""
        path = self._undefined_obj.path if isinstance(self._undefined_obj, Values) else ""
        return f"{path}.{self._undefined_name}" if path else str(self._undefined_name)

    def _fail_with_undefined_error(self, *_args: Any, **_kwargs: Any) -> Any:
        raise UndefinedError(f"\x00{self.full_name}")

    __str__ = __iter__ = __len__ = __bool__ = __eq__ = __ne__ = __hash__ = __contains__ = _fail_with_undefined_error
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __mod__ = __truediv__ = __lt__ = __gt__ = __call__ = (
        _fail_with_undefined_error
    )
    __getitem__ = __int__ = __float__ = __neg__ = _fail_with_undefined_error


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja that reaches values and nothing else: of groups only what is in them, never a method."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Values):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        return self.undefined(obj=obj, name=attribute) if isinstance(obj, Drawn) else super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Values):
            return obj[argument] if argument in obj else self.undefined(obj=obj, name=str(argument))
        return self.undefined(obj=obj, name=str(argument)) if isinstance(obj, Drawn) else super().getitem(obj, argument)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """`translate` makes brackets of any sign, also in text that has been made safe, as what a macro gives."""
        return attr != "translate" and super().is_safe_attribute(obj, attr, value)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for node in tree.find_all((nodes.ScopedEvalContextModifier, nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)):
            raise TemplateSyntaxError("autoescape, include, import and extends are not part of a Word template", node.lineno)
        return tree


def _sandbox() -> Sandbox:
    made = Sandbox(undefined=Missing, autoescape=True)
    for name in UNSAFE_FILTERS:
        made.filters.pop(name, None)
    return made


def fill(content: bytes, values: Mapping[str, object], *, check: bool) -> bytes:
    """The Word file with its variables filled in; raises RefusedError. With `check`, names in parts that this filling passes by count too."""
    check_word(content)
    try:
        if check:
            _check_names(content, values)
        template = DocxTemplate(BytesIO(content))

        def draw(content: bytes) -> object:
            return Drawn(InlineImage(template, BytesIO(content), height=PICTURE_HEIGHT))

        template.render(grouped(values, "", draw), _sandbox(), autoescape=True)
        out = BytesIO()
        template.save(out)
        check_word(out.getvalue(), ours=True)  # what is put together only now is held against the same rules, however much it has become
        return _timeless(out.getvalue())
    except UndefinedError as failure:
        raise RefusedError("missing_variable", str(failure).rpartition("\x00")[2].removesuffix(" is undefined").strip("'")) from failure
    except TemplateError as failure:
        near = " ".join(_TAGS.sub(" ", str(line)).strip() for line in getattr(failure, "docx_context", ()))
        line = failure.lineno if isinstance(failure, TemplateSyntaxError) else 0
        raise RefusedError("template_error", detail=f"{failure}", line=line, file=" ".join(near.split())[:120]) from failure
    except (MemoryError, OverflowError) as failure:
        raise RefusedError("too_much") from failure
    except RefusedError:
        raise
    except Exception as failure:  # docxtpl and python-docx raise anything for files that are only nearly Word
        raise RefusedError("template_error", detail=f"{type(failure).__name__}: {failure}"[:300]) from failure


def blocks(content: bytes) -> list[list[str]]:
    """What a filled Word file says, without its look: a paragraph as ["", text], a heading as ["#", text], a row as ["|", cells...]."""
    found: list[list[str]] = []
    for part in Document(BytesIO(content)).iter_inner_content():
        if isinstance(part, Paragraph):
            heading = str(getattr(part.style, "name", "")).startswith(("Heading", "Title"))
            if part.text.strip():
                found.append(["#" if heading else "", part.text])
        else:
            found += [["|", *(cell.text for cell in row.cells)] for row in part.rows]
        if len(found) > MOST_BLOCKS:
            break
    return found[:MOST_BLOCKS]


def _timeless(content: bytes) -> bytes:
    """The same document is the same bytes, whenever it is written: python-docx stamps the parts with the clock of the machine."""
    made = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as source, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as sink:
        for name in source.namelist():
            sink.writestr(zipfile.ZipInfo(name), source.read(name), zipfile.ZIP_DEFLATED)
    return made.getvalue()


def _check_names(content: bytes, values: Mapping[str, object]) -> None:
    unknown = DocxTemplate(BytesIO(content)).get_undeclared_template_variables(_sandbox()) - values.keys()
    if unknown:
        raise RefusedError("missing_variable", min(unknown))
