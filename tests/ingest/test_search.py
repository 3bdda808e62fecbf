"""R1, R2, R3, R4, R5: what a search of the real stores gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from foveal.errors import IndexNotFoundError, InvalidRequestError
from foveal.pipeline.adapt import AdapterKeeper
from foveal.pipeline.calibrate import CalibrationKeeper
from foveal.pipeline.search import Searcher
from foveal.pipeline.understand import TextUnderstanding
from foveal.pipeline.weighing import Weights
from foveal.retrieval.filtering import optional_filter
from foveal.retrieval.text_space import build_text_space
from foveal.testing.fakes_remote import FakeReranker
from foveal.testing.fakes_text import picture_of
from foveal.types.assets import MediaKind
from foveal.types.search import Leg, Mode, Query

from .conftest import INDEX, Home

Photo = Callable[..., Path]


@pytest.fixture
def searcher(home: Home, photo: Photo) -> Searcher:
    for number in range(8):
        photo(f"p{number}.png", number, (160, 120))
    Image.open(home.photos / "p0.png").resize((120, 90)).save(home.photos / "copy.png")
    for number in range(12):
        (home.photos / f"t{number:02}.txt").write_text(f"The ferry number {number} leaves pier {number % 3} at noon.")
    home.ingest()
    (home.photos / "secret.txt").write_text("The secret ferry leaves at midnight.")
    home.ingest(groups=("board",))
    return searching(home)


def searching(home: Home) -> Searcher:
    texts = TextUnderstanding(home.embedder, home.cache)
    return Searcher(
        catalog=home.catalog,
        store=home.store,
        embedder=home.embedder,
        encoder=lambda: home.encoder,
        adapters=AdapterKeeper(
            catalog=home.catalog,
            store=home.store,
            images=home.images,
            texts=texts,
            space=lambda: build_text_space(home.embedder, home.encoder.labels, home.detector.classes),
        ),
        calibrations=CalibrationKeeper(catalog=home.catalog, store=home.store, texts=texts),
        reranker=FakeReranker,
    )


def _paths(searcher: Searcher, query: Query) -> list[str]:
    return [hit.chunk.filepath for hit in searcher.search(INDEX, query).hits]


@pytest.mark.parametrize("mode", list(Mode))
def test_a_chunk_of_a_group_is_found_by_its_members_only_in_every_mode(searcher: Searcher, mode: Mode) -> None:
    def found(groups: tuple[str, ...] | None) -> list[str]:
        return _paths(searcher, Query(text="secret ferry", mode=mode, groups=groups, top=50))

    assert found(()) == found(("sales",)) == []
    assert "secret.txt" in found(("board",))
    assert "secret.txt" in found(None)


def test_a_filter_holds_for_every_hit_and_text_image_and_filter_work_together(
    home: Home, searcher: Searcher, photo: Photo
) -> None:
    image = home.chunks()["p3.png#0"]
    query = Query(
        text="picture",
        images=(_pixels(home.photos / "p3.png"),),
        filter=optional_filter("kind eq 'image' and filepath ne 'p1.png'"),
        top=20,
    )
    hits = searcher.search(INDEX, query).hits
    assert hits[0].chunk.asset_id == image.asset_id
    assert {h.chunk.kind for h in hits} == {MediaKind.IMAGE}
    assert "p1.png" not in [h.chunk.filepath for h in hits]


def _pixels(path: Path):  # type: ignore[no-untyped-def]
    import numpy as np

    return np.asarray(Image.open(path).convert("RGB"))


def test_a_higher_strictness_never_finds_more_and_what_is_left_out_is_kept_apart(searcher: Searcher) -> None:
    before: set[str] | None = None
    for strictness in (None, 1, 2, 3, 4, 5):
        result = searcher.search(INDEX, Query(text="ferry number seven", strictness=strictness, top=50))
        found = {h.chunk.chunk_id for h in result.hits}
        assert before is None or found <= before
        assert not found & {h.chunk.chunk_id for h in result.rejected}
        before = found


def test_pages_follow_one_another(searcher: Searcher) -> None:
    whole = _paths(searcher, Query(text="ferry", mode=Mode.KEYWORD, top=12))
    pages = [_paths(searcher, Query(text="ferry", mode=Mode.KEYWORD, top=4, skip=skip)) for skip in (0, 4, 8)]
    assert [path for page in pages for path in page] == whole
    assert len(set(whole)) == 12


def test_near_duplicates_become_one_hit_that_lists_them(home: Home, searcher: Searcher) -> None:
    image = (_pixels(home.photos / "p0.png"),)
    collapsed = searcher.search(INDEX, Query(images=image, top=20)).hits
    apart = searcher.search(INDEX, Query(images=image, top=20, collapse=False)).hits
    assert {collapsed[0].chunk.filepath, *(d.filepath for d in collapsed[0].duplicates)} == {"p0.png", "copy.png"}
    assert len(apart) == len(collapsed) + 1
    assert not any(hit.duplicates for hit in apart)


def test_what_the_legs_add_is_the_score(searcher: Searcher) -> None:
    for hit in searcher.search(INDEX, Query(text="ferry at noon")).hits:
        assert hit.score == pytest.approx(sum(leg.contribution for leg in hit.legs))
        assert hit.confidence == max(leg.confidence for leg in hit.legs)


def test_semantic_mode_orders_by_the_re_ranker(searcher: Searcher) -> None:
    hits = searcher.search(INDEX, Query(text="ferry number 7", mode=Mode.SEMANTIC)).hits
    scores = [hit.rerank_score for hit in hits]
    assert None not in scores
    assert scores == sorted(scores, reverse=True)  # type: ignore[type-var]


def test_a_search_for_nothing_or_of_nothing_says_so(searcher: Searcher) -> None:
    with pytest.raises(InvalidRequestError):
        searcher.search(INDEX, Query(text="  "))
    with pytest.raises(IndexNotFoundError, match=INDEX):
        searcher.search("photoz", Query(text="ferry"))


def test_a_keyword_leg_that_has_little_of_the_question_gives_its_weight_to_the_others(home: Home) -> None:
    legs = frozenset(Leg)
    text = next(iter(_some_text(home)))
    trusted, doubted = Weights.for_query(legs, 1.0), Weights.for_query(legs, 0.1)
    assert trusted.of(text, Leg.KEYWORD) == pytest.approx(0.5)
    assert doubted.of(text, Leg.KEYWORD) < 0.05
    assert doubted.of(text, Leg.KEYWORD) + doubted.of(text, Leg.TEXT) == pytest.approx(1.0)


def _some_text(home: Home):  # type: ignore[no-untyped-def]
    (home.photos / "a.txt").write_text("words")
    home.ingest()
    return home.chunks().values()


RECEIPT = [
    "GREEN GROCERS LTD",
    "12 Mill Lane",
    "Date: 21/07/2017",
    "Apples 3.20",
    "Bread 1.80",
    "TOTAL 5.00",
]


def test_a_receipt_is_found_by_its_total_in_words_and_by_filter(home: Home) -> None:
    Image.fromarray(picture_of(RECEIPT)).save(home.photos / "receipt.png")
    Image.fromarray(picture_of(["TOTAL WAR", "an old poster"])).save(home.photos / "poster.png")
    home.ingest()
    searcher = searching(home)
    total = optional_filter("facts/any(f: f eq 'total: 5.00')")
    by_filter = searcher.search(INDEX, Query(text="anything", filter=total))
    by_words = searcher.search(INDEX, Query(text="total: 5.00 company", mode=Mode.KEYWORD))
    assert [hit.chunk.filepath for hit in by_filter.hits] == ["receipt.png"]
    assert by_words.hits[0].chunk.filepath == "receipt.png"
    assert by_filter.hits[0].chunk.facts[0] == "company: GREEN GROCERS LTD"
