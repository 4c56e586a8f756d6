"""What address books, other CRMs and people who write German or French call fields: by the name of a field, beside `words.SYNONYMS`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ELSEWHERE: Final[Mapping[str, tuple[str, ...]]] = {
    "account": ("Unternehmensname", "Verknüpftes Unternehmen", "主要公司", "关联公司", "Organization 1 name", "Deal organization", "Person organization",
                "Lead organization", "Firma", "Firmenname",
                "Unternehmen", "Kunde", "Société", "Entreprise", "Client", "Empresa", "会社名", "企业", "买家公司名"),
    "address": ("Address 1 formatted", "Organization address", "Straße", "Straße geschäftlich", "Anschrift", "Adresse", "Rue", "Rue (bureau)",
                "Dirección", "住所", "收货地址"),
    "amount": ("Betrag", "Auftragswert", "Montant"),
    "birthday": ("Geburtstag", "Geburtsdatum", "Anniversaire", "Date de naissance"),
    "city": ("Business city", "Ort", "Stadt", "Ort geschäftlich", "Ville", "Ville (bureau)", "Cidade", "Ciudad", "商务城市"),
    "close_date": ("受注予定日", "Deal expected close date", "Abschlussdatum", "Date de clôture"),
    "company": ("会社名", "企业", "Firma", "Firmenname", "Unternehmen", "Société", "Entreprise"),
    "contact": ("Deal contact person", "Ansprechpartner"),
    "country": ("Land", "Land/Region", "Land/Region geschäftlich", "Pays", "Pays/Région (bureau)"),
    "currency": ("Currency of value", "Deal currency of value", "Währung", "Währg", "Währ.", "WAERS", "Devise", "Curr.", "Crcy", "Ccy", "Moneda", "通貨"),
    "email": ("Correo electrónico", "Correo", "メールアドレス", "メール", "E-mail 1 value", "Person email work", "E-Mail-Adresse",
              "E-Mail geschäftlich", "Adresse de messagerie", "Adresse e-mail", "Courriel", "电子邮件地址"),
    "employees": ("Mitarbeiter", "Mitarbeitende", "Mitarbeiterzahl", "Anzahl Mitarbeiter", "Anzahl der Mitarbeiter", "Effectif",
                  "Funcionários", "Empleados"),
    "founded": ("Gegründet", "Gründungsjahr", "Année de création"),
    "industry": ("Branche", "Secteur"),
    "notes": ("Notizen", "Bemerkung", "Bemerkungen", "Beschreibung", "Remarques", "Commentaires", "附注"),
    "owner": ("Person owner", "Organization owner", "Verantwortlich", "Verantwortlicher", "Betreuer", "Zuständig", "Zuständiger Mitarbeiter",
              "Zuständiger Mitarbeiter für Deal", "Inhaber",
              "Propriétaire", "Responsable", "客户负责人", "所有者", "记录所有者", "公司所有者", "客户所有者",
              "联系人所有者", "交易所有者", "商机所有者", "线索所有者", "维护人", "归属销售", "销售机会所有人", "商机所有人", "客户所有人",
              "线索所有人", "联系人所有人"),
    "phone": ("Phone 1 value", "Person phone work", "Person phone mobile", "Telefon", "Telefonnummer", "Telefon geschäftlich", "Mobiltelefon", "Handy",
              "Téléphone", "Téléphone (bureau)", "Tél. mobile", "Telefone", "Teléfono", "Móvil", "電話番号", "联系手机", "商务电话", "单位电话"),
    "postal_code": ("PLZ", "Postleitzahl", "Code postal"),
    "probability": ("Deal probability", "Wahrscheinlichkeit", "Deal-Wahrscheinlichkeit", "交易概率", "Probabilité", "赢率", "成交概率"),
    "quantity": ("Menge", "Anzahl", "Quantité"),
    "revenue": ("Umsatz", "Jahresumsatz", "Chiffre d’affaires", "Chiffre d'affaires"),
    "stage": ("Phase", "Deal-Phase", "Étape", "交易阶段"),
    "tax_number": ("统一编号", "统编", "USt-IdNr.", "USt-ID", "Numéro de TVA"),
    "title": ("Organization title", "Organization 1 title", "Funktion", "Berufsbezeichnung", "Fonction", "Poste", "Cargo", "役職", "职称"),
    "website": ("Domain-Name des Unternehmens", "Website 1 value", "Webseite", "Internetseite", "Site web", "Page web"),
}  # fmt: skip
