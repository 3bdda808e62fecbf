from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveal.errors import ModelUnavailableError
from foveal.models.card_table import CARDS, SAMPLES, card
from foveal.models.cards import Card, HubFile
from foveal.models.pull import ModelFolder
from foveal.models.samples import DESCRIPTIONS, ORIGINS, materialise


@pytest.fixture(scope="module")
def laid_out(
    pulled: Callable[[str], Card], model_folder: ModelFolder, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[Path]]:
    pulled("samples")
    target = tmp_path_factory.mktemp("samples") / "photos"
    return target, materialise(model_folder, target)


def test_every_sample_is_a_photograph_that_opens(laid_out: tuple[Path, list[Path]]) -> None:
    _, photos = laid_out
    assert [path.name for path in photos] == sorted(file.name for file in SAMPLES.files)
    for path in photos:
        with Image.open(path) as image:
            assert np.array(image).std() > 5


def test_a_third_is_described_in_the_seeds_shape(laid_out: tuple[Path, list[Path]]) -> None:
    target, photos = laid_out
    described = json.loads((target / "metadata.json").read_text(encoding="utf-8"))
    assert [set(row) for row in described] == [{"image_blob_path", "description"}] * len(described)
    assert {row["image_blob_path"] for row in described} <= {path.name for path in photos}
    assert len(described) == len(DESCRIPTIONS) == len(photos) // 3


def test_every_sample_has_its_author_and_licence_written_beside_it(laid_out: tuple[Path, list[Path]]) -> None:
    target, photos = laid_out
    lines = (target.parent / "SOURCES.md").read_text(encoding="utf-8").splitlines()
    for path in photos:
        (line,) = [line for line in lines if line.startswith(f"- `{path.name}`")]
        assert ORIGINS[path.name].author in line
        assert ORIGINS[path.name].licence in line


def test_laying_out_again_touches_nothing_but_what_changed(
    laid_out: tuple[Path, list[Path]], model_folder: ModelFolder
) -> None:
    target, photos = laid_out
    photos[0].write_bytes(b"broken")
    before = {path.name: path.stat().st_mtime_ns for path in target.iterdir()}
    materialise(model_folder, target)
    after = {path.name: path.stat().st_mtime_ns for path in target.iterdir()}
    assert {name for name in after if after[name] != before[name]} == {photos[0].name}


@pytest.mark.parametrize("name", list(CARDS))
def test_a_card_says_where_its_files_come_from_and_how_to_know_them(name: str) -> None:
    found = card(name)
    assert found.name == name
    assert found.licence
    assert "AGPL" not in found.licence
    assert len({file.name for file in found.files}) == len(found.files) > 0
    for file in found.files:
        if not file.sources:  # a person brings it
            assert found.on_demand
            assert (file.sha256, file.size_bytes) == ("", 0)
            continue
        assert len(bytes.fromhex(file.sha256)) == 32
        assert file.size_bytes > 0
        assert found.on_demand or not all(isinstance(source, HubFile) for source in file.sources)


def test_identities_of_cards_differ() -> None:
    assert len({found.identity for found in CARDS.values()}) == len(CARDS)


def test_an_unknown_card_names_the_nearest() -> None:
    with pytest.raises(ModelUnavailableError, match="nanodet"):
        card("nanodets")
