from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.readers.encodings import decode_text, guess_encoding

SENTENCES = {
    "cp1252": "Les élèves français étaient à l’école – “naïve” façon de parler. Größe und Übung.",
    "cp1250": "Příliš žluťoučký kůň úpěl ďábelské ódy, a proto děti běžely přes řeku.",
    "cp1251": "Привет! Как дела? Мы поехали в Москву смотреть музей.",
    "koi8-r": "Привет! Как дела? Мы поехали в Москву смотреть музей.",
    "cp1253": "Καλημέρα κόσμε, πώς είσαι σήμερα; Πάμε στη θάλασσα.",
    "cp1256": "مرحبا بالعالم، كيف حالك اليوم؟ ذهبنا إلى البحر.",
    "cp874": "สวัสดีชาวโลก วันนี้อากาศดีมาก เราไปทะเลกันเถอะ",
    "shift_jis": "これは日本語の文章です。東京へ行って写真を撮りました。",
    "euc_jp": "これは日本語の文章です。東京へ行って写真を撮りました。",
    "gb18030": "这是简体中文的句子，我们去了北京看电影，天气很好。",
    "big5": "這是繁體中文的句子，我們去了台北看電影，天氣很好。",
    "euc_kr": "한국어 문장입니다. 우리는 서울에 가서 사진을 찍었습니다.",
}


@pytest.mark.parametrize("encoding", SENTENCES)
def test_a_legacy_encoding_is_guessed_from_its_letters(encoding: str) -> None:
    text = SENTENCES[encoding]
    assert decode_text(text.encode(encoding)) == (text, encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_is_read_with_and_without_a_mark(encoding: str) -> None:
    text = "Plain words with ünïcode, and some more.\r\nSecond line."
    found, name = decode_text(text.encode(encoding))
    assert (found, name) == (text, encoding)


def test_utf_16_of_another_script_needs_no_mark() -> None:
    text = "Привет, мир. Это обычный текст, в нём есть пробелы.\n"
    assert guess_encoding(text.encode("utf-16-le")) == "utf-16-le"


@pytest.mark.parametrize("data", [b"\0\0\0\0", b"abc\0def", b"\x01\x02\x03\x04" * 10, b"\xff\xfe\x00\xd8"])
def test_what_is_no_text_has_no_encoding(data: bytes) -> None:
    assert guess_encoding(data) is None
    with pytest.raises(ValueError, match="not text"):
        decode_text(data)


@given(st.text(alphabet=st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"]), min_size=1))
def test_any_utf_8_text_comes_back_as_it_was(text: str) -> None:
    if not text.startswith("\ufeff"):
        assert decode_text(text.encode()) == (text, "utf-8")


@given(st.binary(max_size=200))
def test_guessing_never_raises_and_what_is_guessed_decodes(data: bytes) -> None:
    name = guess_encoding(data)
    if name:
        data.decode(name, "replace")
