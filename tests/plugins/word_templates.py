"""Writes the Word templates of `plugins/orders/templates`: `python -m tests.plugins.word_templates`.

The files are what ships and what people edit; this is where they come from, and a test holds the two together.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

FOLDER = Path(__file__).parents[2] / "plugins" / "orders" / "templates"
TONE, SOFT = RGBColor(0x1F, 0x4E, 0x79), RGBColor(0x5B, 0x68, 0x75)
RIGHT, CENTER = WD_ALIGN_PARAGRAPH.RIGHT, WD_ALIGN_PARAGRAPH.CENTER
WIDTHS = (1.0, 5.2, 1.6, 1.9, 1.1, 1.2, 2.1, 1.7, 2.2)
CELLS = (
    "{{ one.position }}", "{{ one.description }}{% if one.sku %} ({{ one.sku }}){% endif %}", "{{ one.quantity }} {{ one.unit }}",
    "{{ one.unit_price.amount }}", "{% if one.discount %}{{ one.discount }}%{% endif %}", "{% if one.tax_rate %}{{ one.tax_rate }}%{% endif %}",
    "{{ one.net.amount }}", "{{ one.tax.amount }}", "{{ one.total.amount }}",
)  # fmt: skip
type_pairs = Sequence[tuple[str, str]]

ZH = {
    "tel": "电话", "mail": "邮箱", "tax": "税号", "to": "客户", "attn": "联系人", "page": ("第 ", " 页　共 ", " 页"),
    "head": ("序号", "名称", "数量", "单价", "折扣", "税率", "金额（不含税）", "税额", "价税合计"), "net": "不含税合计", "vat": "税额合计", "total": "价税合计",
    "words": "大写金额", "holder": "户名", "bank": "开户行", "account": "账号", "signature": "授权代表签字", "date": "日期", "seal": "（盖章）", "notes": "备注",
}  # fmt: skip
EN = {
    "tel": "Phone", "mail": "E-mail", "tax": "Tax no.", "to": "To", "attn": "Attn.", "page": ("Page ", " of ", ""),
    "head": ("No.", "Description", "Quantity", "Unit price", "Disc.", "Tax rate", "Net", "Tax", "Total"), "net": "Net total", "vat": "Tax",
    "total": "Total", "words": "In words", "holder": "Account holder", "bank": "Bank", "account": "Account no.", "signature": "Authorised signature",
    "date": "Date", "seal": "", "notes": "Notes",
}  # fmt: skip


class Paper:
    """A Word file in the making."""

    def __init__(self, words: dict[str, Any], title: str) -> None:
        self.words, self.file = words, Document()
        section = self.file.sections[0]
        section.page_width, section.page_height = Cm(21), Cm(29.7)
        section.left_margin = section.right_margin = Cm(1.6)
        section.top_margin, section.bottom_margin = Cm(1.8), Cm(1.8)
        style = self.file.styles["Normal"]
        style.font.name, style.font.size = "Calibri", Pt(10)
        style.element.rPr.rFonts.set(qn("w:eastAsia"), "Microsoft YaHei")
        style.paragraph_format.space_after = Pt(4)
        self.file.core_properties.title, self.file.core_properties.author = title, ""
        self._letterhead(section.header)
        self._footer(section.footer)

    def say(
        self, text: str, *, size: float = 10, bold: bool = False, colour: RGBColor | None = None, align: Any = None, where: Any = None
    ) -> Any:
        """A paragraph."""
        paragraph = where if where is not None else self.file.add_paragraph()
        run = paragraph.add_run(text)
        run.font.size, run.bold = Pt(size), bold
        if colour is not None:
            run.font.color.rgb = colour
        paragraph.alignment = align
        return paragraph

    def _letterhead(self, header: Any) -> None:
        name = header.paragraphs[0]
        for line in ("{%p if seller.logo %}", "{{ seller.logo }}", "{%p endif %}"):
            name.insert_paragraph_before(line)
        self.say("{{ seller.name }}", size=14, bold=True, colour=TONE, where=name)
        w = self.words
        line = (
            "{{ seller.address }}{% if seller.phone %}  "
            + w["tel"]
            + " {{ seller.phone }}{% endif %}{% if seller.email %}  "
            + w["mail"]
            + (" {{ seller.email }}{% endif %}{% if seller.tax_number %}  " + w["tax"] + " {{ seller.tax_number }}{% endif %}")
        )
        small = header.add_paragraph()
        self.say(line, size=8, colour=SOFT, where=small)
        _border(small, "bottom", 12)

    def _footer(self, footer: Any) -> None:
        paragraph = footer.paragraphs[0]
        first, middle, last = self.words["page"]
        for text, code in ((first, "PAGE"), (middle, "NUMPAGES")):
            self.say(text, size=8, colour=SOFT, where=paragraph)
            _field(paragraph, code)
        self.say(last, size=8, colour=SOFT, where=paragraph, align=RIGHT)

    def opening(self, title: str, facts: type_pairs) -> None:
        """The title, whom it is for, and facts where there are any."""
        self.say(title, size=20, bold=True, colour=TONE)
        table = self.file.add_table(rows=1, cols=2)
        left, right = table.rows[0].cells
        self.say(self.words["to"], colour=SOFT, where=left.paragraphs[0])
        self.say("{{ buyer.name }}", size=11, bold=True, where=left.add_paragraph())
        self.say("{{ buyer.address }}", where=left.add_paragraph())
        for line in ("{%p if buyer.tax_number %}", self.words["tax"] + " {{ buyer.tax_number }}", "{%p endif %}"):
            self.say(line, where=left.add_paragraph())
        self.say("{% if buyer.contact %}" + self.words["attn"] + " {{ buyer.contact }}{% endif %}", where=left.add_paragraph())
        for place, (label, name) in enumerate(facts):
            if place == 0:
                self.say("{% if " + name + " %}" + label + "  {{ " + name + " }}{% endif %}", where=right.paragraphs[0], align=RIGHT)
                continue
            for line in ("{%p if " + name + " %}", label + "  {{ " + name + " }}", "{%p endif %}"):
                self.say(line, where=right.add_paragraph(), align=RIGHT)
        self.say("{{ subject }}", bold=True)

    def lines(self) -> None:
        """The table of lines; its head stands on every page."""
        table = self.file.add_table(rows=4, cols=len(CELLS))
        table.autofit = False
        head, loop, body, end = table.rows
        loop.cells[0].text, end.cells[0].text = "{%tr for one in lines %}", "{%tr endfor %}"
        for row, texts, bold in ((head, self.words["head"], True), (body, CELLS, False)):
            for place, (cell, text) in enumerate(zip(row.cells, texts, strict=True)):
                align = CENTER if place == 0 else None if place == 1 else RIGHT
                self.say(text, size=8.5, bold=bold, colour=TONE if bold else None, where=cell.paragraphs[0], align=align)
                cell.paragraphs[0].paragraph_format.space_before = cell.paragraphs[0].paragraph_format.space_after = Pt(2)
            row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
        for column, width in zip(table.columns, WIDTHS, strict=True):
            column.width = Cm(width)
            for cell in column.cells:
                cell.width = Cm(width)
        head._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
        _rules(table)

    def sums(self) -> None:
        """Net, tax, total, and the total in words."""
        for label, name in ((self.words["net"], "net"), (self.words["vat"], "tax")):
            self.say(f"{label}　{{{{ {name} }}}}", align=RIGHT)
        self.say(f"{self.words['total']}　{{{{ total }}}}", size=12, bold=True, align=RIGHT)
        self.say(f"{self.words['words']}　{{{{ total.words }}}}", bold=True)

    def bank(self) -> None:
        """Where to pay to."""
        self.say("{%p if seller.bank_account %}")
        for label, name in (("holder", "name"), ("bank", "bank_name"), ("account", "bank_account")):
            self.say(f"{self.words[label]}　{{{{ seller.{name} }}}}")
        self.say("{%p endif %}")

    def only(self, name: str, text: str) -> None:
        """A paragraph that is there where a value is."""
        for line in ("{%p if " + name + " %}", text, "{%p endif %}"):
            self.say(line)

    def article(self, title: str) -> None:
        """The heading of an article."""
        paragraph = self.say(title, size=11, bold=True, colour=TONE)
        paragraph.paragraph_format.keep_with_next = True
        paragraph.paragraph_format.space_before = Pt(8)

    def signatures(self, left: str, right: str, signed: str) -> None:
        """Where both sign."""
        table = self.file.add_table(rows=1, cols=2)
        properties = table.rows[0]._tr.get_or_add_trPr()
        properties.append(OxmlElement("w:cantSplit"))
        for cell, role, name in zip(table.rows[0].cells, (left, right), ("buyer.name", "seller.name"), strict=True):
            self.say(role, bold=True, where=cell.paragraphs[0])
            self.say("{{ " + name + " }}" + self.words["seal"], where=cell.add_paragraph())
            cell.add_paragraph()
            line = cell.add_paragraph()
            _border(line, "bottom", 4)
            self.say(self.words["signature"], size=8.5, colour=SOFT, where=cell.add_paragraph())
            self.say(f"{self.words['date']}　{signed}", size=8.5, where=cell.add_paragraph())

    def content(self) -> bytes:
        """The file; the same at each run, as its parts carry no time."""
        made, fixed = BytesIO(), BytesIO()
        self.file.save(made)
        with zipfile.ZipFile(made) as source, zipfile.ZipFile(fixed, "w", zipfile.ZIP_DEFLATED) as sink:
            for name in source.namelist():
                if name != "docProps/thumbnail.jpeg":
                    sink.writestr(
                        zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), _without_thumbnail(name, source.read(name)), zipfile.ZIP_DEFLATED
                    )
        return fixed.getvalue()


def _without_thumbnail(name: str, part: bytes) -> bytes:
    """The picture of python-docx's own default template is not ours."""
    if name != "_rels/.rels":
        return part
    start = part.find(b"<Relationship ", 0)
    kept = [piece for piece in part[start:].split(b"<Relationship ") if piece and b"thumbnail" not in piece]
    tail = b"" if kept and kept[-1].endswith(b"</Relationships>") else b"</Relationships>"
    return part[:start] + b"".join(b"<Relationship " + piece for piece in kept) + tail


def _rules(table: Any) -> None:
    """Lines between the rows, none between the columns; narrow margins in the cells."""
    borders, margins = OxmlElement("w:tblBorders"), OxmlElement("w:tblCellMar")
    for side in ("top", "bottom", "insideH"):
        borders.append(_edge(side, 4))
    for side in ("left", "right"):
        margin = OxmlElement(f"w:{side}")
        margin.set(qn("w:w"), "60")
        margin.set(qn("w:type"), "dxa")
        margins.append(margin)
    table._tbl.tblPr.append(borders)
    table._tbl.tblPr.append(margins)


def _edge(side: str, size: int) -> Any:
    edge = OxmlElement(f"w:{side}")
    for name, value in (("val", "single"), ("sz", str(size)), ("space", "2"), ("color", "9FB0C0")):
        edge.set(qn(f"w:{name}"), value)
    return edge


def _border(paragraph: Any, side: str, size: int) -> None:
    borders = OxmlElement("w:pBdr")
    borders.append(_edge(side, size))
    paragraph._p.get_or_add_pPr().append(borders)


def _field(paragraph: Any, code: str) -> None:
    run = paragraph.add_run()
    run.font.size, run.font.color.rgb = Pt(8), SOFT
    for kind, text in (("begin", ""), ("", code), ("separate", ""), ("shown", "1"), ("end", "")):
        if kind in ("", "shown"):
            element = OxmlElement("w:instrText" if kind == "" else "w:t")
            element.text = text
        else:
            element = OxmlElement("w:fldChar")
            element.set(qn("w:fldCharType"), kind)
        run._r.append(element)


def invoice(words: dict[str, Any], zh: bool) -> Paper:
    """An invoice or a credit note."""
    paper = Paper(words, "发票" if zh else "Invoice")
    titles = ("红字发票", "发票", "（草稿）") if zh else ("Credit note", "Invoice", " (draft)")
    labels = (
        ("编号", "原发票编号", "开具日期", "付款期限", "订单编号", "经办人")
        if zh
        else ("Number", "Credits invoice", "Date", "Due", "Order", "Your contact")
    )
    names = ("number", "credits", "issued_on", "due_on", "order_number", "sales.name")
    title = "{% if credit_note %}" + titles[0] + "{% else %}" + titles[1] + "{% endif %}{% if draft %}" + titles[2] + "{% endif %}"
    paper.opening(title, tuple(zip(labels, names, strict=True)))
    paper.lines()
    paper.sums()
    said = (
        ("本单冲销上述原发票的相应金额。", "请于付款期限前将款项汇至以下账户，并注明发票编号。", "请于付款期限前付款，并注明发票编号。")
        if zh
        else (
            "This credit note takes back the amounts above of the invoice named.",
            "Please pay by the due date to the account below and state the number of the invoice.",
            "Please pay by the due date and state the number of the invoice.",
        )
    )
    paper.say("{% if credit_note %}" + said[0] + "{% elif seller.bank_account %}" + said[1] + "{% else %}" + said[2] + "{% endif %}")
    paper.bank()
    paper.only("notes", f"{words['notes']}　{{{{ notes }}}}")
    return paper


def quote(words: dict[str, Any], zh: bool) -> Paper:
    """A quote."""
    paper = Paper(words, "报价单" if zh else "Quote")
    labels = ("编号", "报价日期", "有效期至", "联系人") if zh else ("Number", "Date", "Valid until", "Your contact")
    paper.opening("报价单" if zh else "Quote", tuple(zip(labels, ("number", "quoted_on", "valid_until", "sales.name"), strict=True)))
    paper.say(
        "感谢您的询价。现就以下产品与服务报价如下。" if zh else "Thank you for your enquiry. We are pleased to offer you the following."
    )
    paper.lines()
    paper.sums()
    paper.only("valid_until", "本报价有效期至 {{ valid_until }}。" if zh else "This offer is good until {{ valid_until }}.")
    paper.only("notes", f"{words['notes']}　{{{{ notes }}}}")
    paper.say("如蒙订购，请签字盖章后回传。" if zh else "To order, please sign and return this quote.")
    paper.signatures(*(("客户确认", "报价方") if zh else ("Accepted by the customer", "Offered by")), "____________")
    return paper


def contract(words: dict[str, Any], zh: bool) -> Paper:
    """A contract."""
    paper = Paper(words, "销售合同" if zh else "Sales contract")
    paper.say("销售合同" if zh else "Sales contract", size=20, bold=True, colour=TONE, align=CENTER)
    number = ("合同编号", "订单编号") if zh else ("Contract no.", "Order no.")
    paper.say(f"{number[0]} {{{{ number }}}}{{% if order_number %}}　{number[1]} {{{{ order_number }}}}{{% endif %}}", size=9, align=RIGHT)
    for role, who in zip(("甲方（买方）", "乙方（卖方）") if zh else ("Buyer", "Seller"), ("buyer", "seller"), strict=True):
        paper.say(role + "　{{ " + who + ".name }}", bold=True)
        paper.say("{{ " + who + ".address }}", colour=SOFT)
        if who == "buyer":  # the seller's stands in the letterhead
            paper.only("buyer.tax_number", words["tax"] + " {{ buyer.tax_number }}")
    paper.say(
        "甲乙双方经友好协商，就{{ subject }}事宜订立本合同，共同遵守。"
        if zh
        else "The parties agree on the following concerning {{ subject }}."
    )
    titles = ("标的", "合同金额", "期限", "付款", "其他约定", "争议解决与份数") if zh else (
        "Subject matter", "Price", "Term", "Payment", "Further terms", "Disputes and copies",
    )  # fmt: skip
    heads = [f"第{'一二三四五六'[n]}条　{title}" if zh else f"{n + 1}. {title}" for n, title in enumerate(titles)]
    paper.article(heads[0])
    paper.say("{%p if lines %}")
    paper.say("乙方向甲方提供下列产品与服务：" if zh else "The seller provides the buyer with the following products and services:")
    paper.lines()
    paper.sums()
    paper.say("{%p else %}")
    paper.say(
        "乙方向甲方提供“{{ subject }}”项下的产品与服务。"
        if zh
        else "The seller provides the buyer with the products and services under “{{ subject }}”."
    )
    paper.say("{%p endif %}")
    paper.article(heads[1])
    paper.say(
        "合同总金额为 {{ value }}（大写：{{ value.words }}）。"
        if zh
        else "The total value of this contract is {{ value }} (in words: {{ value.words }})."
    )
    paper.article(heads[2])
    paper.say(_term(zh))
    paper.article(heads[3])
    to = ("至下列账户：", "。") if zh else (" to this account:", ".")
    paper.say(
        ("甲方按乙方开具的发票所载期限付款" if zh else "The buyer pays within the time stated on the invoices of the seller")
        + ("{% if seller.bank_account %}" + to[0] + "{% else %}" + to[1] + "{% endif %}")
    )
    paper.bank()
    paper.article(heads[4])
    left_open = (
        "未尽事宜，由双方协商并签订补充协议，补充协议与本合同具有同等效力。"
        if zh
        else "What this contract leaves open is settled in writing by both parties."
    )
    paper.say("{% if terms %}{{ terms }}{% else %}" + left_open + "{% endif %}")
    paper.article(heads[5])
    paper.say(
        "因本合同产生的争议，双方应协商解决；协商不成的，提交乙方所在地人民法院解决。本合同一式两份，双方各执一份，自双方签字盖章之日起具有法律效力。"
        if zh
        else "Disputes under this contract are settled by agreement or, failing that, by the courts at the seat of the seller. This contract is made "
        "in two copies, one for each party, and binds them from the day on which both have signed it."
    )
    paper.file.paragraphs[-1].paragraph_format.keep_with_next = True
    paper.signatures(
        *(("甲方", "乙方") if zh else ("Buyer", "Seller")), "{% if signed_on %}{{ signed_on }}{% else %}____________{% endif %}"
    )
    return paper


def _term(zh: bool) -> str:
    if zh:
        return (
            "本合同{% if starts_on %}自 {{ starts_on }} 起生效{% else %}自双方签字盖章之日起生效{% endif %}{% if ends_on %}，至 {{ ends_on }} 止{% endif %}。"
            '{% if renewal == "automatic" %}期满前三十日内双方均未书面提出异议的，自动续期，续期期限与本合同期限相同。{% elif renewal == "manual" %}'
            "期满后经双方书面同意可以续期。{% else %}期满即终止。{% endif %}"
        )
    return (
        "This contract takes effect on {% if starts_on %}{{ starts_on }}{% else %}the day on which both parties have signed it{% endif %}"
        '{% if ends_on %} and ends on {{ ends_on }}{% endif %}. {% if renewal == "automatic" %}It renews itself for the same length of time unless a party objects '
        'in writing no later than thirty days before its end.{% elif renewal == "manual" %}It may be renewed by written agreement of both parties.'
        "{% else %}It ends without notice.{% endif %}"
    )


def made() -> dict[str, bytes]:
    """The six files by name."""
    kinds = {"invoice": invoice, "quote": quote, "contract": contract}
    languages = {"zh_CN": (ZH, True), "en": (EN, False)}
    return {f"{name}_{locale}.docx": make(words, zh).content() for name, make in kinds.items() for locale, (words, zh) in languages.items()}


if __name__ == "__main__":
    for name, content in made().items():
        (FOLDER / name).write_bytes(content)
