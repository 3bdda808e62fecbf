"""Near-duplicates collapse into the best of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from foveal.retrieval.duplicates import collapse, hash_distance, near_duplicates
from foveal.types.assets import AssetId, DocumentId, MediaKind
from foveal.types.chunks import Chunk, ChunkId
from foveal.types.locators import Locator
from foveal.types.search import Hit
from foveal.types.vectors import FloatArray

RECEIPT = "Hero Distribution Sdn Bhd Subang Jaya tax invoice number 1127 cash total 12.50 thank you"


def chunk(
    name: str,
    perceptual_hash: int | None,
    *,
    kind: MediaKind = MediaKind.IMAGE,
    asset: str = "",
    page: int | None = None,
    vector: FloatArray | None = None,
    ocr_text: str = "",
) -> Chunk:
    return Chunk(
        chunk_id=ChunkId(name),
        document_id=DocumentId(name),
        asset_id=AssetId(asset or name),
        kind=kind,
        media_type="image/jpeg",
        source="/photos",
        title=name,
        filepath=name,
        content="",
        perceptual_hash=perceptual_hash,
        image_vector=vector,
        ocr_text=ocr_text,
        locator=Locator(page=page),
    )


def hit(one: Chunk, score: float = 1.0) -> Hit:
    return Hit(chunk=one, score=score, confidence=score, legs=())


def names(hits: list[Hit]) -> list[tuple[str, list[str]]]:
    return [(one.chunk.title, [duplicate.title for duplicate in one.duplicates]) for one in hits]


def at_angle(cosine: float) -> FloatArray:
    return np.array([cosine, np.sqrt(1 - cosine**2)], np.float32)


def bits(count: int) -> int:
    return (1 << count) - 1


def test_near_duplicates_become_one_hit_that_lists_them_in_order() -> None:
    hits = [
        hit(chunk("original", bits(0))),
        hit(chunk("other", bits(40))),
        hit(chunk("small", bits(3))),
        hit(chunk("gray", bits(10))),
    ]
    assert names(collapse(hits)) == [("original", ["small", "gray"]), ("other", [])]


def test_the_limit_is_the_callers() -> None:
    hits = [hit(chunk("a", 0)), hit(chunk("b", bits(3)))]
    assert names(collapse(hits, max_distance=2)) == [("a", []), ("b", [])]


def test_the_same_bytes_at_two_places_are_duplicates_even_without_a_hash() -> None:
    hits = [hit(chunk("here", None, asset="x")), hit(chunk("there", None, asset="x"))]
    assert names(collapse(hits)) == [("here", ["there"])]


def test_two_pages_of_one_file_are_not_duplicates() -> None:
    assert not near_duplicates(chunk("1", None, asset="x", page=1), chunk("2", None, asset="x", page=2))
    assert not near_duplicates(chunk("1", bits(0), asset="x", page=1), chunk("2", bits(30), asset="x", page=2))


def test_text_never_collapses() -> None:
    hits = [hit(chunk(name, 0, asset="x", kind=MediaKind.TEXT)) for name in "ab"]
    assert len(collapse(hits)) == 2


def test_images_without_a_hash_stay_apart() -> None:
    assert len(collapse([hit(chunk("a", None)), hit(chunk("b", None)), hit(chunk("c", 0))])) == 3


def test_vectors_that_point_elsewhere_contradict_a_close_hash() -> None:
    assert not near_duplicates(chunk("a", 0, vector=at_angle(1)), chunk("b", bits(8), vector=at_angle(0.4)))
    assert near_duplicates(chunk("a", 0, vector=at_angle(1)), chunk("b", bits(8), vector=at_angle(0.7)))


def test_vectors_confirm_a_hash_that_is_a_little_too_far() -> None:
    assert near_duplicates(chunk("a", 0, vector=at_angle(1)), chunk("b", bits(14), vector=at_angle(0.9)))
    assert not near_duplicates(chunk("a", 0), chunk("b", bits(14)))
    assert not near_duplicates(chunk("a", 0, vector=at_angle(1)), chunk("b", bits(20), vector=at_angle(0.99)))


def test_two_receipts_that_look_alike_but_differ_in_a_number_are_two_documents() -> None:
    other = RECEIPT.replace("12.50", "13.50")
    assert not near_duplicates(chunk("a", 0, ocr_text=RECEIPT), chunk("b", bits(2), ocr_text=other))
    assert not near_duplicates(chunk("a", 0, ocr_text=RECEIPT), chunk("b", bits(2), ocr_text=""))
    assert near_duplicates(chunk("a", 0, ocr_text=RECEIPT), chunk("b", bits(2), ocr_text=RECEIPT.upper()))


def test_a_few_words_read_differently_do_not_keep_a_photo_from_its_copy() -> None:
    assert near_duplicates(chunk("a", 0, ocr_text="STOP 24"), chunk("b", bits(2), ocr_text="ST0P"))


def test_a_chain_of_small_differences_does_not_swallow_another_picture() -> None:
    hits = [hit(chunk(str(count), bits(count))) for count in (0, 8, 16)]
    assert names(collapse(hits)) == [("0", ["8"]), ("16", [])]


@given(st.lists(st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 3, 7, bits(12)]), max_size=12))
def test_no_chunk_is_lost_and_the_order_of_what_is_kept_stays(hashes: list[int]) -> None:
    hits = [hit(chunk(f"{place:02d}", value)) for place, value in enumerate(hashes)]
    collapsed = collapse(hits)
    everything = [one for kept in collapsed for one in (kept.chunk, *kept.duplicates)]
    assert sorted(one.title for one in everything) == [one.chunk.title for one in hits]
    titles = [kept.chunk.title for kept in collapsed]
    assert titles == sorted(titles)
    assert collapse(collapsed) == collapsed


def test_the_distance_counts_bits() -> None:
    assert hash_distance(0, 2**64 - 1) == 64
    assert hash_distance(0b1010, 0b0110) == 2
