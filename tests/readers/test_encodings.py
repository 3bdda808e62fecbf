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
    "cp932": "これは日本語の文章です。東京へ行って写真を撮りました。",
    "euc_jp": "これは日本語の文章です。東京へ行って写真を撮りました。",
    "euc_jis_2004": "会員①番の席です。東京へ行って写真を撮りました。",
    "iso2022_jp_ext": "これは日本語の文章です。東京へ行って写真を撮りました。",
    "gb18030": "这是简体中文的句子，我们去了北京看电影，天气很好。",
    "big5hkscs": "這是繁體中文的句子，我們去了台北看電影，天氣很好。",
    "cp949": "한국어 문장입니다. 우리는 서울에 가서 사진을 찍었습니다.",
    "iso2022_kr": "한국어 문장입니다. 우리는 서울에 가서 사진을 찍었습니다.",
    "koi8-u": "Привіт! Як справи? Ми поїхали до Києва, щоб побачити музей і її друзів.",
    "cp866": "Привет! Как дела? Мы поехали в Москву смотреть музей.",
    "iso8859_5": "Привет! Как дела? Мы поехали в Москву смотреть музей.",
    "iso8859_6": "مرحبا بالعالم، كيف حالك اليوم؟ ذهبنا إلى البحر.",
    "cp1254": "Şu köşe yaz köşesi, şu köşe kış köşesi. İyi akşamlar, nasılsınız, ığdır çok güzel.",
    "cp1255": "שלום עולם, מה שלומך היום? הלכנו לים.",
    "cp1257": "Įlinkdama fechtuotojo špaga sublykčiojusi pragręžė apvalų arbūzą.",
    "iso8859_2": "Pchnąć w tę łódź jeża lub ośm skrzyń fig; może też świeżą rzeżuchę.",
    "cp850": "Die Größe der Tür über dem Bäcker, die schönen Gärten und die Füße.",
}


@pytest.mark.parametrize("encoding", SENTENCES)
def test_a_legacy_encoding_is_guessed_from_its_letters(encoding: str) -> None:
    text = SENTENCES[encoding]
    assert decode_text(text.encode(encoding)) == (text, encoding)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("氏名,住所,年齢\r\n髙橋恵子,横浜市,41\r\n山﨑一郎,札幌市,28\r\n", "cp932"),
        ("Produkt,Größe\r\nTür,2 m\r\n", "cp1252"),
        ("Produkt,Cena\r\nŻółty ser,12 zł\r\n", "cp1250"),
        ("Ürün,Ağırlık\r\nŞeker,2 kg\r\nYağ,1 kg\r\n", "cp1254"),
        ("Товар,Цена\r\nСахар,40\r\n", "koi8-r"),
        ("Товар,Цена\r\nСахар,40\r\n", "cp1251"),
        ("产品,价格\r\n白糖,四十\r\n", "gb18030"),
        ("產品,價格\r\n白糖,四十\r\n", "big5hkscs"),
        ("품명,가격\r\n설탕,사십\r\n", "cp949"),
    ],
)
def test_the_few_words_of_a_small_table_are_enough(text: str, encoding: str) -> None:
    assert decode_text(text.encode(encoding)) == (text, encoding)


def test_typographic_signs_in_english_are_no_letters_of_another_page() -> None:
    text = "It’s the “old” harbour – they don’t say “pier” … it isn’t one."
    assert decode_text(text.encode("cp1252")) == (text, "cp1252")


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
