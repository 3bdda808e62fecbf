from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.errors import InvalidRequestError
from foveal.sources.descriptions import MAX_ENTRIES, is_metadata_file, load_description_file, load_descriptions
from foveal.sources.folder import FolderSource
from foveal.testing.fakes_content import FakeSource


def metadata(*entries: tuple[object, object]) -> bytes:
    return json.dumps([{"image_blob_path": p, "description": d} for p, d in entries], ensure_ascii=False).encode()


def test_paths_count_from_the_files_folder_and_else_from_the_root() -> None:
    source = FakeSource(
        {
            "a.jpg": b"",
            "trip/a.jpg": b"",
            "trip/b.jpg": b"",
            "other/c.jpg": b"",
            "trip/metadata.json": metadata(("a.jpg", "near"), ("other/c.jpg", "far"), ("./b.jpg", "dotted")),
        }
    )
    found = load_descriptions(source)
    assert found.by_path == {"trip/a.jpg": "near", "other/c.jpg": "far", "trip/b.jpg": "dotted"}
    assert found.files == ("trip/metadata.json",)
    assert found.failures == ()


def test_any_number_of_files_is_read_and_none_of_them_is_a_document() -> None:
    source = FakeSource(
        {
            "1.jpg": b"",
            "2.jpg": b"",
            "metadata.json": metadata(("1.jpg", "one")),
            "metadata-2.json": metadata(("2.jpg", "two")),
            "Metadata.json": b"[]",
            "my-metadata.json": b"[]",
        }
    )
    found = load_descriptions(source)
    assert found.by_path == {"1.jpg": "one", "2.jpg": "two"}
    assert set(found.files) == {"metadata.json", "metadata-2.json"}


@pytest.mark.parametrize("path", ["../secret.jpg", "/../x.jpg", "a/../../x.jpg", "..\\x.jpg", "a/../x.jpg"])
def test_a_path_that_leads_out_is_refused(path: str) -> None:
    found = load_descriptions(FakeSource({"x.jpg": b"", "metadata.json": metadata((path, "words"))}))
    assert found.by_path == {}
    assert "leads out of the folder" in found.failures[0].reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{not json", "not valid JSON"),
        (b"\xff\xfe\xfa", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b'{"image_blob_path": "1.jpg"}', "not an array"),
        (b"", "not valid JSON"),
    ],
)
def test_a_broken_file_is_reported_and_the_others_are_used(data: bytes, reason: str) -> None:
    source = FakeSource({"1.jpg": b"", "metadata-a.json": data, "metadata-b.json": metadata(("1.jpg", "one"))})
    found = load_descriptions(source)
    assert found.by_path == {"1.jpg": "one"}
    assert [f.path for f in found.failures] == ["metadata-a.json"]
    assert reason in found.failures[0].reason
    assert found.failures[0].remedy


def test_entries_that_cannot_be_used_are_named_and_the_rest_is_used() -> None:
    good, blank = ({"image_blob_path": "1.jpg", "description": words} for words in ("one", " "))
    entries = json.dumps([good, 7, {"image_blob_path": 3}, blank]).encode()
    found = load_descriptions(FakeSource({"1.jpg": b"", "metadata.json": entries}))
    assert found.by_path == {"1.jpg": "one"}
    assert [f.reason[:7] for f in found.failures] == ["Entry 2", "Entry 3", "Entry 4"]


def test_an_entry_without_its_image_is_reported() -> None:
    found = load_descriptions(FakeSource({"metadata.json": metadata(("gone.jpg", "words"))}))
    assert (found.failures[0].code, found.by_path) == ("not_found", {})
    assert "gone.jpg" in found.failures[0].reason


def test_many_missing_images_do_not_flood_the_report() -> None:
    found = load_descriptions(FakeSource({"metadata.json": metadata(*[(f"{i}.jpg", "x") for i in range(500)])}))
    assert len(found.failures) == 21
    assert "480 more" in found.failures[-1].reason


def test_entries_past_ten_thousand_are_reported_and_not_used() -> None:
    files = {f"{i}.jpg": b"" for i in range(MAX_ENTRIES + 1)}
    source = FakeSource({**files, "metadata.json": metadata(*[(path, "x") for path in files])})
    found = load_descriptions(source)
    assert len(found.by_path) == MAX_ENTRIES
    assert [f.code for f in found.failures] == ["over_limit"]


def test_a_second_description_of_an_image_is_reported() -> None:
    source = FakeSource(
        {"1.jpg": b"", "metadata.json": metadata(("1.jpg", "first"), ("1.jpg", "first"), ("1.jpg", "second"))}
    )
    found = load_descriptions(source)
    assert found.by_path == {"1.jpg": "first"}
    assert [f.code for f in found.failures] == ["conflict"]


def test_accents_may_be_composed_differently() -> None:
    listed = unicodedata.normalize("NFD", "café/ü.jpg")
    source = FakeSource({listed: b"", "metadata.json": metadata((unicodedata.normalize("NFC", listed), "words"))})
    assert load_descriptions(source).by_path == {listed: "words"}


def test_the_seeds_shape_is_read_as_it_is(test_data: Path) -> None:
    found = load_descriptions(FolderSource(test_data / "photos" / "coco"))
    assert len(found.by_path) == 80
    assert found.files == ("metadata.json",)
    assert found.failures == ()
    assert found.by_path["000000000285.jpg"].startswith("A big burly grizzly bear")


@pytest.mark.parametrize(
    "text",
    [
        'image_blob_path,description\na.jpg,"Two dogs, running"\n',
        'description,image_blob_path\n"Two dogs, running",a.jpg\n',
        'a.jpg,"Two dogs, running"\r\n',
        '\ufeffimage_blob_path,description\r\na.jpg,"Two dogs, running"\r\n',
    ],
)
def test_a_table_of_two_columns_will_do_as_well(tmp_path: Path, text: str) -> None:
    (tmp_path / "words.csv").write_bytes(text.encode())
    assert load_description_file(tmp_path / "words.csv").by_path == {"a.jpg": "Two dogs, running"}


def test_a_file_named_by_hand_may_be_json_and_is_checked_against_the_source(tmp_path: Path) -> None:
    (tmp_path / "words.json").write_bytes(metadata(("a.jpg", "one"), ("b.jpg", "two")))
    assert load_description_file(tmp_path / "words.json").by_path == {"a.jpg": "one", "b.jpg": "two"}
    checked = load_description_file(tmp_path / "words.json", FakeSource({"a.jpg": b""}))
    assert checked.by_path == {"a.jpg": "one"}
    assert checked.failures[0].code == "not_found"


@pytest.mark.parametrize(
    ("name", "data"), [("w.json", b"nonsense"), ("w.csv", b"\xff\xfe\x00"), ("missing.json", None)]
)
def test_a_file_named_by_hand_that_cannot_be_read_is_an_error(tmp_path: Path, name: str, data: bytes | None) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(InvalidRequestError, match=name.replace(".", r"\.")):
        load_description_file(tmp_path / name)


def test_the_name_decides_what_is_metadata() -> None:
    assert is_metadata_file("a/b/metadata_1.json")
    assert not is_metadata_file("a/metadata/photo.json")
    assert not is_metadata_file("metadata.txt")


@given(st.binary(max_size=200))
def test_any_bytes_in_a_metadata_file_are_survived(data: bytes) -> None:
    found = load_descriptions(FakeSource({"1.jpg": b"", "metadata.json": data}))
    assert found.files == ("metadata.json",)
