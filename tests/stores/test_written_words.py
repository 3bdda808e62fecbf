from __future__ import annotations

import pytest
from sqlalchemy import Engine

from foveal.ports.people import WrittenWords
from foveal.stores.written_words import SqlWrittenWords
from foveal.testing.contracts.written_words import WrittenWordsContract
from foveal.testing.fakes_people import InMemoryWrittenWords


class TestSqlWrittenWords(WrittenWordsContract):
    @pytest.fixture
    def words(self, engine: Engine) -> WrittenWords:
        return SqlWrittenWords(engine)


class TestInMemoryWrittenWords(WrittenWordsContract):
    @pytest.fixture
    def words(self) -> WrittenWords:
        return InMemoryWrittenWords()
