"""What two writings of the same name, number or address have in common: keys that are equal where people would say "the same".

A key is made of the value alone, never of a tenant's settings: it is stored, and a setting can change. None: nothing to go by.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeAlias

Likeness: TypeAlias = "Callable[[str], str | None]"
LONGEST: Final = 200
"""The length of the columns that hold keys."""

_SPLIT = re.compile(r"[\W_]+")
_BRACKETED = re.compile(r"[(\[{<《〈【〔「『]([^()\[\]{}<>《》〈〉【】〔〕「」『』]*)[)\]}>》〉】〕」』]")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
# Longest first: what is left of one must not be taken for another.
_FORMS_ZH = ("股份有限责任公司", "集团股份有限公司", "集团有限责任公司", "股份有限公司", "有限责任公司", "集团有限公司", "有限合伙企业", "合伙企业",
             "个人独资企业", "股份公司", "有限公司", "总公司", "公司")  # fmt: skip
_FORMS = frozenset(
    "ab ag as bv bvba co company corp corporation cv eg ek eurl gbr gesmbh gmbh inc incorporated kg kgaa limited llc llp lp ltd ltda "
    "mbh nv ohg oy oyj plc pte pty pvt sa sarl sas sas se sl sp spa srl ug und and the".split()
)
_DOTTED = re.compile(r"\b(?:[a-z]\.){1,4}[a-z]?\b\.?")
_PLACES = (
    "北京 上海 天津 重庆 河北 山西 辽宁 吉林 黑龙江 江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 海南 四川 贵州 云南 陕西 甘肃 青海 台湾 "
    "内蒙古 广西 西藏 宁夏 新疆 香港 澳门 中国 石家庄 唐山 秦皇岛 邯郸 保定 太原 大同 呼和浩特 包头 沈阳 大连 鞍山 长春 哈尔滨 大庆 南京 无锡 徐州 "
    "常州 苏州 南通 扬州 镇江 泰州 昆山 杭州 宁波 温州 嘉兴 湖州 绍兴 金华 义乌 台州 合肥 芜湖 蚌埠 福州 厦门 泉州 漳州 南昌 九江 赣州 济南 青岛 淄博 "
    "烟台 潍坊 威海 临沂 郑州 洛阳 武汉 宜昌 襄阳 长沙 株洲 湘潭 衡阳 岳阳 广州 深圳 珠海 汕头 佛山 东莞 中山 惠州 江门 湛江 南宁 柳州 桂林 海口 三亚 "
    "成都 绵阳 德阳 贵阳 遵义 昆明 大理 拉萨 西安 咸阳 宝鸡 兰州 西宁 银川 乌鲁木齐"
).split()
_AT_START = re.compile(rf"({'|'.join(sorted(_PLACES, key=len, reverse=True))})(省|市|自治区|特别行政区)?")
# E.164 country codes: one digit for zones 1 and 7, these of two, all others of three (ITU-T E.164, annex, list of assigned codes).
_TWO = frozenset("20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 "
                 "94 95 98".split())  # fmt: skip
_EXTENSION = re.compile(r"(?:x|#|ext\.?|转)\s*\d+\s*\Z", re.IGNORECASE)
_NO_DIGITS = re.compile(r"[^0-9]+")
_LEAST_DIGITS = 7
_KEPT_KEYS = 5000
"""More than a chunk of an import: a key is asked for twice, by the look for doubles and by the row."""


def folded(text: str) -> str:
    """Full width and half width, capital and small letters are one (Unicode NFKC and case folding)."""
    return unicodedata.normalize("NFKC", text).casefold()


@lru_cache(maxsize=_KEPT_KEYS)
def company(name: str) -> str | None:
    """A company's name without its legal form, in whatever order its words and its place stand.

    "北京华为技术有限公司" and "华为技术(北京)有限公司" are one; a place stays part of the name, as branches are companies of their own.
    """
    text = folded(name)
    if _HAN.search(text):
        return _kept(_chinese(text), text)
    words = _SPLIT.split(_DOTTED.sub(lambda found: found[0].replace(".", ""), text))
    return _kept(sorted(word for word in words if word and word not in _FORMS), text)


def _chinese(text: str) -> list[str]:
    aside = ["".join(_SPLIT.split(part)) for part in _BRACKETED.findall(text)]
    core = "".join(_SPLIT.split(_BRACKETED.sub("", text)))
    core = without_form(core)
    start = _AT_START.match(core)
    if start is not None and len(core) > start.end():
        aside, core = [*aside, start[0]], core[start.end() :]
    places = [found[1] if (found := _AT_START.fullmatch(part)) else without_form(part) for part in aside]
    return [core, *sorted(dict.fromkeys(part for part in places if part))]


def without_form(core: str) -> str:
    """A Chinese company's name without the legal form at its end; empty where it is nothing else."""
    return next((core[: -len(form)] for form in _FORMS_ZH if core.endswith(form)), core)


def _kept(parts: list[str], text: str) -> str | None:
    """Where nothing is left but a legal form or a place, the name as it stands."""
    key = " ".join(part for part in parts if part) or "".join(_SPLIT.split(text))
    return key[:LONGEST] or None


@lru_cache(maxsize=_KEPT_KEYS)
def telephone(number: str) -> str | None:
    """The national digits of a number: "+86 (0)10 6234-5678", "0086 10 62345678" and "010-62345678" are one."""
    text = number if number.isascii() else folded(number)
    if not text[-1:].isdigit() or "x" in text or "X" in text or "转" in text or "#" in text:
        text = _EXTENSION.sub("", text)
    text = text.strip()
    abroad = text.startswith(("+", "00"))
    digits = _NO_DIGITS.sub("", text.replace("(0)", ""))
    if abroad:
        digits = digits.removeprefix("00")
        digits = digits[1 if digits[:1] in ("1", "7") else 2 if digits[:2] in _TWO else 3 :]
    digits = digits.lstrip("0")
    return digits[:LONGEST] if len(digits) >= _LEAST_DIGITS else None


def host(address: str) -> str | None:
    """The host of a web address without "www."."""
    bare = folded(address).partition("://")[2] or folded(address)
    name = re.split(r"[/?#]", bare, maxsplit=1)[0].rpartition("@")[2].partition(":")[0].strip(".").removeprefix("www.")
    return name[:LONGEST] or None


def code(text: str) -> str | None:
    """Letters and digits of a tax or register number."""
    return "".join(_SPLIT.split(folded(text)))[:LONGEST] or None
