"""Rows below a table that are no records: totals of the others, how many they are, who has made it."""

from __future__ import annotations

import re
from collections.abc import Sequence

SAYS = re.compile(r"[^:：]{1,30}[:：]\s*\S")
"""What says something of a whole table, such as 单位：元."""
VALUE = re.compile(r"\A[\W_]*\d[\d\W_]*\Z|@")
"""What is a number, a date or an address, and no heading."""
_SUM = re.compile(r"\A[\W_]*(?:[^\W\d_]{1,3}[\W_]*)?\d[\d\W_]*(?:[^\W\d_]{1,3}[\W_]*)?\Z|\A[\W_]+\Z")
"""What may be a sum: a number, also with a currency or a unit (R$ 1.234,50, 12 EUR, 5 kg), or a mark where none is."""
_SUM_OF = (
    r"(?:(?:grand |page |report |sub)?totals?(?: g[eé]n[eé]rale?| geral)?|totale|totais|totaux|totaal|sums?|summe|(?:gesamt|zwischen)summe|gesamt"
    r"|итого|всего|합계|총계|소계)"
)
_SUM_OF_CHINESE = r"(?:本[页月年日期]|[页月年日])?(?:合计|总计|小计|总和|汇总|累计|合計|總計|総計|小計|累計)"
_COUNT_OF = r"(?:记录数|总数|总共|共计|count|anzahl|number of (?:records|rows|entries))"
_THINGS = (
    r"(?:[条行个项家笔名人位件條個項筆][^\W\d_]{0,6}|records?|rows?|entries|items|accounts|contacts|companies|customers|leads|deals|datensätze|zeilen"
    r"|einträge|kunden)"
)
_TALLY = (
    rf"(?:(?:{_SUM_OF_CHINESE}[^\S\n]*(?:[:：][^\S\n]*)?|(?:{_SUM_OF}|{_COUNT_OF})[^\S\n]*[:：][^\S\n]*)\d[\d,.]*(?:[^\S\n]*{_THINGS})?"
    rf"|(?:{_SUM_OF}|共计|总共)[^\S\n]*\d[\d,.]*[^\S\n]*{_THINGS})"
)
"""How many rows there are, or what they come to, in a cell with the word: 合计：2, Total: 24 records. Total 24 may be a name."""
TOTAL = rf"(?i:(?:{_SUM_OF}|{_SUM_OF_CHINESE})[^\S\n]*[:：]?|{_TALLY})"
_COUNTED = r"(?i:\d[\d,. ]* (?:rows?|records?)\b|共[^\S\n]*\d+[^\S\n]*[行条]|grand totals? \(\d+ records?\))"
_MADE_BY = (
    r"(?i:(?:(?:制单|制表|审核|复核|填表|经办|打印|导出|生成)(?:人|日期|时间)?|(?:generated|printed|exported|created|prepared) (?:by|on|at))"
    r"[^\S\n]*[:：])"
)
_OWNED = r"(?i:confidential information - do not distribute|copyright (?:\(c\)|©))"
BEGINNING = f"(?:{_COUNTED}|{_MADE_BY}|{_OWNED})"
"""How a note begins, whatever comes behind it."""
_FIRST_OF_MAKERS = frozenset("制审复填经打导生GgPpEeCc")
_FIRST = frozenset("GgSsTtPpRrZzCcAaNn合总小汇共累本页月年日總総记ИиВв합총소0123456789")
_FIRST_THREE = frozenset("gra pag rep sub sum tot ges zwi cou anz num".split())
_FIRST_OF_NOTES = frozenset("备備说說注数數来來NnSsQq")
_EITHER = _FIRST_OF_MAKERS | _FIRST | _FIRST_OF_NOTES
_IS_TOTAL, _IS_MADE_BY = re.compile(rf"{TOTAL}\Z"), re.compile(rf"{_MADE_BY}\s*\S")
_IS_COUNTED = re.compile(rf"{_COUNTED}|(?i:{_TALLY})\Z")
_IS_OWNED = re.compile(_OWNED)
_NOTED = re.compile(r"(?i:备注|備註|备註|说明|說明|注|数据来源|來源|来源|notes?|source|quelle|stand)\s*[:：]\s*\S")


def likely(row: Sequence[str]) -> bool:
    """Whether a row may be one of these: asked of every row, its first sign tells it of most."""
    return _first(row)[:1] in _EITHER


def sums_up(row: Sequence[str]) -> bool:
    """Whether a row sums up others: a word for that, then numbers alone; or a line about how many there are."""
    first = _first(row)
    if first[:1] not in _FIRST or ("A" <= first[:1] <= "z" and first[:3].lower() not in _FIRST_THREE):  # asked of many rows
        return False
    words = [word for word in map(str.strip, row) if word]
    if len(words) == 1:
        return bool(_IS_COUNTED.match(first))
    return bool(_IS_TOTAL.match(first)) and all(map(_SUM.search, words[1:]))


def signed(row: Sequence[str]) -> bool:
    """Whether a row says who has made the table, or when: 制单人：张三."""
    first = _first(row)
    return first[:1] in _FIRST_OF_MAKERS and _IS_MADE_BY.match(first) is not None


def noted(row: Sequence[str]) -> bool:
    """Whether the only cell of a row that has others says something beside the table (备注：…): what it means is asked."""
    return len(row) > 1 and sum(map(bool, map(str.strip, row))) == 1 and _NOTED.match(_first(row)) is not None


def says_alone(row: Sequence[str]) -> bool:
    """Whether each cell of such a row says something of the table, and none of it can be a record's."""
    if _IS_OWNED.match(_first(row)):
        return sum(map(bool, map(str.strip, row))) == 1
    return signed(row) and all(SAYS.match(word) for word in map(str.strip, row) if word)


def _first(row: Sequence[str]) -> str:
    return (row[0].strip() if row else "") or next(filter(None, map(str.strip, row)), "")
