"""The words by which parts of a receipt are told, in the languages whose script the text recogniser reads.

Patterns are searched in a row of text, in any letter case. A new language is a word in each.
"""

from __future__ import annotations

import re
from typing import Final


def _words(*words: str) -> re.Pattern[str]:
    """A pattern for any of the words; blanks in them may be missing or many, as text in images has them.

    Words of scripts without blanks between words may stand inside others.
    """
    apart = [w.replace(" ", r"\s*") for w in words if w.isascii() or (w[0].isalpha() and ord(w[0]) < 0x2E80)]
    inside = [w for w in words if not (w.isascii() or (w[0].isalpha() and ord(w[0]) < 0x2E80))]
    listed = [rf"(?<!\w)(?:{'|'.join(apart)})(?!\w)"] if apart else []
    return re.compile("|".join([*listed, *inside]), re.IGNORECASE)


MONTHS: Final = (
    "jan|feb|fév|fev|mar|mär|mrz|apr|abr|avr|may|mai|mag|jun|juin|giu|jul|juil|lug|ago|aug|aoû|sep|set|oct|okt|out|ott|"
    "nov|dec|dez|dic|déc"
)
"""Beginnings of their names."""

TOTAL: Final = _words(
    "total", "totals", "grand total", "amount due", "balance due", "amount payable", "net amount", "nett",
    "summe", "gesamt", "gesamtbetrag", "gesamtsumme", "zu zahlen", "endbetrag", "rechnungsbetrag", "betrag",
    "importe", "total a pagar", "montant", "à payer", "net à payer", "totale", "totale complessivo", "importo",
    "valor total", "jumlah", "totaal", "te betalen", "summa", "i alt", "sum",
    "合計", "合计", "总计", "總計", "总额", "总金额", "應付", "应付", "お会計", "ご請求",
    "รวม", "ยอดรวม", "총액", "합계", "итого",
)  # fmt: skip
"""Of the row with the total."""

FINAL: Final = _words(
    "grand total", "total due", "total amount due", "amount due", "balance due", "total payable", "amount payable",
    "net total", "nett total", "nett", "rounded total", "total rounded", "total after rounding", "round total",
    r"total.{0,24}incl?(?:\.|usive|uding)?", r"total.{0,4}round.{0,12}", "gesamtbetrag", "endbetrag", "zu zahlen",
    "rechnungsbetrag", "total a pagar", "net à payer", "total ttc", "à payer", "totale complessivo", "valor total",
    "te betalen", "应付", "應付", "ご請求",
)  # fmt: skip
"""Of the row with what is to be paid in the end, where several are totals."""

NOT_TOTAL: Final = _words(
    r"sub\s*-?\s*total", r"zwischen\s*summe", "sous total", "subtotale", "totaal excl", r"excl\.?", "excluding",
    "exclusive", "includes",
    "savings?", "saved", "discounts?", "rabatt", "descuento", "remise", "sconto", "items?", "qty", "quantity", "pcs",
    "points?", "total tax", "tax total", "total gst", "total vat", "total 0%",
    r"total\s*\d{1,2}\s*%\s*suppl\w*", "mwst",
    "ust", "iva", "tva", "change", "wechselgeld", "rückgeld", "小計", "小计", "消費税", "税额", "优惠", "件数",
)  # fmt: skip
"""Of rows that name a total of something else."""

CASH: Final = _words(
    "cash", "tender(?:ed)?", "paid", "payment", "cash received", "bar", "gegeben", "efectivo", "espèces", "contanti",
    "tunai", "お預り", "現金", "现金", "实收",
)  # fmt: skip
CHANGE: Final = _words(
    "change", "change due", "rückgeld", "wechselgeld", "zurück", "cambio", "rendu", "monnaie", "resto", "troco", "baki",
    "お釣り", "お釣", "找零", "找续",
)  # fmt: skip

DATE: Final = _words(
    "date", "dated", "invoice date", "bill date", "datum", "rechnungsdatum", "fecha", "data", "tarikh",
    "日期", "日付", "发票日期",
)  # fmt: skip

COMPANY: Final = re.compile(
    r"(?<!\w)(?:sdn\.?\s*bhd|s/b|bhd|ltd|limited|inc|llc|llp|plc|corp|co\.|company|gmbh|ag|kg|ohg|e\.?k|ug|s\.?a\.?r?\.?l?"
    r"|s\.?l\.?u?|s\.?p\.?a|b\.?v|n\.?v|a/s|aps|oy|ab|pty|pvt|enterprises?|trading|holdings?|stores?|shop|market|mart"
    r"|super\s?markt?(?:et)?|hypermarket|restaurante?|ristorante|restoran|caf[eé]|bistro|bakery|bäckerei|hotel|pharmacy"
    r"|apotheke|farmacia|hardware|perniagaan|kedai)(?!\w)|株式会社|有限会社|有限公司|商店|超市|店$",
    re.IGNORECASE,
)
"""In the name of a seller."""

LEGAL: Final = re.compile(
    r"\(?(?:m\W+)?\)?\s*(?:sdn\.?\s*bhd|bhd|co\W|ltd|limited|inc\b|llc|gmbh|enterprises?|trading|holdings?|& co)",
    re.IGNORECASE,
)
"""With which a line begins that goes on with a name."""

NOT_COMPANY: Final = re.compile(
    r"(?<!\w)(?:company\s*(?:no|reg)|(?:co|gst|business)\.?\s*reg|tax\s*invoice|invoice|receipt|cash\s*bill|simplified|copy|duplicate|welcome|thank|tel|phone|fax|gst|vat|abn"
    r"|e?-?mail|www|date|time|cashier|table|rechnung|quittung|kassenbon|beleg|factura|recibo|facture|ticket|ricevuta"
    r"|scontrino|fattura|resit)(?!\w)|https?:|@|\.com|領収|收据|发票|レシート",
    re.IGNORECASE,
)
ADDRESS: Final = re.compile(
    r"(?<!\w)(?:no\.?\s*[:.]?\s*\d|lot|unit|suite|block|blk|floor|level|jalan|jln|jl|lorong|taman|tmn|kampung|persiaran|lebuh"
    r"|batu|bandar|pusat|wisma|street|st\.|road|rd|avenue|ave|boulevard|blvd|lane|drive|square|plaza|mall|highway"
    r"|\w*stra(?:ß|ss)e|\w+str\.?|\w*platz|\w*weg|\w*gasse|calle|avda?\.?|paseo|plaza|rue|quai|place|via|viale|piazza"
    r"|corso|rua|praça|p\.?\s*o\.?\s*box)(?!\w)|(?<!\w)\d{1,4}[a-z]?\s*[,&-]\s*\w|[省市区區县縣路街号號丁目番地]",
    re.IGNORECASE,
)
"""In a line of an address."""

NOT_ADDRESS: Final = re.compile(
    r"(?<!\w)(?:tel|phone|telefon|ph|fax|hp|h/p|mobile|gst|vat|tax|abn|reg|roc|co\.?\s*reg|company\s*(?:no|reg)|e?-?mail"
    r"|www|invoice|receipt|bill|date|time|cashier|table|order|pos|counter|member|rechnung\w*|steuer\w*|ust\S*|iva|nif|cif|siret"
    r"|tva|cash|doc|document|customer|salesperson|operator|trans|qty|item|description)(?!\w)|https?:|@|\.com|电话|電話|税",
    re.IGNORECASE,
)
