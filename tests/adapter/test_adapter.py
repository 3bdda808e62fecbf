"""The adapter: images without words are found by text (U10)."""

from __future__ import annotations

import numpy as np
import pytest

from foveal.errors import StoreCorruptError
from foveal.retrieval.adapter import Adapter, FeatureLayout, fit, image_features
from foveal.retrieval.background import SUBJECTS
from foveal.retrieval.text_space import TextSpace, build_text_space
from foveal.testing.fakes_text import FakeTextEmbedder
from foveal.types.content import Detections, ImageEncoding
from foveal.types.vectors import FloatArray

LABELS = ("retriever", "sailing boat", "pizza", "bicycle", "mountain tent", "grand piano")
CLASSES = ("dog", "boat")
LAYOUT = FeatureLayout(vector=16, labels=len(LABELS), classes=len(CLASSES), scales=2)
EMBEDDER = FakeTextEmbedder(dim=128)
RNG = np.random.default_rng(7)
PROTOTYPES = RNG.standard_normal((len(LABELS), 16)).astype(np.float32)


@pytest.fixture(scope="module")
def space() -> TextSpace:
    return build_text_space(EMBEDDER, LABELS, CLASSES)


def seen(label: int, *, sure: float = 0.8, noise: float = 0.3) -> FloatArray:
    """Features of a photo of that label."""
    vector = PROTOTYPES[label] + noise * RNG.standard_normal(16).astype(np.float32)
    probabilities = np.full(len(LABELS), (1 - sure) / (len(LABELS) - 1), np.float32)
    probabilities[label] = sure
    scores = np.full((len(CLASSES), 2), 0.05, np.float32)
    if label < len(CLASSES):
        scores[label] = (0.4, 0.7)
    encoding = ImageEncoding(vector=vector / np.linalg.norm(vector), probabilities=probabilities)
    return image_features(encoding, Detections(objects=(), class_scores=scores))


def collection(each: int = 6) -> tuple[FloatArray, list[int]]:
    labels = [label for label in range(len(LABELS)) for _ in range(each)]
    return np.stack([seen(label) for label in labels]), labels


def nothing() -> tuple[FloatArray, FloatArray]:
    return np.zeros((0, LAYOUT.size), np.float32), np.zeros((0, 128), np.float32)


def best(adapter: Adapter, features: FloatArray, question: str) -> int:
    scores = adapter.project(features) @ adapter.query(EMBEDDER.embed_queries([question])[0])
    return int(scores.argmax())


@pytest.fixture(autouse=True)
def _same_numbers_whatever_ran_before() -> None:
    RNG.bit_generator.state = np.random.default_rng(11).bit_generator.state


def test_with_nothing_described_photos_are_found_by_their_labels(space: TextSpace) -> None:
    features, labels = collection()
    adapter = fit(*nothing(), collection=features, space=space, layout=LAYOUT)
    for label, name in enumerate(LABELS):
        assert labels[best(adapter, features, f"a photo of a {name}")] == label


def test_descriptions_teach_words_that_no_label_has(space: TextSpace) -> None:
    features, labels = collection(each=12)
    words = ["grandma's birthday cheese", "holiday on lake garda", "lunch", "the race", "camping", "aunt's recital"]
    described = np.arange(0, len(labels), 2)
    targets = EMBEDDER.embed_passages([words[labels[i]] for i in described])
    adapter = fit(features[described], targets, collection=features, space=space, layout=LAYOUT)
    hidden = np.arange(1, len(labels), 2)
    found = [labels[hidden[best(adapter, features[hidden], words[label])]] == label for label in range(len(LABELS))]
    assert sum(found) >= 5
    untaught = fit(*nothing(), collection=features, space=space, layout=LAYOUT)
    before = [labels[hidden[best(untaught, features[hidden], words[label])]] == label for label in range(len(LABELS))]
    assert sum(before) < sum(found)


def test_seen_and_query_vectors_are_unit_float32_of_the_texts_length(space: TextSpace) -> None:
    features, _ = collection()
    adapter = fit(*nothing(), collection=features, space=space, layout=LAYOUT)
    vectors, query = adapter.project(features), adapter.query(EMBEDDER.embed_queries(["dogs"])[0])
    assert vectors.shape == (len(features), 128)
    assert query.shape == (128,)
    assert vectors.dtype == query.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-4)
    assert adapter.background().shape == (len(SUBJECTS), 128)


def test_seen_vectors_are_centred_on_the_collection(space: TextSpace) -> None:
    features, _ = collection()
    adapter = fit(*nothing(), collection=features, space=space, layout=LAYOUT)
    assert np.abs(adapter.project(features).mean(axis=0)).max() < 0.1


def test_how_a_question_is_asked_counts_less_than_what_it_asks(space: TextSpace) -> None:
    features, _ = collection()
    adapter = fit(*nothing(), collection=features, space=space, layout=LAYOUT)
    along = space.manner[0]
    query = EMBEDDER.embed_queries(["a dog"])[0]
    assert np.allclose(adapter.query(query), adapter.query(query + 0.5 * along), atol=1e-4)
    assert not np.allclose(adapter.query(query), adapter.query(query + 0.5 * adapter.whitening[0]), atol=1e-2)


def test_dual_and_primal_forms_agree(space: TextSpace) -> None:
    """More described images than features switch the form; dropping one image barely changes the map."""
    n = LAYOUT.size
    features = np.stack([seen(i % len(LABELS)) for i in range(n + 1)])
    targets = EMBEDDER.embed_passages([LABELS[i % len(LABELS)] for i in range(n + 1)])
    few = fit(features[:n], targets[:n], collection=features, space=space, layout=LAYOUT)
    many = fit(features, targets, collection=features, space=space, layout=LAYOUT)
    assert np.abs(few.project(features) - many.project(features)).max() < 0.1
    assert many.quality is not None
    assert few.quality is not None
    assert many.quality.recall_at_1 == pytest.approx(few.quality.recall_at_1, abs=0.15)


def test_the_held_out_figure_is_high_for_telling_words_and_chance_for_random_ones(space: TextSpace) -> None:
    texts = [f"{LABELS[i % 6]} {i % 6} {LABELS[i % 6]}" for i in range(60)]
    features = np.stack([seen(i % 6, noise=0.1) for i in range(60)])
    telling = fit(features, EMBEDDER.embed_passages(texts), collection=features, space=space, layout=LAYOUT).quality
    shuffled = EMBEDDER.embed_passages([str(w) for w in RNG.permutation(10_000)[:60]])
    random = fit(features, shuffled, collection=features, space=space, layout=LAYOUT).quality
    assert telling is not None
    assert random is not None
    assert telling.n == random.n == 60
    assert telling.candidates == 12
    assert telling.recall_at_5 > 0.9
    assert random.recall_at_1 < 0.35
    assert telling.median_rank < random.median_rank


def test_below_25_described_images_there_is_no_held_out_figure(space: TextSpace) -> None:
    features, labels = collection(each=4)
    targets = EMBEDDER.embed_passages([LABELS[label] for label in labels])
    assert fit(features, targets, collection=features, space=space, layout=LAYOUT).quality is None


@pytest.mark.parametrize("described", [1, 2, 3])
def test_a_single_description_is_enough_to_fit(space: TextSpace, described: int) -> None:
    features, labels = collection()
    targets = EMBEDDER.embed_passages([LABELS[label] for label in labels[:described]])
    adapter = fit(features[:described], targets, collection=features, space=space, layout=LAYOUT)
    assert np.isfinite(adapter.project(features)).all()
    assert labels[best(adapter, features, "a photo of a grand piano")] == 5


def test_an_empty_index_has_an_adapter_too(space: TextSpace) -> None:
    features, labels = collection()
    adapter = fit(*nothing(), collection=features[:0], space=space, layout=LAYOUT)
    assert adapter.images == 0
    assert adapter.due(described=0, images=1)
    assert labels[best(adapter, features, "a photo of a pizza")] == 2


def test_what_was_learnt_elsewhere_is_kept_until_this_index_says_otherwise(space: TextSpace) -> None:
    features, labels = collection(each=12)
    targets = EMBEDDER.embed_passages([f"aunt's recital {labels[i]}" if labels[i] == 5 else "x" for i in range(72)])
    elsewhere = fit(features, targets, collection=features, space=space, layout=LAYOUT)
    here, here_labels = collection()
    taught = fit(*nothing(), collection=here, space=space, layout=LAYOUT, prior=elsewhere)
    assert here_labels[best(taught, here, "aunt's recital 5")] == 5


def test_it_reads_back_as_it_was_written(space: TextSpace) -> None:
    features, labels = collection()
    targets = EMBEDDER.embed_passages([LABELS[label] for label in labels])
    adapter = fit(features, targets, collection=features, space=space, layout=LAYOUT)
    again = Adapter.from_bytes(adapter.to_bytes())
    assert np.array_equal(again.project(features), adapter.project(features))
    assert again.quality == adapter.quality
    assert again.space.identity == EMBEDDER.identity
    assert (again.described, again.images, again.layout) == (36, 36, LAYOUT)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no zip", b"\x80\x04K\x01."])
def test_bytes_that_are_no_adapter_are_a_store_error(data: bytes) -> None:
    with pytest.raises(StoreCorruptError, match="adapter"):
        Adapter.from_bytes(data)


def test_it_is_due_after_any_change_of_few_and_a_tenth_of_many(space: TextSpace) -> None:
    features, labels = collection()
    targets = EMBEDDER.embed_passages([LABELS[label] for label in labels])
    adapter = fit(features, targets, collection=features, space=space, layout=LAYOUT, images=1000)
    assert not adapter.due(described=36, images=1000)
    assert adapter.due(described=37, images=1000)
    assert not adapter.due(described=36, images=1090)
    assert adapter.due(described=36, images=1100)
    assert adapter.due(described=36, images=900)
    assert adapter.due(described=36, images=1000, reworded=1)  # so few that each counts


def test_shapes_that_do_not_fit_are_refused(space: TextSpace) -> None:
    features, _ = collection()
    with pytest.raises(ValueError, match="do not fit"):
        fit(features[:, 1:], np.zeros((36, 128), np.float32), collection=features, space=space, layout=LAYOUT)
    other = FeatureLayout(vector=LAYOUT.size)
    with pytest.raises(ValueError, match="other labels"):
        fit(*nothing(), collection=features, space=space, layout=other)
    with pytest.raises(ValueError, match="length"):
        FeatureLayout.of(size=LAYOUT.size + 1, vector=16, labels=6, classes=2)
    assert FeatureLayout.of(size=LAYOUT.size, vector=16, labels=6, classes=2) == LAYOUT


def test_without_a_detector_its_part_is_absent() -> None:
    encoding = ImageEncoding(vector=np.ones(4, np.float32), probabilities=np.array([0.25, 0.0], np.float32))
    assert image_features(encoding, None) == pytest.approx([1, 1, 1, 1, 0.35, 0])
