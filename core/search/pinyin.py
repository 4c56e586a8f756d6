"""How Chinese characters are read, without tones: the table of pypinyin, read when the first of them is written or asked for.

The package itself is not imported: its dictionary of phrases would cost 56 MB and two tenths of a second. What phrases are for, the
second reading of a character in names, is said here for the characters of which people's, companies' and places' names are made.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from sys import intern

_SECOND = {
    "万": "mo", "乐": "yue", "亨": "peng", "仇": "qiu", "会": "kuai", "传": "zhuan", "伽": "jia", "余": "xu", "佛": "fo", "便": "pian",
    "俞": "shu", "六": "lu", "区": "ou", "单": "shan", "厦": "xia", "参": "shen", "句": "gou", "召": "shao", "员": "yun", "堡": "bu",
    "大": "dai", "奇": "ji", "娜": "nuo", "宓": "fu", "尉": "yu", "尹": "yun", "尾": "yi", "差": "chai", "度": "duo", "折": "she",
    "数": "shuo", "晟": "sheng", "曾": "zeng", "朝": "zhao", "朴": "piao", "查": "zha", "校": "jiao", "沈": "chen", "泌": "bi",
    "浒": "xu", "涡": "guo", "牟": "mu", "率": "shuai", "町": "ding", "番": "pan", "盖": "ge", "盛": "cheng", "石": "dan", "祭": "zhai",
    "种": "chong", "秘": "bi", "筠": "jun", "缪": "miao", "翟": "zhai", "茜": "xi", "荥": "ying", "莘": "xin", "蔚": "yu", "薄": "bo",
    "藏": "zang", "蚌": "beng", "行": "hang", "覃": "qin", "觉": "jiao", "解": "xie", "谌": "shen", "贾": "gu", "车": "ju", "还": "huan",
    "郇": "xun", "都": "du", "重": "chong", "铅": "yan", "长": "chang", "降": "xiang", "隗": "wei", "颉": "xie", "黑": "he",
}  # fmt: skip
"""Other readings than the first of the table that names have."""


@cache
def _table() -> Mapping[str, str]:
    spec = find_spec("pypinyin")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("the package pypinyin is missing, whose table of readings search needs: install dealwright's requirements")
    text = (Path(spec.submodule_search_locations[0]) / "pinyin_dict.json").read_text(encoding="utf-8")
    return {chr(int(code)): intern(_bare(readings.partition(",")[0])) for code, readings in json.loads(text).items()}


@cache
def _bare(syllable: str) -> str:
    """Without its tone; ü is v, as it is typed. The table of 42,000 characters has 1,500 of them."""
    marks = unicodedata.normalize("NFD", syllable).replace("u\u0308", "v").replace("e\u0302", "e")
    return "".join(letter for letter in marks if not unicodedata.combining(letter))


def readings(character: str) -> tuple[str, ...]:
    """One reading, or two of a character that has another in names; none where nobody reads it so (kana, say)."""
    first = _table().get(character)
    if first is None:
        return ()
    second = _SECOND.get(character, first)
    return (first,) if second == first else (first, second)


def spelled(text: str) -> str:
    """The text in plain Latin letters, Chinese as it is read; what has none is left out."""
    read = "".join((readings(letter) or (letter,))[0] for letter in unicodedata.normalize("NFKC", text))
    return unicodedata.normalize("NFKD", read).encode("ascii", "ignore").decode()
