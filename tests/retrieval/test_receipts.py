from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.retrieval.receipts import FIELDS, receipt_facts, receipt_fields
from foveal.types.content import OcrLine

Row = str | tuple[str, ...]

ENGLISH: list[Row] = [
    "TAX INVOICE",
    "GREEN GROCERS LTD (104388-X)",
    "12 Mill Lane,",
    "40150 Ashford,",
    "Kent",
    "Tel: 01233 555 0199",
    ("Cashier: Ann", "Date: 21/07/2017"),
    ("2 x Apples", "3.20"),
    ("Bread", "1.80"),
    ("Subtotal", "5.00"),
    ("Total saving", "0.00"),
    ("VAT 6%", "0.30"),
    ("TOTAL", "5.30"),
    ("CASH", "10.00"),
    ("CHANGE", "4.70"),
    "Thank you, come again",
]
GERMAN: list[Row] = [
    "Bäckerei Sommer GmbH",
    "Hauptstraße 7",
    "68165 Mannheim",
    "Steuernummer 38123/45678",
    ("Datum", "03.11.2023 08:15"),
    ("Brezel", "1,20"),
    ("Zwischensumme", "1.201,20"),
    ("Gesamtbetrag", "1.204,90 EUR"),
    ("enthaltene MwSt 7%", "78,82"),
]
JAPANESE: list[Row] = [
    "株式会社あおい商店",
    "東京都千代田区神田1丁目2番地",
    "2024年5月3日 12:40",
    ("おにぎり", "¥150"),
    ("小計", "¥1,150"),
    ("合計", "¥1,265"),
    ("お預り", "¥2,000"),
    ("お釣り", "¥735"),
]


def lines(rows: Sequence[Row]) -> list[OcrLine]:
    found = []
    for number, row in enumerate(rows):
        for place, text in enumerate((row,) if isinstance(row, str) else row):
            left, top = 0.1 + 0.5 * place, number / len(rows)
            right, bottom = left + 0.3, top + 0.6 / len(rows)
            corners = ((left, top), (right, top), (right, bottom), (left, bottom))
            found.append(OcrLine(text=text, score=0.9, polygon=corners))
    return found


def test_the_fields_of_an_english_receipt_are_found_and_the_total_is_what_was_paid() -> None:
    assert receipt_fields(lines(ENGLISH)) == {
        "company": "GREEN GROCERS LTD",
        "date": "21/07/2017",
        "address": "12 Mill Lane, 40150 Ashford, Kent",
        "total": "5.30",
    }


def test_the_fields_of_a_german_receipt_are_found() -> None:
    found = receipt_fields(lines(GERMAN))
    assert found["company"] == "Bäckerei Sommer GmbH"
    assert found["date"] == "03.11.2023"
    assert found["address"] == "Hauptstraße 7 68165 Mannheim"
    assert found["total"] == "1.204,90"


def test_the_fields_of_a_japanese_receipt_are_found() -> None:
    found = receipt_fields(lines(JAPANESE))
    assert found["company"] == "株式会社あおい商店"
    assert found["date"] == "2024年5月3日"
    assert found["total"] == "1,265"


def test_the_total_after_rounding_is_preferred_to_the_total_and_to_totals_of_taxes() -> None:
    rows = [*ENGLISH[:9], ("Total incl. GST", "5.32"), ("Total Rounded", "5.30"), ("TOTAL INCLUDES 6% GST", "0.30")]
    assert receipt_fields(lines(rows))["total"] == "5.30"


def test_a_total_may_stand_under_its_word() -> None:
    rows = [*ENGLISH[:9], "TOTAL AMOUNT PAYABLE", "RM 50.00"]
    assert receipt_fields(lines(rows))["total"] == "50.00"


@pytest.mark.parametrize(
    "rows",
    [
        [],
        ["EXIT", "SORTIE"],
        ["The LinnSequencer", "32 Track MIDI Sequence Recorder", "is a composition tool", "and simple to use."],
        ["Platform 9", "Departures 12:40", "London 14:55", "Total delay 5 minutes", "Coach C"],
    ],
)
def test_other_text_is_no_receipt(rows: list[Row]) -> None:
    assert receipt_facts(lines(rows)) == ()


def test_facts_are_fields_with_their_names() -> None:
    assert "total: 5.30" in receipt_facts(lines(ENGLISH))


@given(st.lists(st.one_of(st.text(max_size=40), st.sampled_from(["TOTAL 5.30", "Date 1/1/2020", "1 Mill Lane"]))))
def test_whatever_is_read_gives_known_fields_with_values(texts: list[str]) -> None:
    found = receipt_fields(lines(texts))
    assert set(found) <= set(FIELDS)
    assert all(found.values())


TAIL: list[Row] = [("Date", "21/07/2017"), ("TOTAL", "5.30"), "Thank you"]


@pytest.mark.parametrize(
    ("head", "company", "address"),
    [
        (["THE", "MARCO POLO", "7 High Street, Leeds"], "THE MARCO POLO", "7 High Street, Leeds"),
        (["No. 3, Mill Lane", "GREEN GROCERS", "Tel 555 0199"], "GREEN GROCERS", None),
        (["COMPANY NO. 104388", "#000002 BAIFU Ltd", "9 Hill Road, Leeds"], "BAIFU Ltd", "9 Hill Road, Leeds"),
        (
            ["GREEN LTD", "No. 17-G, Mill Road", "(X) U13/X, East End,", "Section U13, 40170 Ashford"],
            "GREEN LTD",
            "No. 17-G, Mill Road (X) U13/X, East End, Section U13, 40170 Ashford",
        ),
    ],
)
def test_heads_of_many_forms_give_the_seller_and_the_address(
    head: list[Row], company: str, address: str | None
) -> None:
    found = receipt_fields(lines([*head, *TAIL]))
    assert (found.get("company"), found.get("address")) == (company, address)
