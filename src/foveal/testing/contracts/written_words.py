"""What every `WrittenWords` must do. Subclass it in your tests and give the fixture `words`."""

from __future__ import annotations

import pytest

from foveal.ports.people import WrittenWords
from foveal.types.conversations import PersonId

ANNA, BERT = PersonId("account:anna"), PersonId("account:bert")


class WrittenWordsContract:
    """The specification of `foveal.ports.WrittenWords` as tests."""

    @pytest.fixture
    def words(self) -> WrittenWords:
        """The one under test, empty."""
        raise pytest.UsageError("a subclass of WrittenWordsContract gives the fixture `words`")

    def test_words_are_of_one_file_of_one_source_and_index(self, words: WrittenWords) -> None:
        """Other files, sources and indexes have their own."""
        words.write("photos", "/trip", "a/b.jpg", "Ein Hafen. \U0001f6a2", by=ANNA)
        words.write("photos", "/trip", "c.jpg", "A pier.", by=BERT)
        words.write("photos", "/home", "c.jpg", "A cat.", by=BERT)
        assert words.of("photos", "/trip") == {"a/b.jpg": "Ein Hafen. \U0001f6a2", "c.jpg": "A pier."}
        assert words.of("photos", "/home") == {"c.jpg": "A cat."}
        assert words.of("others", "/trip") == {}

    def test_later_words_take_the_place_of_earlier_ones_and_none_takes_them_back(self, words: WrittenWords) -> None:
        """Whoever wrote them."""
        words.write("photos", "/trip", "c.jpg", "A pier.", by=ANNA)
        words.write("photos", "/trip", "c.jpg", "A bridge.", by=BERT)
        assert words.of("photos", "/trip") == {"c.jpg": "A bridge."}
        words.write("photos", "/trip", "c.jpg", "", by=ANNA)
        words.write("photos", "/trip", "never.jpg", "", by=ANNA)
        assert words.of("photos", "/trip") == {}

    def test_with_an_index_its_words_go(self, words: WrittenWords) -> None:
        """Those of others stay."""
        words.write("photos", "/trip", "c.jpg", "A pier.", by=ANNA)
        words.write("others", "/trip", "c.jpg", "A pier.", by=ANNA)
        words.forget("photos")
        assert words.of("photos", "/trip") == {}
        assert words.of("others", "/trip") == {"c.jpg": "A pier."}
