"""Which letters people write: by them a decoding of bytes is plausible, or it is mojibake."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import combinations, pairwise, starmap

HAN = frozenset(
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经十三之进着"
    "等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四日那社义事平形相全表间样与关各重"
    "新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系军很情者最立代想已通并提直题程展五果料象员位入常文总次品式活设"
    "及管特件长求老头基资边流路级少图山统接知较将组见计别她手角期根论运农指几九区强放决西被干做必先回则任取据处队南给色光门即保治北造百规热领"
    "七海口东导器压志世金增济油思术极交受联什认六共权收证改清己美再采转更单风切打白教速花带安场身车例真务具万每目至达走积示议声报完类八离华名确"
    "才科张信马节话米整空元况今集温传土许步群广石记需段研界拉林律叫且究观越织装影算低持音众书布复容儿须际商非验连断深难近千周委素技备半办青省列"
    "习响约支般史感便团往历市克何除消构府称太准精值号率族维划选标写存候毛亲快效斯院查江型眼王按格养易置派层片始专状育厂京识适属包火住调满县局照"
    "参红细引听该铁价严姓址邮箱客户联络订购销售编码价额备注城街镇幢室楼职副经销网店创贸实股份限责任李刘陈杨赵黄吴徐孙胡朱郭罗梁宋郑谢韩唐冯董萧"
    "曹袁邓傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田姜范姚谭廖邹熊陆郝孔崔康邱秦顾侯邵孟龙雷钱汤尹黎武乔贺赖龚伟芳娜敏静丽艳勇杰娟涛超霞"
    "桂英秀兰鹏洋浩宇婷玲建国志强军磊波辉刚健俊华明文玉萍红鑫雪梅琳莉燕峰斌宁晓春"
    "這為個國時來們於會發動過說產種後學經進著電裡現實兩體機當點從業應開還義間樣與關線內數麼質氣變條沒結問無軍並題員總設長頭資邊級圖統較將組見"
    "計別論運農幾區強決幹則據處隊給門規熱領東導壓濟術極聯認權證採轉單風帶場車務萬達積議聲報類離華確張馬節話況溫傳許廣記觀織裝眾書復兒須際驗連斷"
    "難備辦習響約團歷構稱準號維劃選標寫親層狀廠識適屬調滿縣參紅細聽鐵價嚴戶絡訂購銷編碼額備註鎮樓職網創貿責劉陳楊趙黃吳孫鄭謝韓馮蕭鄧呂蘇盧蔣"
    "賈葉閻餘鍾範譚鄒陸顧龍錢湯喬賀賴龔偉麗豔傑濤靜臺灣竹雄龜稅電郵稱統"
)
"""Signs of Chinese, simplified and traditional, that hardly any list of customers lacks: common ones, those of names and of headings."""

WEST = tuple(
    map(
        frozenset,
        ("àâæçéèêëîïôœùûü", "äöüßé", "áéíñóúü", "ãáâàçéêíóôõúü", "àèéìíîòóùú", "æøåé", "åäöéü", "áðéíóúýþæö", "éëïöüáèêó", "àçèéíïóòúü"),
    )
)
CENTRAL = tuple(map(frozenset, ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîşţ", "čćđšž", "äöüßé")))
TURKISH = (frozenset((*"çğıöşüâîû", "i\u0307")), frozenset("äöüßé"))
BALTIC = tuple(map(frozenset, ("āčēģīķļņšūž", "ąčęėįšųūž", "äöõüšž")))
LATIN = {"cp1252": WEST, "cp1250": CENTRAL, "cp1254": TURKISH, "cp1257": BALTIC, "cp850": WEST, "mac_roman": WEST}
"""The languages that are written in each encoding of one byte a letter, by their letters beside a to z."""

_HAN = (("\u4e00", "\u9fff"),)
_HANGUL = (("\uac00", "\ud7a3"), ("\u3131", "\u318e"))
_KANA_HAN = (("\u3000", "\u30ff"), ("\u4e00", "\u9fff"), ("\uff01", "\uff9f"))
SCRIPTS = {
    "gb18030": _HAN,
    "big5": _HAN,
    "shift_jis": _KANA_HAN,
    "euc_jp": _KANA_HAN,
    "euc_kr": _HANGUL,
    "cp949": _HANGUL,
    "cp1251": (("\u0400", "\u045f"), ("\u0490", "\u0491")),
    "koi8-r": (("\u0410", "\u0451"),),
    "cp866": (("\u0401", "\u0451"),),
    "iso8859-5": (("\u0401", "\u045f"),),
    "cp1253": (("\u0386", "\u03ce"),),
    "cp1255": (("\u05d0", "\u05ea"),),
    "cp874": (("\u0e01", "\u0e4e"),),
}
"""The letters of encodings that are another script's, from each first to its last."""

_FEWEST, _NEARLY = 3, 0.9
_ALONE = frozenset("àéóáåö")
_BESIDE = frozenset("“”‘’‚„«»‹›–—…•·€£¥§©®™°¿¡²³½¼¾ºª\xa0")
_BETWEEN = frozenset("’‘–—·\xa0")
_SHARP = re.compile(r"(?:^|[^aeiouyäöüAEIOUÄÖÜ])ß")
_UP = re.compile(r"[a-zß-öø-ÿ][^\x00-\x7f]")
_SECOND = re.compile(r"[A-Z][^\x00-\x7f][a-z]")
_DOWN = re.compile(r"[A-Z][^\x00-\x7f][A-Z]")
_MANY = re.compile(r"[^\x00-\x7f]{3}")


def written(word: str, languages: tuple[frozenset[str], ...]) -> bool:
    """Whether a run of letters and signs without ASCII ones between could be so in one of these languages."""
    letters = "".join(sign if sign.isalpha() and sign not in _BESIDE else " " for sign in word)
    for place, sign in enumerate(word):
        if sign in "‚„" and place and letters[place - 1] != " ":  # they open a quotation
            return False
        inside = 0 < place < len(word) - 1 and letters[place - 1] != " " and letters[place + 1] != " "
        if letters[place] == " " and sign > "\x7f" and sign not in (_BETWEEN if inside else _BESIDE):
            return False
    return all(_piece(piece, languages) for piece in letters.split())


def _piece(word: str, languages: tuple[frozenset[str], ...]) -> bool:
    own = {sign.lower() for sign in word if sign > "\x7f"}
    if not own:
        return True
    if len(word) == 1:
        return own <= _ALONE
    if _SHARP.search(word):
        return False
    capital_inside = any(pair[1].isupper() for pair in _UP.findall(word))
    capital_inside = capital_inside or any(three[1].isupper() for three in _SECOND.findall(word))
    small_inside = any(three[1].islower() and three[1] != "ß" for three in _DOWN.findall(word))
    return not (capital_inside or small_inside or _MANY.search(word)) and any(own <= letters for letters in languages)


def spelled(text: str, script: Sequence[tuple[str, str]]) -> bool:
    """Whether signs beyond ASCII are nearly all letters of this script, none of them small before a capital or beside a small one of Latin."""
    letters = [sign for sign in text if sign > "\x7f" and not (sign.isspace() or sign in _BESIDE)]
    mine = sum(any(first <= sign <= last for first, last in script) for sign in letters)
    return mine > len(letters) * _NEARLY and not any(starmap(_unlike, pairwise(text)))


def _unlike(one: str, other: str) -> bool:
    if one > "\x7f" < other:
        return one.islower() and other.isupper()
    plain, other = sorted((one, other))
    return "a" <= plain <= "z" and other > "\x7f" and not other.isspace() and other not in _BESIDE


def fewest_languages(words: Iterable[str], languages: Sequence[frozenset[str]]) -> int:
    """How few languages have between them all these words; one more than there are where some word is in none."""
    own = {frozenset(sign.lower() for sign in word if sign > "\x7f" and sign.isalpha() and sign not in _BESIDE) for word in words}
    for count in range(len(languages) + 1):
        if any(all(any(letters <= one for one in chosen) or not letters for letters in own) for chosen in combinations(languages, count)):
            return count
    return len(languages) + 1


def share_of_han(text: str) -> float:
    """Which part of the letters beyond ASCII is common in Chinese; 0 where there are too few to tell."""
    letters = [sign for sign in text if sign > "\x7f" and sign.isalpha()]
    common = sum(sign in HAN for sign in letters)
    return common / len(letters) if common >= _FEWEST else 0.0
