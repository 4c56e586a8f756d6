"""What a company starts with."""

from __future__ import annotations

from sdk import MasterData, Text, _

INDUSTRIES = (
    ("software", _("Software and IT")), ("manufacturing", _("Manufacturing")), ("retail", _("Retail and wholesale")),
    ("finance", _("Finance and insurance")), ("medical", _("Healthcare")), ("education", _("Education")),
    ("construction", _("Construction and real estate")), ("logistics", _("Transport and logistics")), ("energy", _("Energy and utilities")),
    ("telecom", _("Telecommunications")), ("media", _("Media and entertainment")), ("hospitality", _("Hotels and catering")),
    ("agriculture", _("Agriculture and food")), ("public", _("Public administration")), ("services", _("Professional services")),
    ("other", _("Other")),
)  # fmt: skip
SOURCES = (
    ("website", _("Website")), ("referral", _("Referral")), ("partner", _("Partner")), ("fair", _("Trade show")),
    ("campaign", _("Campaign")), ("cold-call", _("Cold call")), ("social", _("Social media")),
    ("renewal", _("Renewal")), ("other", _("Other")),
)  # fmt: skip
REGIONS = (
    ("north-china", _("North China")), ("east-china", _("East China")), ("south-china", _("South China")),
    ("central-china", _("Central China")), ("west-china", _("West China")), ("asia-pacific", _("Asia-Pacific")),
    ("europe", _("Europe")), ("north-america", _("North America")), ("latin-america", _("Latin America")),
    ("middle-east-africa", _("Middle East and Africa")),
)  # fmt: skip
CURRENCIES = (
    ("CNY", _("Chinese yuan")), ("USD", _("US dollar")), ("EUR", _("Euro")), ("GBP", _("Pound sterling")), ("JPY", _("Japanese yen")),
    ("HKD", _("Hong Kong dollar")), ("SGD", _("Singapore dollar")), ("KRW", _("South Korean won")),
)  # fmt: skip


def _listed(entity: str, rows: tuple[tuple[str, Text], ...]) -> MasterData:
    return MasterData(entity, tuple({"key": key, "name": name, "position": place} for place, (key, name) in enumerate(rows, 1)))


MASTER_DATA = (
    _listed("company.industry", INDUSTRIES),
    _listed("company.source", SOURCES),
    _listed("company.region", REGIONS),
    MasterData("company.currency", tuple({"code": code, "name": name} for code, name in CURRENCIES), match="code"),
)
