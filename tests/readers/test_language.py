from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from foveal.readers.language import detect_language

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Two dogs are running along the beach in the evening sun.", "en"),
        ("Zwei Hunde laufen in der Abendsonne am Strand entlang.", "de"),
        ("Dos perros corren por la playa al atardecer con su dueño.", "es"),
        ("Две рыжие собаки бегут по берегу моря.", "ru"),
        ("สุนัขสองตัววิ่งเล่นบนชายหาด", "th"),
        ("二匹の犬が海辺を走っている。", "ja"),
        ("两只狗在海滩上奔跑。", "zh"),
        ("개 두 마리가 해변을 달린다.", "ko"),
        ("كلبان يركضان على الشاطئ عند غروب الشمس", "ar"),
        ("दो कुत्ते समुद्र तट पर दौड़ रहे हैं", "hi"),
        ("Δύο σκυλιά τρέχουν στην παραλία", "el"),
    ],
)
def test_the_language_of_a_sentence_is_told(text: str, language: str) -> None:
    assert detect_language(text) == language


@pytest.mark.parametrize("text", ["", "  ", "12345 !?", "IMG_1234", "ok"])
def test_what_is_too_short_to_tell_has_no_language(text: str) -> None:
    assert detect_language(text) == ""


def test_latin_names_in_a_thai_sentence_do_not_change_its_language() -> None:
    assert detect_language("วันนี้ใช้กล้อง Canon EOS 6D ถ่ายรูปที่ชายหาด") == "th"


def test_paragraphs_of_eight_languages_are_told(test_data: Path) -> None:
    for language in ("en", "es", "de", "ru", "ar", "hi", "th", "zh"):
        lines = (test_data / "qa" / "xquad" / f"corpus.{language}.jsonl").read_text(encoding="utf-8").splitlines()
        found = [detect_language(json.loads(line)["text"]) for line in lines[:60]]
        assert found.count(language) >= 0.95 * len(found), language


def test_the_model_is_not_loaded_before_it_is_needed() -> None:
    code = "import sys, foveal.readers.language as l; l.detect_language('ไทย'); sys.exit('py3langid' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT / "src", check=False).returncode == 0
