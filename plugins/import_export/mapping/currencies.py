"""Amounts whose currency stands in a column of its own, as in workbooks that were exported."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from plugins.import_export.mapping.elsewhere import ELSEWHERE
from plugins.import_export.mapping.units import MONEYS
from plugins.import_export.mapping.words import CURRENCY, LOCALES, SYNONYMS, currency_of, plain
from plugins.import_export.nothing import NOTHING
from sdk import Context, _
from sdk.fields import Field, Flaw, FlawError, MoneyField
from sdk.fields.money import CURRENCIES
from sdk.fields.money import currency_of as code_of
from sdk.fields.number import parts_of

_CURRENCIES = frozenset(map(plain, ("Currency", *SYNONYMS["currency"], *ELSEWHERE["currency"])))
_FIRST = 100
"""So many rows are kept: of the first that are taken three are told."""
_CODE_FIRST = re.compile(r"([A-Z]{3})\s*[-–—(（:：]")
"""USD - U.S. Dollar, CNY（人民币）."""
_NAMES: Mapping[str, str] = {
    "usdollar": "USD", "usdollars": "USD", "euro": "EUR", "euros": "EUR", "britishpound": "GBP", "poundsterling": "GBP", "renminbi": "CNY",
    "chineseyuan": "CNY", "yuanrenminbi": "CNY", "japaneseyen": "JPY", "hongkongdollar": "HKD", "swissfranc": "CHF", "canadiandollar": "CAD",
    "australiandollar": "AUD", "singaporedollar": "SGD", "newtaiwandollar": "TWD", "koreanwon": "KRW", "indianrupee": "INR",
    "人民币元": "CNY", "瑞士法郎": "CHF", "加元": "CAD", "加拿大元": "CAD", "澳元": "AUD", "澳大利亚元": "AUD", "新加坡元": "SGD", **MONEYS,
}  # fmt: skip


def beside(name: str) -> str:
    """What a column is mapped to that holds the currencies of a field of money: `amount.currency`."""
    return f"{name}.{CURRENCY}"


def label_beside(ctx: Context, field: Field) -> str:
    """What people call it."""
    return ctx.say(_("{field}: currency"), {"field": ctx.say(field.label)})


def is_beside(word: str, fields: Mapping[str, Field]) -> bool:
    """Whether it names the currencies of a field of money."""
    name, _dot, rest = word.rpartition(".")
    return rest == CURRENCY and isinstance(fields.get(name), MoneyField)


def _called(ctx: Context, field: Field) -> list[str]:
    speaking = [ctx, *(ctx.speaking(locale) for locale in LOCALES)]
    return [plain(currency_of(one, field, heading)) for one in speaking for heading in (field.name, one.say(field.label))]


def currencies(
    ctx: Context, headings: Sequence[str], fields: Mapping[str, Field], columns: Mapping[str, int], asked: Mapping[str, str]
) -> dict[str, int]:
    """The columns of currencies by field of money: those that are `asked` for, and such as are called so of which nothing is said."""
    found = {
        name: headings.index(heading) for heading, word in asked.items() for name in columns if word == beside(name) and heading in headings
    }
    free = [place for place, heading in enumerate(headings) if place not in columns.values() and heading not in asked]
    places = {plain(headings[place]): place for place in free}
    amounts = [name for name in columns if isinstance(fields[name], MoneyField)]
    for name in amounts:
        place = next((places[word] for word in _called(ctx, fields[name]) if word in places), None)
        if place is not None:
            found.setdefault(name, place)
    plainly = [place for word, place in places.items() if word in _CURRENCIES]
    if not found and len(amounts) == len(plainly) == 1:  # an amount and a currency: what else could it be that of?
        found[amounts[0]] = plainly[0]
    return found


class LeftOut:
    """Columns of currencies that are left out beside an amount on purpose, or as they were the last time: where that makes another amount of it."""

    def __init__(
        self, ctx: Context, headings: Sequence[str], fields: Mapping[str, Field], columns: Mapping[str, int], asked: Mapping[str, str]
    ) -> None:
        none = {heading for heading, word in asked.items() if not word}
        there = currencies(ctx, headings, fields, columns, {heading: word for heading, word in asked.items() if word}) if none else {}
        self._own = ctx.tenant.currency
        self._places = {name: (columns[name], place) for name, place in there.items() if headings[place] in none}
        self._codes: dict[str, str | FlawError] = {}
        self.told: dict[int, dict[str, str]] = {}
        """The first rows where it does, and the currency by field."""

    def see(self, rows: Sequence[tuple[int, Sequence[str]]]) -> None:
        """Look at rows."""
        for number, cells in rows if self._places and len(self.told) < _FIRST else ():
            self._see(number, cells)

    def _see(self, number: int, cells: Sequence[str]) -> None:
        for name, (amount, place) in self._places.items() if len(self.told) < _FIRST else ():
            if max(amount, place) >= len(cells) or not (word := cells[place].strip()) or word in NOTHING:
                continue
            code = self._codes[word] if word in self._codes else self._codes.setdefault(word, _code(word, self._own))
            if isinstance(code, str) and code != self._own and _says_none(cells[amount].strip()):
                self.told.setdefault(number, {})[name] = code


def _says_none(amount: str) -> bool:
    """Whether it is an amount that says no currency itself."""
    try:
        return bool(amount) and not parts_of(amount)[2]
    except FlawError:
        return False


def joined(amounts: Sequence[str], codes: Sequence[str], own: str) -> tuple[list[str], list[Flaw]]:
    """Amounts as the field reads them, each with its currency, and what is wrong with the column of these.

    What an amount says itself counts where that column is empty; where both say one, they have to say the same. `own` is the tenant's.
    """
    known: dict[str, str | FlawError] = {}
    cells, flaws = list(amounts), list[Flaw]()
    for row, (amount, word) in enumerate(zip(amounts, codes, strict=True)):
        word = word.strip()
        if not word or word in NOTHING or not amount.strip():
            continue
        if word not in known:
            known[word] = _code(word, own)
        code = known[word]
        try:
            if isinstance(code, FlawError):
                raise code
            cells[row] = _with(amount.strip(), code)
        except FlawError as flaw:
            cells[row] = ""
            flaws.append(Flaw(row, flaw.code, flaw.message, {**flaw.params, "value": word}))
    return cells, flaws


def _code(word: str, own: str) -> str | FlawError:
    upper = unicodedata.normalize("NFKC", word).upper()
    if upper in CURRENCIES:
        return upper
    if (first := _CODE_FIRST.match(upper)) is not None and first[1] in CURRENCIES:
        return first[1]
    if named := _NAMES.get(plain(word)):
        return named
    try:
        return code_of(upper, own)
    except FlawError as flaw:
        return flaw


def _with(amount: str, code: str) -> str:
    """An amount in this currency; raises FlawError where it says another one itself."""
    if amount.isascii() and amount.replace(".", "").isdecimal():  # most are
        return f"{amount} {code}"
    try:
        around = parts_of(amount)[2]
    except FlawError:  # it is no amount, which is told when it is read
        return amount
    if not around:  # a minus or a bracket behind the number stays behind all of it
        return f"{code} {amount}" if amount.endswith("-") else f"{amount[:-1]} {code})" if amount.endswith(")") else f"{amount} {code}"
    try:
        own = code_of(around, code) if around != "%" else "%"
    except FlawError as flaw:
        if flaw.code != "ambiguous_currency":  # it is none, as above
            return amount
        own = around  # a sign of several currencies, of which this is none
    if own not in (code, "%"):
        text = _("the amount is in {own}, but the column of currencies says {said}: correct one of them, or leave that column out")
        raise FlawError("other_currency", text, own=own, said=code)
    plainly = unicodedata.normalize("NFKC", amount)
    return amount if own == "%" else f"{plainly.replace(around, '', 1).strip()} {code}"
