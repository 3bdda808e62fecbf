"""The local re-ranker."""

from __future__ import annotations

import pytest

from foveal.models.evidence import SentenceScorer
from foveal.models.local_reranker import LocalReranker
from foveal.models.text_embedder import LocalTextEmbedder
from foveal.ports.models import Reranker
from foveal.testing.contracts.reranker import RerankerContract, passages
from foveal.testing.fakes_text import FakeTextEmbedder


class TestLocalReranker(RerankerContract):
    @pytest.fixture
    def reranker(self, embedder: LocalTextEmbedder) -> Reranker:
        return LocalReranker(embedder)


def test_a_question_finds_its_answer_in_another_language(embedder: LocalTextEmbedder) -> None:
    judged = LocalReranker(embedder).rerank(
        "Wo laufen die zwei Hunde?",
        passages("The budget was approved.", "Two dogs run along the beach.", "แมวนอนหลับบนขอบหน้าต่าง"),
    )
    assert max(judged, key=lambda one: one.score).chunk_id == "p1"


def test_the_extract_is_the_sentence_that_answers(embedder: LocalTextEmbedder) -> None:
    text = "The town lies on the coast. Its lighthouse was built of red brick in 1903. Fishing is the main trade."
    (judged,) = LocalReranker(embedder).rerank("When was the lighthouse built?", passages(text))
    assert judged.extract is not None
    assert judged.extract.text == "Its lighthouse was built of red brick in 1903."
    marked = [judged.extract.text[start:end] for start, end in judged.extract.highlights]
    assert marked == ["lighthouse", "built"]
    assert judged.score > 2


def test_something_else_scores_low_even_when_it_is_all_there_is(embedder: LocalTextEmbedder) -> None:
    (judged,) = LocalReranker(embedder).rerank("Who won the chess olympiad?", passages("Bake the bread for an hour."))
    assert judged.score < 2


def test_no_more_sentences_are_embedded_than_allowed() -> None:
    fake = FakeTextEmbedder()
    scorer = SentenceScorer(fake, most=20)
    weighed = scorer.weigh("what of it?", ["One. Two. Three. Four. Five. Six."] * 10)
    assert len(weighed) == 20
    assert {sentence.passage for sentence in weighed} == set(range(10))
    before = len(fake.texts)
    scorer.weigh("what of it?", ["One. Two."] * 50)
    assert len(fake.texts) - before == 50 + 1


def test_shared_words_decide_which_sentences_are_weighed() -> None:
    text = " ".join(f"Filler number {n} of no use." for n in range(40)) + " The ferry leaves at nine."
    (best,) = SentenceScorer(FakeTextEmbedder(), most=1).weigh("when does the ferry leave", [text])
    assert text[best.start : best.end] == "The ferry leaves at nine."
