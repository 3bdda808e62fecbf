"""The command line end to end: demo, search, ask, status, index, models, doctor, and their exit statuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Program


def test_the_demo_answers_with_the_photo_of_the_cat_and_a_second_run_has_nothing_to_do(demo: Program) -> None:
    again = demo("demo", "--once")
    assert "unchanged" in again.out
    assert "added" not in again.out
    assert "chelsea" in again.out
    assert "[doc1]" in again.out


def test_words_find_photos_and_explain_says_why(demo: Program) -> None:
    found = demo("search", "a cup of coffee", "--index", "demo", "--explain")
    assert "coffee" in found.out.splitlines()[0]
    assert "rank   1" in found.out
    assert "keyword" in found.out


def test_an_image_finds_itself_mirrored(demo: Program, tmp_path: Path) -> None:
    from PIL import Image, ImageOps

    original = demo.home / "samples" / "photos" / "coffee.png"
    mirrored = tmp_path / "query.jpg"
    ImageOps.mirror(Image.open(original).convert("RGB").resize((300, 200))).save(mirrored)

    found = demo("search", "--image", mirrored, "--index", "demo", "--json").json

    assert found["hits"][0]["filepath"] == "coffee.png"  # type: ignore[index]
    assert found["hits"][0]["legs"][0]["leg"] == "image"  # type: ignore[index]
    assert found["hits"][0]["relations"][0]["kind"] == "near_duplicate"  # type: ignore[index]
    assert "mirrored" in found["hits"][0]["relations"][0]["reason"]  # type: ignore[index]


def test_a_thing_in_other_surroundings_is_called_the_same_object_and_boxed_in_both_pictures(
    demo: Program, tmp_path: Path
) -> None:
    """C5, U3: the cup of one photo, mirrored and smaller, on a wall of bricks."""
    from PIL import Image, ImageOps

    photos = demo.home / "samples" / "photos"
    cup = ImageOps.mirror(Image.open(photos / "coffee.png").convert("RGB").crop((130, 45, 445, 345)))
    shown = Image.open(photos / "brick.png").convert("RGB").resize((480, 360))
    shown.paste(cup.resize((235, 224)), (200, 100))
    shown.save(tmp_path / "shown.png")

    found = demo("search", "--image", tmp_path / "shown.png", "--index", "demo", "--json").json
    told = {hit["filepath"]: hit["relations"] for hit in found["hits"]}  # type: ignore[attr-defined]
    (same,) = (one for one in told["coffee.png"] if one["kind"] == "same_object")
    assert "cup" in same["reason"]
    ((there,), (here,)) = same["boxes"], same["shown_boxes"]
    assert 0.2 < there["x"] + there["width"] / 2 < 0.75
    assert here["x"] > 0.35
    assert 0.5 <= same["score"] <= 1
    assert not any(one["kind"] == "same_object" for file, of in told.items() if file != "coffee.png" for one in of)

    answer = demo("ask", "How does this relate to my photos?", "--image", tmp_path / "shown.png", "--index", "demo")
    assert "same object" in answer.out.split("coffee.png", 1)[1].split("\n")[0]


def test_a_part_of_an_image_finds_the_one_it_is_from_and_a_wrong_box_says_how_one_is_written(
    demo: Program, tmp_path: Path
) -> None:
    photo = demo.home / "samples" / "photos" / "coffee.png"
    found = demo("search", "--image", f"{photo}#0.3,0.3,0.5,0.5", "--index", "demo", "--json").json
    assert found["hits"][0]["filepath"] == "coffee.png"  # type: ignore[index]
    assert found["hits"][0]["legs"][0]["leg"] == "region"  # type: ignore[index]
    wrong = demo("search", "--image", f"{photo}#9000,0,10,10", "--index", "demo", status=2)
    assert "fractions" in wrong.err


def test_a_filter_restricts_and_a_wrong_one_names_the_field(demo: Program) -> None:
    found = demo("search", "photo", "--index", "demo", "--filter", "kind eq 'image' and width_px gt 600", "--json").json
    assert found["hits"]
    wrong = demo("search", "photo", "--index", "demo", "--filter", "widht_px gt 600", status=2)
    assert "widht_px" in wrong.err
    assert "width_px" in wrong.err


def test_an_answer_quotes_the_persons_words_as_the_persons(demo: Program) -> None:
    answer = demo("ask", "Is there a photo of a cat?", "--index", "demo", "--json").json
    assert answer["answered"] is True
    cited = [c for c in answer["citations"] if c["cited"]]  # type: ignore[attr-defined]
    assert cited[0]["filepath"] == "chelsea.png"


def test_a_question_outside_the_data_is_refused_with_status_3(demo: Program) -> None:
    answer = demo("ask", "What is the boiling point of tungsten?", "--index", "demo", "--json", status=3).json
    assert answer["answered"] is False
    assert "not found in the retrieved data" in str(answer["answer"])


def test_status_index_and_models_describe_the_installation(demo: Program) -> None:
    status = demo("status", "--json").json
    (index,) = status["indexes"]  # type: ignore[misc]
    assert index["name"] == "demo"
    assert index["images"] >= 15
    assert demo("index", "list", "--json").out.strip() == '[\n  "demo"\n]'
    assert "demo:" in demo("index", "show", "demo").out
    assert "multilingual-e5-small" in demo("models", "list").out
    assert "as its card says" in demo("models", "verify").out


def test_the_doctor_names_what_is_off_and_the_remedy(demo: Program) -> None:
    checks = {c["name"]: c for c in demo("doctor", "--json").json}  # type: ignore[union-attr, attr-defined]
    assert checks["multilingual-e5-small"]["state"] == "on"
    assert checks["chat model"]["state"] == "off"
    assert "chat.base_url" in checks["chat model"]["remedy"]


def test_an_index_is_deleted_only_when_asked_to(foveal: Program, tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("The ferry leaves at nine from pier four.")
    foveal("ingest", tmp_path / "texts", "--index", "notes")
    assert "ferry" in foveal("ask", "When does the ferry leave?", "--index", "notes").out
    foveal("index", "delete", "notes", "--yes")
    gone = foveal("search", "ferry", "--index", "notes", status=1)
    assert "notes" in gone.err


def test_a_dry_run_writes_nothing(foveal: Program, tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("words")
    plan = foveal("ingest", tmp_path / "texts", "--dry-run", "--json").json
    assert plan[0]["counts"]["added"] == 1  # type: ignore[index, call-overload]
    assert "text/plain" in str(plan)
    assert foveal("index", "list", "--json").out.strip() == "[]"


def test_wrong_usage_is_status_2_and_never_a_traceback(foveal: Program, tmp_path: Path) -> None:
    for arguments in (
        ("search", "x", "--mode", "psychic"),
        ("--set", "nonsense", "status"),
        ("--set", "chat.modle=x", "status"),
        ("ingest", tmp_path / "nowhere"),
    ):
        wrong = foveal(*arguments, status=2)
        assert "Traceback" not in wrong.err
        assert wrong.err.strip()


def test_the_words_of_an_answer_follow_the_question_s_language(demo: Program) -> None:
    answer = demo("ask", "Gibt es ein Foto von einer Katze?", "--index", "demo", "--json").json
    assert answer["answered"] is True
    cited = [c for c in answer["citations"] if c["cited"]]  # type: ignore[attr-defined]
    assert "chelsea.png" in [c["filepath"] for c in cited]


@pytest.mark.parametrize("question", ["Where did we see a cup?", "Wo haben wir eine Tasse gesehen?", "有杯子的照片吗?"])
def test_a_thing_that_is_asked_for_by_name_is_shown_in_any_language_that_has_the_name(
    demo: Program, question: str
) -> None:
    """R4, C3: by what was detected, whatever the vectors are sure of."""
    answer = demo("ask", question, "--index", "demo", "--json").json
    assert answer["answered"] is True
    cited = [c["filepath"] for c in answer["citations"] if c["cited"]]  # type: ignore[attr-defined]
    assert cited[:1] == ["coffee.png"]


def test_looking_says_what_is_where_and_draws_it(demo: Program, tmp_path: Path) -> None:
    from PIL import Image, ImageChops

    photo = demo.home / "samples" / "photos" / "astronaut.png"
    (found,) = demo("look", photo, "--json", "--draw", tmp_path / "drawn.png").json
    person = next(one for one in found["objects"] if one["label"] == "person")  # type: ignore[index]
    assert len(person["polygon"]) == 4
    assert all(0 <= value <= 1 for corner in person["polygon"] for value in corner)
    with Image.open(photo) as original, Image.open(tmp_path / "drawn.png") as drawn:
        assert drawn.size == original.size
        assert ImageChops.difference(original.convert("RGB"), drawn).getbbox() is not None
    assert "object  person" in demo("look", photo).out
    assert "cannot be written" in demo("look", photo, "--draw", tmp_path / "drawn.words", status=2).err


def test_looking_for_words_tells_and_draws_only_what_they_name(demo: Program, tmp_path: Path) -> None:
    from PIL import Image, ImageChops

    photo = demo.home / "samples" / "photos" / "astronaut.png"
    (found,) = demo("look", photo, "--words", "A woman, no cow", "--json", "--draw", tmp_path / "drawn.png").json
    (woman,) = found["named"]  # type: ignore[misc]
    assert (woman["text"], woman["offset"], woman["length"], len(woman["polygon"])) == ("woman", 2, 5, 4)
    with Image.open(photo) as original, Image.open(tmp_path / "drawn.png") as drawn:
        assert ImageChops.difference(original.convert("RGB"), drawn).getbbox() is not None
    demo("look", photo, "--words", "nothing of the kind", "--draw", tmp_path / "bare.png")
    with Image.open(photo) as original, Image.open(tmp_path / "bare.png") as drawn:
        assert ImageChops.difference(original.convert("RGB"), drawn).getbbox() is None
