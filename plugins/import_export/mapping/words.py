"""What a heading may say: a field's name, its labels in both languages, and what other systems and people call it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from plugins.import_export.mapping.elsewhere import ELSEWHERE
from plugins.import_export.mapping.units import Unit, counts, unit_of
from sdk import Context, _
from sdk.fields import Field, MoneyField

LOCALES: Final = ("en", "zh_CN")
CURRENCY: Final = "currency"
"""Behind the name of a field: the column of its currency."""
_WORD = re.compile(r"[\W_]+")
_CHOICES = re.compile(r"\[[^\[\]]*\|[^\[\]]*\]\s*\*?\s*\Z")
"""What a template writes behind a heading: `Class [key|normal|small]`."""
_REQUIRED = re.compile(r"\s*[(（\[【]\s*(?:必填项?|必须|required|mandatory|pflichtfeld|obligatoire)\s*[)）\]】]\s*\Z", re.IGNORECASE)
"""What other systems write behind the headings of their templates."""
_ZONED = re.compile(r"\((UTC|[A-Za-z_]+/[A-Za-z0-9_+/-]+)\)\s*\Z", re.ASCII)
"""What an export writes behind the heading of instants: `Starts (Asia/Shanghai)`."""

_SIMPLE: Final = str.maketrans(
    "電話聯絡繫郵備註職稱業產員數國區類別單價規編號網稅統戶負責預計來階狀態標籤幣種時間開營額點說縣鎮層級經歷總關鍵機會實際號碼務導購買賣貨銷訂記錄錢遞證據優勢審輯",
    "电话联络系邮备注职称业产员数国区类别单价规编号网税统户负责预计来阶状态标签币种时间开营额点说县镇层级经历总关键机会实际号码务导购买卖货销订记录钱递证据优势审辑",
)
"""Signs of traditional Chinese in headings as those of ours."""
SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    "account": ("Company", "Company name", "Account name", "Customer", "Customer name", "Organization", "Organisation", "Organization name",
                "Associated company", "Primary company", "Related customer",
                "客户", "客户名称", "公司", "公司名称", "单位", "单位名称", "企业名称", "所属客户", "所属公司"),
    "address": ("Street", "Street address", "Address line 1", "Billing street", "Billing address", "Mailing street", "Mailing address",
                "地址", "联系地址", "详细地址", "公司地址", "通讯地址", "街道"),
    "amount": ("Deal value", "Deal amount", "Value", "Expected revenue", "Total", "金额", "商机金额", "预计金额", "合同金额", "销售金额"),
    "birthday": ("Birthdate", "Date of birth", "DOB", "生日", "出生日期", "出生年月"),
    "city": ("Town", "Billing city", "Mailing city", "City/Town", "城市", "所在城市", "市"),
    "close_date": ("Closing date", "Expected close date", "Expected closing", "预计成交日期", "预计成交时间", "预计签单日期", "预计结单日期", "结束日期"),
    "company": ("Company name", "Organization", "Organisation", "Account name", "公司", "公司名称", "单位", "单位名称", "企业名称"),
    "contact": ("Contact name", "Contact person", "Primary contact", "Associated contact", "联系人", "联系人姓名", "客户联系人"),
    "country": ("Country/Region", "Billing country", "Mailing country", "国家", "国家/地区", "国家地区"),
    "currency": ("Currency code", "Currency ISO code", "币种", "货币"),
    "email": ("E-mail", "Email address", "E-mail address", "Mail", "Work email", "Contact email", "邮箱", "电子邮箱", "电子邮件", "邮件", "邮箱地址",
              "邮件地址", "工作邮箱"),
    "employees": ("Number of employees", "No. of employees", "Employee count", "Company size", "Headcount",
                  "员工数", "员工人数", "员工总数", "公司规模", "人数"),
    "industry": ("Sector", "Vertical", "行业", "所属行业", "行业类型"),
    "notes": ("Note", "Description", "Comment", "Comments", "Remark", "Remarks", "Internal notes", "备注", "备注信息", "说明", "描述"),
    "owner": ("Account owner", "Contact owner", "Lead owner", "Deal owner", "Opportunity owner", "Company owner", "Record owner", "Owner name",
              "Salesperson", "Sales rep", "Assigned to", "Responsible",
              "负责人", "所有人", "所属人", "归属人", "销售", "销售员", "销售负责人", "业务员", "跟进人"),
    "parent": ("Parent account", "Parent company", "Parent name", "上级公司", "上级客户", "母公司"),
    "phone": ("Telephone", "Telephone number", "Phone number", "Tel", "Tel.", "Work phone", "Business phone", "Main phone", "Company phone", "Mobile",
              "Mobile phone", "Mobile number", "Mobile phone number", "Cell", "Cell phone",
              "电话", "电话号码", "联系电话", "公司电话", "手机", "手机号", "手机号码",
              "移动电话", "座机", "固定电话"),
    "position": ("Sequence", "Order", "顺序", "排序"),
    "postal_code": ("Zip", "Zip code", "Postcode", "Zip/Postal code", "Billing zip/postal code", "邮编", "邮政编码"),
    "price": ("Unit price", "List price", "Sales price", "Price per unit", "单价", "价格", "标准价格", "售价"),
    "quantity": ("Qty", "Qty.", "Number", "数量", "件数"),
    "revenue": ("Turnover", "Yearly revenue", "Annual turnover", "年收入", "年营业额", "营业额", "年销售额"),
    "sku": ("Product code", "Item number", "Internal reference", "Article number", "产品编码", "产品编号", "商品编码", "货号"),
    "source": ("Lead source", "Original source", "Record source", "来源", "线索来源", "客户来源"),
    "stage": ("Stage name", "Deal stage", "Sales stage", "Opportunity stage", "阶段", "商机阶段", "销售阶段"),
    "state": ("Status", "Lead status", "状态", "线索状态"),
    "subject": ("Topic", "Activity name", "Task name", "主题", "标题"),
    "tags": ("Tag", "Labels", "Label", "标签"),
    "tax_number": ("VAT", "VAT number", "Tax id", "Tax ID number", "税号", "纳税人识别号", "统一社会信用代码"),
    "title": ("Position", "Job position", "Designation", "Role", "职位", "职务", "岗位", "头衔"),
    "website": ("Web site", "URL", "Web", "Homepage", "Company domain name", "Domain", "网址", "网站", "公司网址", "公司网站", "官网", "主页"),
    "wechat": ("WeChat id", "Weixin", "微信", "微信号"),
}  # fmt: skip
"""By the name of a field what Salesforce, HubSpot, Odoo and Zoho call it in their files, and people in theirs."""
GIVEN: Final = ("First name", "Given name", "Forename", "Vorname", "Prénom", "Nombre", "名", "名字")
FAMILY: Final = (
    "Last name",
    "Surname",
    "Family name",
    "Nachname",
    "Familienname",
    "Zuname",
    "Nom",
    "Nom de famille",
    "Apellidos",
    "Apellido",
    "姓",
    "姓氏",
)


def words_of(ctx: Context, fields: Mapping[str, Field]) -> dict[str, str]:
    """What a heading may say: a field's name, or its label in either language where no other field has that."""
    labels: dict[str, set[str]] = {}
    speaking = [ctx, *(ctx.speaking(locale) for locale in LOCALES)]
    for name, one in fields.items():
        for word in (one.label, *(speaker.say(one.label) for speaker in speaking)):
            labels.setdefault(plain(word), set()).add(name)
    return {word: next(iter(names)) for word, names in labels.items() if len(names) == 1} | {plain(name): name for name in fields}


def written(fields: Mapping[str, Field], *, history: bool = False) -> dict[str, Field]:
    """The fields that an import writes; with `history` those, too, that only history brings."""
    return {name: one for name, one in fields.items() if not one.readonly or (history and one.historic)}


def apart_of(ctx: Context, fields: Mapping[str, Field], written: Mapping[str, Field]) -> frozenset[str]:
    """Headings, to the letter, that no column is for: the names of fields that are not written, and the currencies of amounts."""
    apart = {name for name in fields if name not in written}
    speaking = [ctx, *(ctx.speaking(locale) for locale in LOCALES)]
    for name, one in fields.items():
        if isinstance(one, MoneyField):
            apart |= {currency_of(speaker, one, word) for speaker in speaking for word in (name, speaker.say(one.label))}
    return frozenset(apart - written.keys())


def currency_of(ctx: Context, field: Field, heading: str) -> str:
    """The heading of the currency of a field whose amount stands under `heading`."""
    return f"{heading} {CURRENCY if heading == field.name else ctx.say(_('Currency'))}"


def synonyms_of(fields: Mapping[str, Field]) -> dict[str, str]:
    """What else a heading may say; the words that a field has itself come before those that any field of its name has."""
    own = _only({name: one.synonyms for name, one in fields.items()})
    return _only({name: (*SYNONYMS.get(name, ()), *ELSEWHERE.get(name, ())) for name in fields}) | own


def by_name_alone(headings: Collection[str], words: Mapping[str, str], asked: Collection[str] = ()) -> set[str]:
    """Headings that are called by the name of a field where another one has its label: of Title and Job title the first is a form of address."""
    named = {heading: words[plain(heading)] for heading in headings if heading not in asked and plain(heading) in words}
    labelled = {name for heading, name in named.items() if plain(heading) != plain(name)}
    return {heading for heading, name in named.items() if name in labelled and plain(heading) == plain(name)}


def _only(words: Mapping[str, Iterable[str]]) -> dict[str, str]:
    meant: dict[str, set[str]] = {}
    for name, several in words.items():
        for word in several:
            meant.setdefault(plain(word), set()).add(name)
    return {word: next(iter(names)) for word, names in meant.items() if len(names) == 1}


def plain(word: str) -> str:
    """A heading without case, punctuation, the mark of what is required, and the choices that a template lists."""
    return _WORD.sub("", _REQUIRED.sub("", _CHOICES.sub("", bare(word))).casefold()).translate(_SIMPLE)


def measured(words: Mapping[str, str], synonyms: Mapping[str, str], fields: Mapping[str, Field], heading: str) -> str:
    """The field that a heading says with a unit behind it which counts there; "" for none."""
    said, unit = unit_of(heading)
    name = "" if unit is None else words.get(plain(said)) or synonyms.get(plain(said), "")
    return name if name and unit is not None and counts(fields[name], unit) else ""


def bare(heading: str) -> str:
    """A heading without the time zone behind it."""
    return _ZONED.sub("", heading).strip()


def zoned(heading: str, zone: str) -> str:
    """The heading of instants that stand in the time of a zone."""
    return f"{heading} ({zone})"


def zone_of(heading: str) -> str:
    """The time zone that a heading names; "" for none, and for one that nobody knows."""
    found = _ZONED.search(heading)
    try:
        return "" if found is None else ZoneInfo(found[1]).key
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones is told as an error of the file system
        return ""


def units_of(ctx: Context, headings: Mapping[str, str], fields: Mapping[str, Field], above: str) -> dict[str, Unit]:
    """What headings say of all numbers below them, and a line `above` them of all amounts that say nothing else; a unit that is in the label of
    the field itself is that in which it is kept."""
    words, said = words_of(ctx, fields), {name: unit_of(heading)[1] for name, heading in headings.items()}
    of_all = unit_of(f"x ({above})")[1] if above else None
    found = {name: unit for name, unit in said.items() if words.get(plain(headings[name])) != name}
    found |= {name: of_all for name, unit in said.items() if unit is None and isinstance(fields[name], MoneyField)}
    return {name: unit for name, unit in found.items() if unit is not None and counts(fields[name], unit)}
